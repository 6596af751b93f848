r"""Forward-mode differentiation: numbers that carry their derivative along.

A dual number is $a + b\varepsilon$ with $\varepsilon^2 = 0$. Put one through any arithmetic and,
since $f(a + b\varepsilon) = f(a) + f'(a)\,b\,\varepsilon$, its second part comes out as the
derivative, exact to rounding. Here a and b are NumPy arrays, so one pass gives a Jacobian-vector
product; and a and b may be dual numbers themselves, which gives second derivatives.

A function is written as always, with operators, NumPy ufuncs, `@`, indexing, `sum`, `mean`,
`reshape`, `np.where` and `np.stack`. What has no rule here raises a TypeError with its name.
Reverse mode, cheaper for many inputs and one output, is the room `autograd`. Sources: Clifford,
"Preliminary sketch of biquaternions" (1873); Griewank and Walther, "Evaluating derivatives" (2008),
chapter 3. Left out: assignment into arrays, decompositions, complex numbers.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import ArrayLike

from groundup.maths.finite import Floats, finite_vector
from groundup.swap import replaceable

SLOPES: dict[Any, Callable[[Any], Any]] = {
    np.negative: lambda x: -1.0,
    np.positive: lambda x: 1.0,
    np.absolute: lambda x: np.sign(x),
    np.square: lambda x: 2 * x,
    np.sqrt: lambda x: 0.5 / np.sqrt(x),
    np.cbrt: lambda x: 1 / (3 * np.square(np.cbrt(x))),
    np.reciprocal: lambda x: -1 / np.square(x),
    np.exp: lambda x: np.exp(x),
    np.exp2: lambda x: np.exp2(x) * np.log(2),
    np.expm1: lambda x: np.exp(x),
    np.log: lambda x: 1 / x,
    np.log2: lambda x: 1 / (x * np.log(2)),
    np.log10: lambda x: 1 / (x * np.log(10)),
    np.log1p: lambda x: 1 / (1 + x),
    np.sin: lambda x: np.cos(x),
    np.cos: lambda x: -np.sin(x),
    np.tan: lambda x: 1 + np.square(np.tan(x)),
    np.arcsin: lambda x: 1 / np.sqrt(1 - np.square(x)),
    np.arccos: lambda x: -1 / np.sqrt(1 - np.square(x)),
    np.arctan: lambda x: 1 / (1 + np.square(x)),
    np.sinh: lambda x: np.cosh(x),
    np.cosh: lambda x: np.sinh(x),
    np.tanh: lambda x: 1 - np.square(np.tanh(x)),
    np.arcsinh: lambda x: 1 / np.sqrt(np.square(x) + 1),
    np.arccosh: lambda x: 1 / np.sqrt(np.square(x) - 1),
    np.arctanh: lambda x: 1 / (1 - np.square(x)),
}
"""f' of each function of one number. `absolute` has the slope 0 at 0, one of its subgradients."""

PAIR_SLOPES: dict[Any, tuple[Callable[[Any, Any], Any], Callable[[Any, Any], Any]]] = {
    np.add: (lambda x, y: 1.0, lambda x, y: 1.0),
    np.subtract: (lambda x, y: 1.0, lambda x, y: -1.0),
    np.multiply: (lambda x, y: y, lambda x, y: x),
    np.divide: (lambda x, y: 1 / y, lambda x, y: -x / np.square(y)),
    # where y is 0 the slope is 0, also at x = 0 where x^(y - 1) is not finite
    np.power: (
        lambda x, y: y * np.power(x, y - (y != 0)),
        lambda x, y: np.power(x, y) * np.log(x),
    ),
    np.arctan2: (
        lambda x, y: y / (np.square(x) + np.square(y)),
        lambda x, y: -x / (np.square(x) + np.square(y)),
    ),
    np.hypot: (lambda x, y: x / np.hypot(x, y), lambda x, y: y / np.hypot(x, y)),
    np.logaddexp: (
        lambda x, y: np.exp(x - np.logaddexp(x, y)),
        lambda x, y: np.exp(y - np.logaddexp(x, y)),
    ),
    np.maximum: (lambda x, y: _share(x > y, x == y), lambda x, y: _share(y > x, x == y)),
    np.minimum: (lambda x, y: _share(x < y, x == y), lambda x, y: _share(y < x, x == y)),
}
"""The two partial derivatives of each function of two numbers. A tie in `maximum` is shared."""

