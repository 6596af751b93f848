"""The text that several benchmarks read: the standard library's source, every UTF-8 file."""

import sysconfig
from pathlib import Path


def corpus(most=None):
    """The files' texts, in the order of their names; at most so many."""
    root, texts = Path(sysconfig.get_paths()["stdlib"]), []
    for file in sorted(root.rglob("*.py")):
        if "site-packages" not in file.parts:
            try:
                texts.append(file.read_bytes().decode())
            except UnicodeDecodeError:  # some tests of the library are meant to be unreadable
                continue
    return texts[:most]
