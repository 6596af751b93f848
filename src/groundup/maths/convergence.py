"""What every iterative solver of this room returns, and how it says that it did not arrive.

A solver never fails silently: it returns a `Solution` whose `converged` is False, and it warns with
the reason and what to change. Left out: time limits and callbacks (the trace is kept instead).
"""

import warnings
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class ConvergenceWarning(UserWarning):
    """An iteration stopped before it arrived; the message says what to change."""


@dataclass(frozen=True, kw_only=True)
class Solution:
    """Where a minimiser stopped."""

    x: Floats
    """The point, shape (n,)."""
    value: float
    """The function there."""
    iterations: int
    """Steps taken."""
    converged: bool
    """Whether the stopping rule was met."""
    message: str
    """Why it stopped, in one sentence; what to change where it did not arrive."""
    trace: Floats
    """The function at the start and after each step, shape (iterations + 1,)."""


@dataclass(frozen=True, kw_only=True)
class ConstrainedSolution(Solution):
    """Where a constrained minimiser stopped, with the prices of the constraints."""

    equality: Floats = field(default_factory=lambda: np.zeros(0))
    """Multipliers of the equalities, of either sign."""
    inequality: Floats = field(default_factory=lambda: np.zeros(0))
    """Multipliers of the inequalities c(x) <= 0, each 0 or more."""
    status: str = "optimal"
    """`optimal`, `infeasible`, `unbounded` or `stopped`."""


Result = TypeVar("Result", bound=Solution)


def told(solution: Result) -> Result:
    """The solution itself, after a `ConvergenceWarning` where it did not converge.

    A solver ends in `return told(...)`. The warning points at the line that called the solver: two
    frames up, and one more for the slot of a replaceable function.
    """
    if not solution.converged:
        warnings.warn(solution.message, ConvergenceWarning, stacklevel=4)
    return solution
