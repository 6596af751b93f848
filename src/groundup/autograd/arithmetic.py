"""Operators and functions of single numbers, as methods with torch's names.

Types follow torch where NumPy differs: an integer array takes the type of the floating array it
meets, and so does a number or an array without dimensions; whole numbers that are divided, or meet
a Python float, become float32.
"""

from typing import Any, Self

import numpy as np

from groundup.autograd.record import Recorded, apply
from groundup.autograd.table import RULES


def constant(value: Any) -> Any:
    """What an operation may be given beside Tensors: a Python number, or an array."""
    if isinstance(value, Recorded | bool | int | float | np.ndarray):
        return value
    if isinstance(value, np.generic):
        return value.item()
    return np.asarray(value)


def binary(name: str, a: Any, b: Any) -> Any:
    """The operation of that name on two values, one of them a Tensor, in torch's type."""
    a, b = constant(a), constant(b)
    kind_a, kind_b = getattr(a, "dtype", None), getattr(b, "dtype", None)
    if kind_a is not kind_b and kind_a is not None and kind_b is not None:
        dtype = common_type(a, b)
        a = a if a.dtype == dtype else _cast(a, dtype)
        b = b if b.dtype == dtype else _cast(b, dtype)
    if name == "div" or isinstance(a, float) or isinstance(b, float):
        a, b = _with_fractions(a), _with_fractions(b)
    return apply(RULES[name], a, b)


def _with_fractions(value: Any) -> Any:
    """Whole numbers as float32, torch's type where fractions come in; all else as it is."""
    kind = getattr(value, "dtype", None)
    return value if kind is None or kind.kind == "f" else _cast(value, np.float32)


def common_type(a: Any, b: Any) -> Any:
    """Torch's type for two arrays: floating before integer, then those with dimensions."""
    rank_a = (a.dtype.kind == "f", a.dtype.kind != "b", a.ndim > 0)
    rank_b = (b.dtype.kind == "f", b.dtype.kind != "b", b.ndim > 0)
    if rank_a == rank_b:
        return np.promote_types(a.dtype, b.dtype)
    return a.dtype if rank_a > rank_b else b.dtype


def _cast(value: Any, dtype: Any) -> Any:
    if isinstance(value, Recorded):
        return apply(RULES["to"], value, dtype=dtype)
    return value.astype(dtype)


def compare(function: Any, a: Any, b: Any) -> Any:
    """A function of two arrays that has no gradient."""
    other = b.data if isinstance(b, Recorded) else constant(b)
    return type(a).wrap(np.asarray(function(a.data, other)))


