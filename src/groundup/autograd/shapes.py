"""Differentiation rules of what moves numbers without changing them: the gradient moves back.

Where NumPy can, the result is a view of the input's memory.
"""

from typing import Any

import numpy as np

from groundup.autograd.rule import Array, Rule, unbroadcast


def permute(x: Array, dims: tuple[int, ...]) -> Array:
    """The dimensions in another order: result dimension i is x's `dims[i]`."""
    return np.transpose(x, dims)


def _permute_vjp(xp: Any, g: Any, y: Any, x: Any, dims: tuple[int, ...]) -> Any:
    back = [0] * len(dims)
    for place, dim in enumerate(dims):
        back[dim % len(dims)] = place
    return xp.permute(g, dims=tuple(back))


def _cat_vjp(i: int, xp: Any, g: Any, y: Any, *parts: Any, dim: int) -> Any:
    start = sum(part.shape[dim] for part in parts[:i])
    index = [slice(None)] * g.ndim
    index[dim] = slice(start, start + parts[i].shape[dim])
    return xp.getitem(g, index=tuple(index))


def _stack_vjp(i: int, xp: Any, g: Any, y: Any, *parts: Any, dim: int) -> Any:
    index: list[Any] = [slice(None)] * g.ndim
    index[dim] = i
    return xp.getitem(g, index=tuple(index))


def windows(x: Array, dimension: int, size: int, step: int) -> Array:
    """Windows of `size` along a dimension, `step` apart, each laid out in a new last dimension."""
    views = np.lib.stride_tricks.sliding_window_view(x, size, axis=dimension)
    index = [slice(None)] * views.ndim
    index[dimension] = slice(None, None, step)
    return views[tuple(index)]


def fold(x: Array, dimension: int, step: int, shape: tuple[int, ...]) -> Array:
    """The reverse of `windows`: every element added to where it came from, in `shape`."""
    result = np.zeros(shape, x.dtype)
    count = x.shape[dimension]
    for place in range(x.shape[-1]):
        index = [slice(None)] * len(shape)
        index[dimension] = slice(place, place + (count - 1) * step + 1, step)
        result[tuple(index)] += x[..., place]
    return result


def pad(x: Array, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Array:
    """A border of `value`: (before, after) for each dimension; negative widths cut."""
    if any(width < 0 for pair in widths for width in pair):
        cut = tuple(
            slice(max(0, -a), size - max(0, -b))
            for (a, b), size in zip(widths, x.shape, strict=True)
        )
        x = x[cut]
        widths = tuple((max(a, 0), max(b, 0)) for a, b in widths)
    return np.pad(x, widths, constant_values=value)


def _pad_vjp(
    xp: Any, g: Any, y: Any, x: Any, widths: tuple[tuple[int, int], ...], value: float = 0.0
) -> Any:
    return xp.pad(g, widths=tuple((-a, -b) for a, b in widths), value=0.0)


SHAPES = {
    "reshape": Rule(
        lambda x, shape: np.reshape(x, shape),
        (lambda xp, g, y, x, shape: xp.reshape(g, shape=x.shape),),
    ),
    "expand": Rule(
        lambda x, shape: np.broadcast_to(x, shape),
        (lambda xp, g, y, x, shape: unbroadcast(xp, g, x.shape),),
    ),
    "permute": Rule(permute, (_permute_vjp,)),
    "flip": Rule(
        lambda x, dims: np.flip(x, dims), (lambda xp, g, y, x, dims: xp.flip(g, dims=dims),)
    ),
    "roll": Rule(
        lambda x, shifts, dims: np.roll(x, shifts, dims),
        (
            lambda xp, g, y, x, shifts, dims: xp.roll(
                g, shifts=tuple(-s for s in shifts), dims=dims
            ),
        ),
    ),
    "tril": Rule(
        lambda x, diagonal: np.tril(x, diagonal),
        (lambda xp, g, y, x, diagonal: xp.tril(g, diagonal=diagonal),),
    ),
    "triu": Rule(
        lambda x, diagonal: np.triu(x, diagonal),
        (lambda xp, g, y, x, diagonal: xp.triu(g, diagonal=diagonal),),
    ),
    "cat": Rule(lambda *parts, dim: np.concatenate(parts, dim), (_cat_vjp,), of_each=True),
    "stack": Rule(lambda *parts, dim: np.stack(parts, dim), (_stack_vjp,), of_each=True),
    "pad": Rule(pad, (_pad_vjp,)),
    "windows": Rule(
        windows,
        (
            lambda xp, g, y, x, dimension, size, step: xp.fold(
                g, dimension=dimension, step=step, shape=x.shape
            ),
        ),
    ),
    "fold": Rule(
        fold,
        (
            lambda xp, g, y, x, dimension, step, shape: xp.windows(
                g, dimension=dimension, size=x.shape[-1], step=step
            ),
        ),
    ),
}
