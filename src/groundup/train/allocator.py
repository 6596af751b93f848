"""Telling the C library to keep the memory that training frees and asks for again every step.

glibc hands blocks above a threshold (at most 32 MB unless told otherwise) straight back to the
system, and every page of the next block is then a page fault and a page of zeros: on a CPU that
costs more than the arithmetic of a wide output layer. With the thresholds raised, freed blocks stay
in the process and are used again. The price is that memory once used is not returned before the
process ends.
"""

import ctypes
import sys

M_TRIM_THRESHOLD = -1
M_TOP_PAD = -2
M_MMAP_THRESHOLD = -3
_ALMOST_2_GB = 2**31 - 4096
_GROWTH = 64 * 2**20


def keep_freed_memory() -> bool:
    """Raise glibc's mmap and trim thresholds for this process; whether that was possible.

    False, and nothing changes, where the C library is not glibc. Cannot be undone: it is called
    when training starts, never on import.
    """
    if not sys.platform.startswith("linux"):
        return False
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    settings = {
        M_MMAP_THRESHOLD: _ALMOST_2_GB,
        M_TRIM_THRESHOLD: _ALMOST_2_GB,
        M_TOP_PAD: _GROWTH,
    }
    return all(library.mallopt(name, value) == 1 for name, value in settings.items())
