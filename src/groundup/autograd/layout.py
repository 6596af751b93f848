"""Shapes, picking and putting together, and reductions, as methods with torch's names.

Where NumPy can, a result shares its input's memory; nothing here writes into it.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from groundup.autograd.record import Recorded, apply
from groundup.autograd.table import RULES

Dim = int | Sequence[int] | None


class Extreme(NamedTuple):
    """The largest or smallest along a dimension, and where it stands."""

    values: Any
    """A Tensor."""
    indices: Any
    """A Tensor of int64; of equal elements the first."""


def dims_of(dim: Dim, count: int) -> tuple[int, ...]:
    """Torch's ways to name dimensions, as a tuple of numbers from 0, or IndexError."""
    if dim is None:
        return tuple(range(count))
    given = (dim,) if isinstance(dim, int) else tuple(dim)
    limit = max(count, 1)
    for one in given:
        if not -limit <= one < limit:
            raise IndexError(f"there is no dimension {one}; a shape of {count} has fewer")
    return tuple(one % limit for one in given) if count else ()


def one_dim(dim: int, count: int) -> int:
    """One dimension, counted from 0; IndexError if there is none such."""
    if not -count <= dim < count:
        raise IndexError(f"there is no dimension {dim}; a shape of {count} has fewer")
    return dim % count


