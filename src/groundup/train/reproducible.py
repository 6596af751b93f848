"""The same run, the same numbers: what of the process must be settled for that.

Sums of floating-point numbers depend on their order. So the number of threads is fixed, because
work is split by it, and PyTorch is told to use no operation that adds in whatever order its threads
finish. One such is what `torch.compile` makes of an embedding's gradient on a CPU: without this, a
resumed run would end near the uninterrupted one, not at it.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

import torch

_flags: Any = torch.utils.deterministic
"""A module whose attributes are settings, which its stub does not know."""


@contextlib.contextmanager
def reproducible(device: torch.device, threads: int | None = None) -> Iterator[None]:
    """Inside, training on a CPU is a function of its inputs; after it, all is set as before.

    `threads`: how many (None: as many as there are now). On a GPU operations are left as they are:
    there some have no other way, and others a slow one.
    """
    threads_before = torch.get_num_threads()
    was_on, only_warned = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    filled = _flags.fill_uninitialized_memory
    try:
        torch.set_num_threads(threads or threads_before)
        if device.type == "cpu":
            torch.use_deterministic_algorithms(True, warn_only=True)
            # That is for finding reads of memory that was never written, and costs a pass over it.
            _flags.fill_uninitialized_memory = False
        yield
    finally:
        torch.set_num_threads(threads_before)
        torch.use_deterministic_algorithms(was_on, warn_only=only_warned)
        _flags.fill_uninitialized_memory = filled
