"""Whether compiled kernels lie ready on the disk: the first use after an install takes seconds.

Numba keeps what it has compiled beside the source, or in the user's cache folder where that may not
be written to. It looks at a kernel's own file alone, but what a kernel takes from another file of
this room is compiled into it: what is older than any of them is thrown away here.
"""

import re
from pathlib import Path
from typing import Any

_IMPORT = re.compile(r"^from groundup\.kernels\.(\w+) import", re.MULTILINE)


def are_ready(*kernels: Any) -> bool:
    """Whether none of these kernels (numba dispatchers with `cache=True`) needs compiling.

    Removes what was compiled before the newest of its sources was written.
    """
    ready = [_is_ready(kernel) for kernel in kernels]  # of each: it clears what is stale
    return all(ready)


def sources(file: str | Path) -> set[Path]:
    """The kernel's file and those of this room that it takes anything from, directly or not."""
    found: set[Path] = set()
    waiting = [Path(file)]
    while waiting:
        source = waiting.pop()
        if source not in found:
            found.add(source)
            names = _IMPORT.findall(source.read_text(encoding="utf-8"))
            waiting += [source.with_name(f"{name}.py") for name in names]
    return found


def _is_ready(kernel: Any) -> bool:
    if kernel.signatures:
        return True
    file = Path(kernel.py_func.__code__.co_filename)
    newest = max(source.stat().st_mtime for source in sources(file))
    pattern = f"{file.stem}.{kernel.py_func.__qualname__}-*.nbi"
    found = list(Path(kernel.stats.cache_path).glob(pattern))
    stale = [index for index in found if index.stat().st_mtime < newest]
    for index in stale:
        index.unlink(missing_ok=True)
    return len(found) > len(stale)