FLAT = (
    np.greater,
    np.less,
    np.greater_equal,
    np.less_equal,
    np.equal,
    np.not_equal,
    np.sign,
    np.floor,
    np.ceil,
    np.isfinite,
    np.isnan,
)
"""Steps and comparisons: they see the value alone, and their derivative is 0."""


def _share(wins: Any, ties: Any) -> Any:
    return wins + 0.5 * ties


class Dual(NDArrayOperatorsMixin):
    """`value` + `tangent` * epsilon, two arrays of one shape (or dual numbers themselves)."""

    def __init__(self, value: Any, tangent: Any) -> None:
        self.value = value
        self.tangent = tangent

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the value."""
        return np.shape(primal(self))

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.size(primal(self)))

    @property
    def T(self) -> "Dual":  # noqa: N802  (NumPy's name)
        """The transpose."""
        return Dual(self.value.T, self.tangent.T)

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, {self.tangent!r})"

    def __getitem__(self, key: Any) -> "Dual":
        return Dual(self.value[key], self.tangent[key])

    def __float__(self) -> float:
        raise TypeError("float() would drop the derivative; keep the Dual, or take its .value")

    def __bool__(self) -> bool:
        return bool(primal(self))

    def sum(self, axis: Any = None, out: None = None, keepdims: bool = False) -> "Dual":
        """The sum over an axis, or over all."""
        return self._both(lambda part: part.sum(axis=axis, keepdims=keepdims))

    def mean(self, axis: Any = None, out: None = None, keepdims: bool = False) -> "Dual":
        """The mean over an axis, or over all."""
        return self._both(lambda part: part.mean(axis=axis, keepdims=keepdims))

    def reshape(self, *shape: Any) -> "Dual":
        """The same entries in another shape."""
        return self._both(lambda part: part.reshape(*shape))

    def _both(self, change: Callable[[Any], Any]) -> "Dual":
        """A linear change, which the value and the tangent both undergo."""
        return Dual(change(self.value), change(self.tangent))

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        values = [split(item)[0] for item in inputs]
        tangents = [split(item)[1] for item in inputs]
        if method != "__call__" or settings:
            raise TypeError(f"np.{ufunc.__name__}.{method} with {settings} has no dual rule")
        if ufunc in FLAT:
            return ufunc(*values)
        if ufunc in SLOPES:
            return Dual(ufunc(*values), SLOPES[ufunc](values[0]) * tangents[0])
        if ufunc is np.matmul:
            (a, b), (da, db) = values, tangents
            terms = [x @ y for x, y in ((da, b), (a, db)) if x is not None and y is not None]
        elif ufunc in PAIR_SLOPES:
            pairs = zip(PAIR_SLOPES[ufunc], tangents, strict=True)
            # a constant has no tangent; its slope is left out, for that may not even be finite
            terms = [slope(*values) * tangent for slope, tangent in pairs if tangent is not None]
        else:
            raise TypeError(f"np.{ufunc.__name__} has no dual rule here")
        value = ufunc(*values)
        # zeros of the value's shape: a tangent must be broadcast as its value was
        return Dual(value, sum(terms, np.zeros(np.shape(primal(value)))))

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if function not in LINEAR:
            raise TypeError(f"np.{function.__name__} has no dual rule here")
        return LINEAR[function](*args, **kwargs)


def split(item: Any) -> tuple[Any, Any]:
    """Value and tangent; a constant has None for a tangent."""
    return (item.value, item.tangent) if isinstance(item, Dual) else (item, None)


def primal(item: Any) -> Any:
    """The plain array inside, however deep the dual numbers are nested."""
    while isinstance(item, Dual):
        item = item.value
    return item


def _outcome(result: Any) -> tuple[Any, Any]:
    """As `split`, but a list or an object array would hide dual numbers and read as a constant."""
    if isinstance(result, list | tuple) or getattr(result, "dtype", "f") == "O":
        raise TypeError("the function returned a list of numbers; join dual numbers with np.stack")
    return split(result)


def _stack(items: Any, axis: int = 0) -> Dual:
    parts = [split(item) for item in items]
    tangents = [np.zeros(np.shape(primal(v))) if t is None else t for v, t in parts]
    return Dual(np.stack([v for v, _ in parts], axis), np.stack(tangents, axis))


def _where(condition: Any, a: Any, b: Any) -> Dual:
    (x, dx), (y, dy) = split(a), split(b)
    value = np.where(condition, x, y)
    return Dual(value, np.where(condition, 0.0 if dx is None else dx, 0.0 if dy is None else dy))


LINEAR: dict[Any, Callable[..., Any]] = {
    np.sum: lambda a, axis=None, keepdims=False: a.sum(axis=axis, keepdims=keepdims),
    np.mean: lambda a, axis=None, keepdims=False: a.mean(axis=axis, keepdims=keepdims),
    np.reshape: lambda a, shape: a.reshape(shape),
    np.transpose: lambda a: a.T,
    np.dot: lambda a, b: a @ b,
    np.stack: _stack,
    np.where: _where,
}
"""NumPy functions that are no ufuncs; all are linear in the dual numbers they are given."""


@replaceable
def jvp(function: Callable[[Any], Any], x: ArrayLike, direction: ArrayLike) -> tuple[Any, Any]:
    r"""F(x) and the Jacobian-vector product $J(x)\,v$ in one pass, exact to rounding.

    `x` and `direction` have one shape, the two results have that of F. Where F does not depend on x
    the product is 0. Raises ValueError for shapes that differ, TypeError for what has no rule.
    """
    point, along = np.asarray(x, dtype=np.float64), np.asarray(direction, dtype=np.float64)
    if point.shape != along.shape:
        raise ValueError(f"x has shape {point.shape}, direction {along.shape}; wanted the same")
    value, tangent = _outcome(function(Dual(point, along)))
    return value, np.zeros(np.shape(value)) if tangent is None else tangent


@replaceable
def gradient(function: Callable[[Any], Any], x: ArrayLike) -> Floats:
    r"""$\nabla f(x)$ of $f: R^n \to R$, shape (n,), in n forward passes, exact to rounding."""
    point = finite_vector(x, "x")
    rows = [_scalar(jvp(function, point, unit)[1]) for unit in np.eye(point.size)]
    return np.array(rows)


@replaceable
def jacobian(function: Callable[[Any], Any], x: ArrayLike) -> Floats:
    r"""$J_{ij} = \partial F_i/\partial x_j$ of $F: R^n \to R^m$, shape (m, n): a pass a column."""
    point = finite_vector(x, "x")
    columns = [np.atleast_1d(jvp(function, point, unit)[1]) for unit in np.eye(point.size)]
    return np.stack(columns, axis=-1)


@replaceable
def hessian_vector_product(
    function: Callable[[Any], Any], x: ArrayLike, direction: ArrayLike
) -> Floats:
    r"""$\nabla^2 f(x)\,v$, shape (n,), by dual numbers of dual numbers: n nested passes.

    With $x + v\varepsilon_1 + e_i\varepsilon_2$ the term in $\varepsilon_1\varepsilon_2$ is
    $v^\top \nabla^2 f\, e_i$.
    """
    point = finite_vector(x, "x")
    along = finite_vector(direction, "direction", size=point.size)
    nothing = np.zeros(point.size)
    result = []
    for unit in np.eye(point.size):
        _, outer = _outcome(function(Dual(Dual(point, along), Dual(unit, nothing))))
        result.append(_scalar(split(outer)[1]))
    return np.array(result)


@replaceable
def hessian(function: Callable[[Any], Any], x: ArrayLike) -> Floats:
    r"""$\partial^2 f/\partial x_i \partial x_j$, shape (n, n), exact to rounding; $n^2$ passes."""
    point = finite_vector(x, "x")
    matrix = np.stack([hessian_vector_product(function, point, e) for e in np.eye(point.size)])
    return (matrix + matrix.T) / 2


def _scalar(value: Any) -> float:
    if value is None:
        return 0.0
    if np.size(value) != 1:
        raise ValueError(f"the function returned shape {np.shape(value)}; wanted one number")
    return float(np.asarray(value).item())
