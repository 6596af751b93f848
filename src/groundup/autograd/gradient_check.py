r"""Is a gradient right? Compared with differences of the function itself, in float64.

For one random direction u and one random cotangent v, $v^T J u$ is computed twice: by reverse mode,
and as the central difference $v^T (f(x + hu) - f(x - hu)) / 2h$. A wrong entry of J is missed only
if u and v happen to hide it, which has probability 0. The difference's error is $O(h^2)$ from the
curvature and $O(\epsilon / h)$ from rounding, least near $h = \epsilon^{1/3}$, about 6e-6, where
it is of the order of $\epsilon^{2/3}$, about 4e-11, times the size of the values and derivatives.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from groundup.autograd.record import gradients
from groundup.autograd.rule import Array
from groundup.autograd.tensor import Tensor

STEP = float(np.finfo(np.float64).eps) ** (1 / 3)


def gradcheck(
    f: Callable[..., Tensor],
    inputs: Sequence[Array],
    *,
    rng: np.random.Generator | int = 0,
    tolerance: float = 1e-7,
) -> None:
    """Raise ValueError if the gradients of f at `inputs` are not those of the function.

    `f` takes as many Tensors as there are inputs; floating inputs become float64. The tolerance is
    relative to the size of what is compared, and absolute below 1.
    """
    rng = np.random.default_rng(rng)
    arrays = [_double(value) for value in inputs]
    for i, array in enumerate(arrays):
        if array.dtype.kind == "f" and array.size:
            _check_one(f, arrays, i, rng, tolerance)


def _check_one(
    f: Callable[..., Tensor], arrays: list[Array], i: int, rng: np.random.Generator, limit: float
) -> None:
    values = [Tensor(array) for array in arrays]
    values[i] = Tensor(arrays[i], requires_grad=True)
    result = f(*values)
    v = rng.standard_normal(result.shape)
    direction = rng.standard_normal(arrays[i].shape)
    found = gradients(result, [values[i]], v)[0] if result.requires_grad else None
    claimed = 0.0 if found is None else float(np.sum(found.data * direction))
    ends = []
    for sign in (1, -1):
        moved = [Tensor(array) for array in arrays]
        moved[i] = Tensor(arrays[i] + sign * STEP * direction)
        ends.append(f(*moved).data)
    measured = float(np.sum(v * (ends[0] - ends[1]) / (2 * STEP)))
    size = max(1.0, abs(claimed), abs(measured), float(np.sum(np.abs(v * ends[0]))))
    if not abs(claimed - measured) <= limit * size:
        raise ValueError(
            f"the gradient of input {i} is wrong: along a random direction it claims "
            f"{claimed:.10g}, and the function changes by {measured:.10g}"
        )


def gradgradcheck(
    f: Callable[..., Tensor],
    inputs: Sequence[Array],
    *,
    rng: np.random.Generator | int = 0,
    tolerance: float = 1e-6,
) -> None:
    """As `gradcheck`, of the gradients of f: are the second derivatives right?"""
    rng = np.random.default_rng(rng)
    arrays = [_double(value) for value in inputs]
    cotangent = rng.standard_normal(f(*(Tensor(array) for array in arrays)).shape)

    def all_gradients(*values: Tensor) -> Tensor:
        wanted = [
            value if value.requires_grad else Tensor(value.data, requires_grad=True)
            for value in values
            if value.dtype.kind == "f"
        ]
        pool = iter(wanted)
        given = [next(pool) if value.dtype.kind == "f" else value for value in values]
        parts = gradients(f(*given), wanted, cotangent, create_graph=True)
        total: Any = Tensor(np.zeros(1))
        rows = [(part * part.sin()).sum().reshape(1) for part in parts if part is not None]
        for row in rows:
            total = total + row
        result: Tensor = total
        return result

    gradcheck(all_gradients, arrays, rng=rng, tolerance=tolerance)


def _double(value: Array) -> Array:
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array
