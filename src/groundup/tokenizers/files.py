"""What a person types for files and sizes: `corpus/**/*.txt`, `512MB`."""

import glob
import re
from collections.abc import Iterable
from pathlib import Path

_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(?:I?B)?\s*", re.IGNORECASE)
_POWERS = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def find_files(patterns: Iterable[str]) -> list[Path]:
    """The files that match, each once, sorted by path; `**` reaches into all folders below.

    Hidden files and folders match only a pattern that names their dot. Raises ValueError if a
    pattern matches no file.
    """
    found: set[Path] = set()
    for pattern in patterns:
        expanded = Path(pattern).expanduser()
        if expanded.is_file():
            found.add(expanded)
            continue
        if expanded.is_dir():
            raise ValueError(
                f"{pattern} is a folder; say which files in it, as '{expanded / '**' / '*.txt'}'"
            )
        files = [Path(name) for name in glob.glob(str(expanded), recursive=True)]
        files = [file for file in files if file.is_file()]
        if not files:
            raise ValueError(f"no file matches {pattern!r} here in {Path.cwd()}")
        found.update(files)
    return sorted(found)


def bytes_of(size: str) -> int:
    """`"512MB"` is 536870912: k, M, G and T are powers of 1024. Raises ValueError on other texts.

    Small letters, a space before the unit, and `MiB` or `M` for `MB` are understood.
    """
    if not (match := _SIZE.fullmatch(size)):
        raise ValueError(f"the size {size!r} is not understood; wanted one like 512MB or 2GB")
    return int(float(match[1]) * 1024 ** _POWERS[match[2].upper()])
