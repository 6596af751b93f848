"""Says so when fast twins must be compiled first: once after an install, for some seconds."""

import contextlib
from collections.abc import Iterator
from typing import Any

from groundup.observe.progress import terminal


@contextlib.contextmanager
def compiling(*kernels: Any) -> Iterator[None]:
    """Shows a line in a terminal while the `with` runs, if any of these kernels is not compiled.

    What is compiled is kept on disk, so this is seen once. Run the kernels inside on something
    small: they are compiled when they are first called.
    """
    from groundup.kernels.compiled import are_ready

    if are_ready(*kernels):
        yield
        return
    with terminal("compiling the fast tokenizer, once", unit="kernels"):
        yield
