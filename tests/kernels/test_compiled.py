"""What was compiled from older sources is thrown away, and only that."""

import os
from pathlib import Path

from groundup.kernels import bpe_encoding, compiled, scan


def test_sources_are_followed_through_imports():
    names = {path.name for path in compiled.sources(bpe_encoding.__file__)}
    assert {"bpe_encoding.py", "scan.py", "bytes_hash.py", "machine.py"} <= names
    assert {path.name for path in compiled.sources(scan.__file__)} == {"scan.py", "machine.py"}


class Kernel:
    """As much of a numba dispatcher as `compiled` looks at."""

    def __init__(self, folder, signatures=()):
        self.signatures = list(signatures)
        self.py_func = scan.character_classes
        self.stats = type("Stats", (), {"cache_path": str(folder)})


def index(folder, age):
    file = folder / "scan.character_classes-1.py311.nbi"
    file.write_bytes(b"")
    newest = max(path.stat().st_mtime for path in compiled.sources(scan.__file__))
    os.utime(file, (newest - age, newest - age))
    return file


def test_ready_is_what_is_newer_than_its_sources(tmp_path):
    assert not compiled.are_ready(Kernel(tmp_path))
    file = index(tmp_path, age=-5)
    assert compiled.are_ready(Kernel(tmp_path))
    assert file.exists()
    old = index(tmp_path, age=5)
    assert not compiled.are_ready(Kernel(tmp_path), Kernel(tmp_path))
    assert not old.exists()


def test_what_runs_already_is_ready(tmp_path):
    assert compiled.are_ready(Kernel(tmp_path, signatures=["()"]))
    assert Path(tmp_path).exists()
