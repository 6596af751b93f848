"""`--threads`: how many threads of the processor compute."""

import torch

from groundup.inference.open_engine import check_threads


def set_threads(threads: int | None) -> None:
    """Have torch compute with so many in this process; None: as many as it chooses itself.

    The CPU kernel's threads are `open_engine`'s, which holds torch to one beside them. Raises
    ValueError for a number that could not help.
    """
    check_threads(threads)
    if threads is not None:
        torch.set_num_threads(threads)