class Arithmetic(Recorded):
    """Operators and elementwise methods."""

    __slots__ = ()
    __array_ufunc__ = None  # an array beside a Tensor leaves the operation to the Tensor

    def __add__(self, other: Any) -> Self:
        return binary("add", self, other)

    def __radd__(self, other: Any) -> Self:
        return binary("add", other, self)

    def __sub__(self, other: Any) -> Self:
        return binary("sub", self, other)

    def __rsub__(self, other: Any) -> Self:
        return binary("sub", other, self)

    def __mul__(self, other: Any) -> Self:
        return binary("mul", self, other)

    def __rmul__(self, other: Any) -> Self:
        return binary("mul", other, self)

    def __truediv__(self, other: Any) -> Self:
        return binary("div", self, other)

    def __rtruediv__(self, other: Any) -> Self:
        return binary("div", other, self)

    def __pow__(self, other: Any) -> Self:
        return binary("pow", self, other)

    def __rpow__(self, other: Any) -> Self:
        is_whole = self.data.dtype.kind in "iub" and not isinstance(other, int)
        dtype = np.float32 if is_whole else self.data.dtype
        return binary("pow", np.asarray(other, dtype), self)

    def __matmul__(self, other: Any) -> Self:
        return binary("matmul", self, other)

    def __rmatmul__(self, other: Any) -> Self:
        return binary("matmul", other, self)

    def __neg__(self) -> Self:
        return apply(RULES["neg"], self)

    def __abs__(self) -> Self:
        return self.abs()

    def __eq__(self, other: object) -> Self:  # type: ignore[override]
        return compare(np.equal, self, other)

    def __ne__(self, other: object) -> Self:  # type: ignore[override]
        return compare(np.not_equal, self, other)

    def __lt__(self, other: Any) -> Self:
        return compare(np.less, self, other)

    def __le__(self, other: Any) -> Self:
        return compare(np.less_equal, self, other)

    def __gt__(self, other: Any) -> Self:
        return compare(np.greater, self, other)

    def __ge__(self, other: Any) -> Self:
        return compare(np.greater_equal, self, other)

    def __and__(self, other: Any) -> Self:
        return compare(np.bitwise_and, self, other)

    def __or__(self, other: Any) -> Self:
        return compare(np.bitwise_or, self, other)

    def __rand__(self, other: Any) -> Self:
        return compare(np.bitwise_and, self, other)

    def __ror__(self, other: Any) -> Self:
        return compare(np.bitwise_or, self, other)

    def __invert__(self) -> Self:
        return type(self).wrap(np.invert(self.data))

    __hash__ = object.__hash__

    def pow(self, exponent: Any) -> Self:
        """$x^p$."""
        return self**exponent

    def maximum(self, other: Any) -> Self:
        """The larger of two, element by element; a tie shares the gradient."""
        return binary("maximum", self, other)

    def minimum(self, other: Any) -> Self:
        """The smaller of two, element by element; a tie shares the gradient."""
        return binary("minimum", self, other)

    def abs(self) -> Self:
        """$|x|$."""
        return apply(RULES["abs"], self)

    def sign(self) -> Self:
        """-1, 0 or 1."""
        return apply(RULES["sign"], self)

    def exp(self) -> Self:
        """$e^x$."""
        return self._smooth("exp")

    def expm1(self) -> Self:
        """$e^x - 1$, exact near 0."""
        return self._smooth("expm1")

    def log(self) -> Self:
        """The natural logarithm."""
        return self._smooth("log")

    def log1p(self) -> Self:
        r"""$\ln(1 + x)$, exact near 0."""
        return self._smooth("log1p")

    def sqrt(self) -> Self:
        """The square root."""
        return self._smooth("sqrt")

    def rsqrt(self) -> Self:
        """One over the square root."""
        return self._smooth("rsqrt")

    def reciprocal(self) -> Self:
        """One over x."""
        return self._smooth("reciprocal")

    def square(self) -> Self:
        """$x^2$."""
        return apply(RULES["square"], self)

    def sin(self) -> Self:
        """The sine of radians."""
        return self._smooth("sin")

    def cos(self) -> Self:
        """The cosine of radians."""
        return self._smooth("cos")

    def tanh(self) -> Self:
        """The hyperbolic tangent."""
        return self._smooth("tanh")

    def sigmoid(self) -> Self:
        r"""$1 / (1 + e^{-x})$."""
        return self._smooth("sigmoid")

    def erf(self) -> Self:
        r"""$\frac{2}{\sqrt\pi} \int_0^x e^{-t^2} dt$."""
        return self._smooth("erf")

    def softplus(self) -> Self:
        r"""$\ln(1 + e^x)$."""
        return self._smooth("softplus")

    def relu(self) -> Self:
        r"""$\max(x, 0)$."""
        return apply(RULES["relu"], self)

    def leaky_relu(self, negative_slope: float = 0.01) -> Self:
        """X where it is positive, else x times the slope."""
        return apply(RULES["leaky_relu"], self, slope=negative_slope)

    def silu(self) -> Self:
        r"""$x \sigma(x)$, also called swish."""
        return self._smooth("silu")

    def gelu(self, approximate: str = "none") -> Self:
        r"""$x \Phi(x)$, or with approximate="tanh" GPT-2's formula."""
        return self._smooth("gelu_tanh" if approximate == "tanh" else "gelu")

    def clamp(self, min: Any = None, max: Any = None) -> Self:
        """No less than `min`, no more than `max`; each a number, None, or a Tensor or array."""
        if not all(isinstance(bound, int | float | None) for bound in (min, max)):
            above = self if min is None else self.maximum(min)
            return above if max is None else above.minimum(max)
        return apply(RULES["clamp"], self, min=min, max=max)

    def where(self, condition: Any, other: Any) -> Self:
        """Self where the condition holds, else other."""
        held = condition.data if isinstance(condition, Recorded) else np.asarray(condition)
        return apply(RULES["where"], held, *_alike(self, constant(other)))

    def masked_fill(self, mask: Any, value: Any) -> Self:
        """`value` where the mask is True, else self; a Tensor as value gets its gradient."""
        held = mask.data if isinstance(mask, Recorded) else np.asarray(mask)
        if isinstance(value, Recorded):
            return self.where(~held, value)
        return apply(RULES["masked_fill"], self, mask=held, value=value)

    def _smooth(self, name: str) -> Self:
        value = self if self.data.dtype.kind == "f" else _cast(self, np.float32)
        return apply(RULES[name], value)


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Two values in their common type."""
    if not hasattr(b, "dtype") or a.dtype == b.dtype:
        return a, b
    dtype = common_type(a, b)
    return _cast(a, dtype), _cast(b, dtype)
