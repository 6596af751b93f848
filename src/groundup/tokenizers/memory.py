"""Keeping to a bound on memory: what Python takes itself, arrays in files, and giving back.

glibc keeps what was freed for later use, and decides by itself what is large enough to be mapped.
Under a bound both are in the way; on systems without glibc nothing is done about it.
"""

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

AT_REST = 208 << 20
"""Bytes that Python and its libraries, numba above all, take themselves."""
_MMAP_THRESHOLD, _LARGE = -3, 1 << 20  # glibc's name for the option; bytes


def map_large_arrays() -> None:
    """Have every large array mapped by itself: freed it is gone, and it grows without a copy."""
    if options := getattr(ctypes.CDLL(None), "mallopt", None):
        options(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Hand freed memory back to the system."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)


@contextlib.contextmanager
def allocator(memory: int | None) -> Iterator[Callable[[int, Any], NDArray[Any]]]:
    """What makes arrays of so many items: in memory up to a bound in bytes, beyond it in files."""
    if memory is None:
        yield np.empty
        return
    import tempfile  # slow to import, and seldom needed

    map_large_arrays()
    left = memory - AT_REST
    with tempfile.TemporaryDirectory() as folder:
        files = 0

        def allocate(items: int, kind: Any) -> NDArray[Any]:
            nonlocal left, files
            size = items * np.dtype(kind).itemsize
            if size <= left:
                left -= size
                return np.empty(items, kind)
            files += 1
            return np.memmap(Path(folder) / str(files), kind, mode="w+", shape=items)

        yield allocate
