"""The tensor: a NumPy array that remembers how it was computed, under torch's method names.

Plain tensor algebra in method names (`q @ k.transpose(-2, -1)`, `.softmax(-1)`, `.masked_fill`)
runs on it and on torch's tensors alike, and so do calls of torch's own functions: torch hands them
over by its protocol (`__torch_function__`), though nothing here imports torch.

    x = Tensor([1.0, 2.0, 3.0], requires_grad=True)
    (x * x).sum().backward()
    x.grad                                              # Tensor([2., 4., 6.])

Floating numbers given as Python's are float32, as in torch. Left out: writing into a tensor by an
operation (only `data` can be set), complex numbers, devices, sparse tensors.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from groundup.autograd import record
from groundup.autograd.arithmetic import Arithmetic
from groundup.autograd.functions import TORCH_FUNCTIONS
from groundup.autograd.layout import Layout
from groundup.autograd.record import Recorded, apply
from groundup.autograd.rule import Array
from groundup.autograd.table import RULES


class Tensor(Arithmetic, Layout):
    """An array with a gradient; see the methods of `Arithmetic` and `Layout`.

    `data`: numbers, nested lists or an array (which is taken, not copied, if it is one).
    `requires_grad`: collect in `grad` the gradient of what `backward` is called on.
    Raises TypeError for what is no array of numbers, and if integers are to have gradients.
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = False, dtype: Any = None) -> None:
        is_array = isinstance(data, np.ndarray | np.generic | Recorded) or hasattr(data, "detach")
        array = np.asarray(data.data if isinstance(data, Recorded) else data, dtype=dtype)
        if not is_array and dtype is None and array.dtype == np.float64:
            array = array.astype(np.float32)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"a Tensor holds real numbers, and this is of type {array.dtype}")
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"only floating numbers have gradients, and these are {array.dtype}; "
                "give them as floats, or with dtype=np.float32"
            )
        self.data = array
        self.grad = None
        self.node = None
        self.requires_grad = requires_grad
        self.keeps_grad = False

    def __repr__(self) -> str:
        text = np.array2string(self.data, separator=", ", prefix="Tensor(")
        more = f", dtype={self.dtype}" if self.dtype.kind == "f" and self.dtype != "f4" else ""
        return f"Tensor({text}{more}{', requires_grad=True' if self.requires_grad else ''})"

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's type of the numbers."""
        return self.data.dtype

    @property
    def device(self) -> str:
        """Always "cpu"."""
        return "cpu"

    def backward(
        self, gradient: Any = None, retain_graph: bool = False, create_graph: bool = False
    ) -> None:
        """Add to the `grad` of every leaf; see `groundup.autograd.record.backward`."""
        record.backward(self, gradient, create_graph, retain_graph)

    def retain_grad(self) -> None:
        """Keep the gradient of this value too, though it is no leaf."""
        self.keeps_grad = True

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Want a gradient from now on, or no longer; returns itself."""
        if requires_grad and self.dtype.kind != "f":
            raise TypeError(f"only floating numbers have gradients, and these are {self.dtype}")
        self.requires_grad = requires_grad
        return self

    def detach(self) -> Self:
        """The same numbers without their history."""
        return type(self).wrap(self.data)

    def clone(self) -> Self:
        """A copy that passes gradients on."""
        return self * 1 if self.dtype.kind == "f" else type(self).wrap(self.data.copy())

    def contiguous(self) -> Self:
        """Itself: where memory must be in order, operations copy."""
        return self

    def numpy(self) -> Array:
        """The array itself; ValueError while it wants a gradient, as torch's."""
        if self.requires_grad:
            raise ValueError("this Tensor wants a gradient; use .detach().numpy(), or .data")
        return self.data

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        return np.array(self.data, dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The number, if there is only one."""
        return self.data.item()

    def tolist(self) -> Any:
        """Nested lists of Python numbers."""
        return self.data.tolist()

    def __float__(self) -> float:
        return float(self.data.item())

    def __int__(self) -> int:
        return int(self.data.item())

    def __index__(self) -> int:
        return int(self.data.item()) if self.dtype.kind in "iu" else _refuse_index(self)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __iter__(self) -> Any:
        return iter(self.unbind(0))

    def element_size(self) -> int:
        """Bytes of one number."""
        return self.dtype.itemsize

    def is_floating_point(self) -> bool:
        """Whether its numbers have fractions."""
        return self.dtype.kind == "f"

    def to(self, like: Any) -> Self:
        """In another type: a dtype (NumPy's, or torch's by its name), or another tensor's."""
        kind = like if isinstance(like, type) else getattr(like, "dtype", like)
        dtype = np.dtype(kind if isinstance(kind, type) else str(kind).removeprefix("torch."))
        return self if dtype == self.dtype else self._cast(dtype)

    def type_as(self, other: Any) -> Self:
        """In the other's type."""
        return self.to(other)

    def float(self) -> Self:
        """As float32."""
        return self.to(np.float32)

    def double(self) -> Self:
        """As float64."""
        return self.to(np.float64)

    def long(self) -> Self:
        """As int64."""
        return self.to(np.int64)

    def bool(self) -> Self:
        """As booleans."""
        return self.to(np.bool_)

    def new_zeros(self, *shape: Any) -> Self:
        """Zeros of that shape in this type."""
        return type(self).wrap(np.zeros(_shape(shape), self.dtype))

    def new_ones(self, *shape: Any) -> Self:
        """Ones of that shape in this type."""
        return type(self).wrap(np.ones(_shape(shape), self.dtype))

    def _cast(self, dtype: Any) -> Self:
        return apply(RULES["to"], self, dtype=dtype)

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """What torch calls when one of its functions is given a Tensor of ours."""
        name = getattr(func, "__name__", str(func)).strip("_")
        function = TORCH_FUNCTIONS.get(name) or getattr(cls, name, None)
        if function is None:
            raise TypeError(f"torch's {name} is not among the operations of groundup's Tensor")
        given = [_from_torch(part) for part in args]
        return function(*given, **{key: _from_torch(part) for key, part in (kwargs or {}).items()})


def _refuse_index(value: Tensor) -> int:
    raise TypeError(f"only integers can be an index, and this is {value.dtype}")


def _shape(sizes: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else sizes


def _from_torch(value: Any) -> Any:
    """Torch's tensors as ours, without a gradient."""
    if isinstance(value, list | tuple):
        return type(value)(_from_torch(part) for part in value)
    is_foreign = hasattr(value, "detach") and not isinstance(value, Recorded)
    return Tensor(value.detach().numpy()) if is_foreign else value