def sizes_of(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    """A shape given as numbers or as one sequence of them."""
    if len(sizes) == 1 and not isinstance(sizes[0], int | np.integer):
        return tuple(sizes[0])
    return tuple(sizes)


class Layout(Recorded):
    """Methods about dimensions."""

    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return self.data.shape

    @property
    def ndim(self) -> int:
        """How many dimensions."""
        return self.data.ndim

    def dim(self) -> int:
        """How many dimensions."""
        return self.data.ndim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the size of one dimension."""
        return self.data.shape if dim is None else self.data.shape[dim]

    def numel(self) -> int:
        """How many numbers."""
        return self.data.size

    def __len__(self) -> int:
        return len(self.data)

    def reshape(self, *shape: Any) -> Self:
        """The same numbers in another shape; one size may be -1."""
        return apply(RULES["reshape"], self, shape=sizes_of(shape))

    def view(self, *shape: Any) -> Self:
        """As `reshape`."""
        return self.reshape(*shape)

    def flatten(self, start_dim: int = 0, end_dim: int = -1) -> Self:
        """Dimensions from `start_dim` to `end_dim` laid out as one."""
        if self.ndim == 0:
            return self.reshape(1)
        start, end = dims_of((start_dim, end_dim), self.ndim)
        middle = math.prod(self.shape[start : end + 1])
        return self.reshape(*self.shape[:start], middle, *self.shape[end + 1 :])

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Self:
        """One dimension as several."""
        at = one_dim(dim, self.ndim)
        return self.reshape(*self.shape[:at], *sizes, *self.shape[at + 1 :])

    def permute(self, *dims: Any) -> Self:
        """The dimensions in another order."""
        return apply(RULES["permute"], self, dims=dims_of(sizes_of(dims), self.ndim))

    def transpose(self, dim0: int, dim1: int) -> Self:
        """Two dimensions swapped."""
        a, b = dims_of((dim0, dim1), self.ndim) if self.ndim else (0, 0)
        order = list(range(self.ndim))
        if order:
            order[a], order[b] = order[b], order[a]
        return self.permute(order)

    @property
    def T(self) -> Self:  # noqa: N802
        """The dimensions in reverse: a matrix transposed."""
        return self.permute(tuple(range(self.ndim - 1, -1, -1)))

    @property
    def mT(self) -> Self:  # noqa: N802
        """The last two dimensions swapped."""
        return self.transpose(-2, -1)

    def squeeze(self, dim: Dim = None) -> Self:
        """Without the dimensions of size 1, or without those of `dim` that have it."""
        gone = {one for one in dims_of(dim, self.ndim) if self.shape[one] == 1}
        return self.reshape(tuple(n for i, n in enumerate(self.shape) if i not in gone))

    def unsqueeze(self, dim: int) -> Self:
        """A new dimension of size 1 before `dim`."""
        at = one_dim(dim, self.ndim + 1)
        return self.reshape((*self.shape[:at], 1, *self.shape[at:]))

    def expand(self, *sizes: Any) -> Self:
        """Dimensions of size 1 repeated without copying; -1 keeps a size."""
        wanted = sizes_of(sizes)
        own = (*(1,) * (len(wanted) - self.ndim), *self.shape)
        shape = tuple(old if new == -1 else new for new, old in zip(wanted, own, strict=True))
        return apply(RULES["expand"], self, shape=shape)

    def expand_as(self, other: Any) -> Self:
        """Expanded to the other's shape."""
        return self.expand(other.shape)

    def repeat_interleave(self, repeats: int, dim: int) -> Self:
        """Every slice along `dim` so many times in a row."""
        at = one_dim(dim, self.ndim)
        wider = self.unsqueeze(at + 1)
        shape = (*wider.shape[: at + 1], repeats, *wider.shape[at + 2 :])
        return wider.expand(shape).flatten(at, at + 1)

    def flip(self, *dims: Any) -> Self:
        """Reversed along `dims`."""
        return apply(RULES["flip"], self, dims=dims_of(sizes_of(dims), self.ndim))

    def roll(self, shifts: int | Sequence[int], dims: int | Sequence[int]) -> Self:
        """Shifted along `dims`; what falls off one end comes back at the other."""
        many = (shifts,) if isinstance(shifts, int) else tuple(shifts)
        at = dims_of(dims, self.ndim)
        return apply(RULES["roll"], self, shifts=many, dims=at)

    def tril(self, diagonal: int = 0) -> Self:
        """The lower triangle, zeros above that diagonal."""
        return apply(RULES["tril"], self, diagonal=diagonal)

    def triu(self, diagonal: int = 0) -> Self:
        """The upper triangle, zeros below that diagonal."""
        return apply(RULES["triu"], self, diagonal=diagonal)

    def unfold(self, dimension: int, size: int, step: int) -> Self:
        """Windows of `size` along a dimension, each in a new last dimension."""
        at = one_dim(dimension, self.ndim)
        return apply(RULES["windows"], self, dimension=at, size=size, step=step)

    def __getitem__(self, index: Any) -> Self:
        return apply(RULES["getitem"], self, index=plain_index(index))

    def gather(self, dim: int, index: Any) -> Self:
        """result[i, j] = self[i, index[i, j]] for dim 1, and so on."""
        at = one_dim(dim, self.ndim)
        return apply(RULES["gather"], self, dim=at, index=plain_index(index))

    def index_select(self, dim: int, index: Any) -> Self:
        """The slices of that dimension that `index` names."""
        at = one_dim(dim, self.ndim)
        return self[(*(slice(None),) * at, plain_index(index))]

    def chunk(self, chunks: int, dim: int = 0) -> tuple[Self, ...]:
        """So many pieces along `dim`, as equal as can be."""
        at = one_dim(dim, self.ndim)
        return self.split(-(-self.shape[at] // chunks), at)

    def split(self, sizes: int | Sequence[int], dim: int = 0) -> tuple[Self, ...]:
        """Pieces of that size along `dim` (the last may be smaller), or of those sizes."""
        at = one_dim(dim, self.ndim)
        total = self.shape[at]
        if isinstance(sizes, int):
            sizes = [min(sizes, total - start) for start in range(0, total, sizes)] or [0]
        if sum(sizes) != total:
            raise ValueError(f"pieces of {list(sizes)} are not the {total} of dimension {dim}")
        ends = np.cumsum(sizes).tolist()
        front = (slice(None),) * at
        return tuple(
            self[(*front, slice(end - size, end))] for end, size in zip(ends, sizes, strict=True)
        )

    def unbind(self, dim: int = 0) -> tuple[Self, ...]:
        """The slices along `dim`, each without it."""
        at = one_dim(dim, self.ndim)
        front = (slice(None),) * at
        return tuple(self[(*front, i)] for i in range(self.shape[at]))

    def sum(self, dim: Dim = None, keepdim: bool = False) -> Self:
        """The sum, of all numbers or over `dim`."""
        return self._reduce("sum", dim, keepdim)

    def mean(self, dim: Dim = None, keepdim: bool = False) -> Self:
        """The mean, of all numbers or over `dim`. TypeError for whole numbers, as in torch."""
        if self.data.dtype.kind != "f":
            raise TypeError(f"a mean has fractions, and these are {self.data.dtype}; use .float()")
        return self._reduce("mean", dim, keepdim)

    def amax(self, dim: Dim = None, keepdim: bool = False) -> Self:
        """The largest; ties share the gradient evenly."""
        return self._reduce("amax", dim, keepdim)

    def amin(self, dim: Dim = None, keepdim: bool = False) -> Self:
        """The smallest; ties share the gradient evenly."""
        return self._reduce("amin", dim, keepdim)

    def logsumexp(self, dim: Dim, keepdim: bool = False) -> Self:
        r"""$\ln \sum e^x$ over `dim`."""
        return self._reduce("logsumexp", dim, keepdim)

    def max(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The largest of all; or along a dimension, with its place: (values, indices)."""
        if dim is None:
            return self.amax()
        return self._extreme(np.argmax, dim, keepdim)

    def min(self, dim: int | None = None, keepdim: bool = False) -> Any:
        """The smallest of all; or along a dimension, with its place: (values, indices)."""
        if dim is None:
            return self.amin()
        return self._extreme(np.argmin, dim, keepdim)

    def var(self, dim: Dim = None, keepdim: bool = False, *, correction: float = 1) -> Self:
        r"""$\sum (x - \bar x)^2 / (n - \mathrm{correction})$."""
        if isinstance(dim, bool):
            raise TypeError("give var and std a correction of 0 or 1 by name, not `unbiased`")
        axes = dims_of(dim, self.ndim)
        count = math.prod(self.shape[axis] for axis in axes)
        centred: Any = self - self.mean(axes, True)  # type: ignore[operator]
        result: Self = (centred * centred).sum(axes, keepdim) / max(count - correction, 0.0)
        return result

    def std(self, dim: Dim = None, keepdim: bool = False, *, correction: float = 1) -> Self:
        """The root of the variance; where all are equal its gradient is 0, as in torch."""
        variance: Any = self.var(dim, keepdim, correction=correction)
        is_flat = variance == 0
        result: Self = variance.masked_fill(is_flat, 1.0).sqrt().masked_fill(is_flat, 0.0)
        return result

    def softmax(self, dim: int) -> Self:
        r"""$e^{x_i} / \sum_j e^{x_j}$ along `dim`."""
        at = one_dim(dim, self.ndim)
        return apply(RULES["softmax"], self, dim=at)

    def log_softmax(self, dim: int) -> Self:
        """The logarithm of `softmax`, without its rounding."""
        at = one_dim(dim, self.ndim)
        return apply(RULES["log_softmax"], self, dim=at)

    def cumsum(self, dim: int) -> Self:
        """Sums of all up to each place along `dim`."""
        at = one_dim(dim, self.ndim)
        return apply(RULES["cumsum"], self, dim=at)

    def argmax(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """Where the largest stands; of equals the first."""
        return type(self).wrap(np.asarray(np.argmax(self.data, axis=dim, keepdims=keepdim)))

    def argmin(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """Where the smallest stands; of equals the first."""
        return type(self).wrap(np.asarray(np.argmin(self.data, axis=dim, keepdims=keepdim)))

    def all(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """Whether all are true."""
        return type(self).wrap(np.asarray(np.all(self.data, axis=dim, keepdims=keepdim)))

    def any(self, dim: int | None = None, keepdim: bool = False) -> Self:
        """Whether any is true."""
        return type(self).wrap(np.asarray(np.any(self.data, axis=dim, keepdims=keepdim)))

    def _reduce(self, name: str, dim: Dim, keepdim: bool) -> Self:
        return apply(RULES[name], self, dim=dims_of(dim, self.ndim), keepdim=keepdim)

    def _extreme(self, where: Any, dim: int, keepdim: bool) -> Extreme:
        at = one_dim(dim, self.ndim)
        indices = where(self.data, axis=at, keepdims=True)
        values: Any = self.gather(at, indices)
        if not keepdim:
            values, indices = values.squeeze(at), np.squeeze(indices, axis=at)
        return Extreme(values, type(self).wrap(indices))


def plain_index(index: Any) -> Any:
    """An index with Tensors turned into arrays, and lists too."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Recorded):
        index = index.data
    if hasattr(index, "detach"):  # torch's, as masks and ids may be
        index = np.asarray(index)
    if isinstance(index, list):
        index = np.asarray(index)
    return index
