"""Differentiation rules of functions of single numbers, and of two numbers at a time.

Of two inputs that broadcast, the engine sums the gradient back to each input's shape. At a kink the
gradient is torch's: 0 for `abs` and `relu` at 0, half to each where `maximum` is a tie.
"""

import math
from typing import Any

import numpy as np

from groundup.autograd.rule import Array, Rule, as_float
from groundup.maths import error_function

_ROOT_2 = math.sqrt(2)
_NORMAL = 1 / math.sqrt(2 * math.pi)
_GELU = math.sqrt(2 / math.pi)
_CUBIC = 0.044715


def sigmoid(x: Array) -> Array:
    r"""$1 / (1 + e^{-x})$; where $e^{-x}$ is too large for the type, 0."""
    with np.errstate(over="ignore"):
        result = np.exp(-as_float(x))
    result += 1
    return np.reciprocal(result)


def softplus(x: Array) -> Array:
    r"""$\ln(1 + e^x)$, without overflow."""
    x = as_float(x)
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def silu(x: Array) -> Array:
    r"""$x \sigma(x)$."""
    return x * sigmoid(x)


def erf(x: Array) -> Array:
    """The error function, in the type of x."""
    return np.asarray(error_function.erf(x)).astype(as_float(x).dtype, copy=False)


def gelu(x: Array) -> Array:
    r"""$x \Phi(x) = \frac x2 (1 + \mathrm{erf}(x / \sqrt 2))$."""
    return x * (erf(x / _ROOT_2) + 1) / 2


def gelu_tanh(x: Array) -> Array:
    r"""$\frac x2 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715 x^3)))$."""
    return x * (np.tanh(_GELU * (x + _CUBIC * (x * x * x))) + 1) / 2


def _gelu_vjp(xp: Any, g: Any, y: Any, x: Any) -> Any:
    density = xp.exp(x * x * -0.5) * _NORMAL
    return g * ((xp.erf(x / _ROOT_2) + 1) * 0.5 + x * density)


def _gelu_tanh_vjp(xp: Any, g: Any, y: Any, x: Any) -> Any:
    square = x * x
    t = xp.tanh(x * (square * (_GELU * _CUBIC) + _GELU))
    slope = (square * (3 * _GELU * _CUBIC) + _GELU) * (1 - t * t)
    return g * ((t + 1) * 0.5 + x * slope * 0.5)


def _silu_vjp(xp: Any, g: Any, y: Any, x: Any) -> Any:
    s = xp.sigmoid(x)
    return g * (s + y * (1 - s))


def clamp(x: Array, min: Any = None, max: Any = None) -> Array:
    """No less than `min`, no more than `max`; None is no bound."""
    return np.clip(x, min, max)


def _clamp_vjp(xp: Any, g: Any, y: Any, x: Any, min: Any = None, max: Any = None) -> Any:
    low = -math.inf if min is None else min
    high = math.inf if max is None else max
    return xp.where((x >= low) & (x <= high), g, 0.0)


def power(x: Any, exponent: Any) -> Any:
    """$x^p$; for the exponents 2, 3 and 1/2 by products and roots, which are exact and fast."""
    if isinstance(exponent, int | float):
        if exponent == 2:
            return x * x
        if exponent == 3:
            return x * x * x
        if exponent == 0.5:
            return np.sqrt(x)
    return np.power(x, exponent)


def _power_of_base(xp: Any, g: Any, y: Any, x: Any, exponent: Any) -> Any:
    if isinstance(exponent, int | float):
        return g * 0.0 if exponent == 0 else g * (xp.pow(x, exponent - 1) * exponent)
    lower = xp.pow(x, xp.where(exponent == 0, 1.0, exponent - 1))  # x^0 has no slope, also at 0
    return g * xp.where(exponent == 0, 0.0, exponent * lower)


def _power_of_exponent(xp: Any, g: Any, y: Any, x: Any, exponent: Any) -> Any:
    is_flat = (x == 0) & (exponent >= 0)
    return g * xp.where(is_flat, 0.0, y * xp.log(xp.where(is_flat, 1.0, x)))


def _maximum_share(xp: Any, a: Any, b: Any) -> Any:
    """1 where a is above b, 0 below, a half at a tie; beside a NaN 1, so that g passes to both."""
    return xp.where(a == b, 0.5, xp.where(a < b, 0.0, 1.0))


def where(condition: Any, a: Any, b: Any) -> Array:
    """A where the condition holds, else b; the type is that of the array among them."""
    return np.where(condition, a, b)


ELEMENTWISE = {
    "add": Rule(np.add, (lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: g)),
    "sub": Rule(np.subtract, (lambda xp, g, y, a, b: g, lambda xp, g, y, a, b: -g)),
    "mul": Rule(np.multiply, (lambda xp, g, y, a, b: g * b, lambda xp, g, y, a, b: g * a)),
    "div": Rule(
        np.true_divide, (lambda xp, g, y, a, b: g / b, lambda xp, g, y, a, b: -g * (y / b))
    ),
    "pow": Rule(power, (_power_of_base, _power_of_exponent)),
    "maximum": Rule(
        np.maximum,
        (
            lambda xp, g, y, a, b: g * _maximum_share(xp, a, b),
            lambda xp, g, y, a, b: g * _maximum_share(xp, b, a),
        ),
    ),
    "minimum": Rule(
        np.minimum,
        (
            lambda xp, g, y, a, b: g * _maximum_share(xp, b, a),
            lambda xp, g, y, a, b: g * _maximum_share(xp, a, b),
        ),
    ),
    "where": Rule(
        where,
        (
            lambda xp, g, y, condition, a, b: g,
            lambda xp, g, y, condition, a, b: xp.where(condition, g, 0.0),
            lambda xp, g, y, condition, a, b: xp.where(condition, 0.0, g),
        ),
    ),
    "neg": Rule(np.negative, (lambda xp, g, y, x: -g,)),
    "abs": Rule(np.abs, (lambda xp, g, y, x: g * xp.sign(x),)),
    "sign": Rule(np.sign, (lambda xp, g, y, x: g * 0.0,)),
    "exp": Rule(np.exp, (lambda xp, g, y, x: g * y,)),
    "expm1": Rule(np.expm1, (lambda xp, g, y, x: g * (y + 1),)),
    "log": Rule(np.log, (lambda xp, g, y, x: g / x,)),
    "log1p": Rule(np.log1p, (lambda xp, g, y, x: g / (x + 1),)),
    "sqrt": Rule(np.sqrt, (lambda xp, g, y, x: g / (y * 2),)),
    "rsqrt": Rule(lambda x: 1 / np.sqrt(x), (lambda xp, g, y, x: g * (y * y * y) * -0.5,)),
    "reciprocal": Rule(lambda x: 1 / as_float(x), (lambda xp, g, y, x: -g * (y * y),)),
    "square": Rule(lambda x: x * x, (lambda xp, g, y, x: g * (x * 2),)),
    "sin": Rule(np.sin, (lambda xp, g, y, x: g * xp.cos(x),)),
    "cos": Rule(np.cos, (lambda xp, g, y, x: -g * xp.sin(x),)),
    "tanh": Rule(np.tanh, (lambda xp, g, y, x: g * (1 - y * y),)),
    "sigmoid": Rule(sigmoid, (lambda xp, g, y, x: g * (y * (1 - y)),)),
    "softplus": Rule(softplus, (lambda xp, g, y, x: g * xp.sigmoid(x),)),
    "erf": Rule(erf, (lambda xp, g, y, x: g * (xp.exp(-(x * x)) * (2 / math.sqrt(math.pi))),)),
    "relu": Rule(lambda x: np.maximum(x, 0), (lambda xp, g, y, x: g * ~(x <= 0),)),
    "leaky_relu": Rule(
        lambda x, slope: np.where(x > 0, x, x * slope),
        (lambda xp, g, y, x, slope: xp.where(x > 0, g, g * slope),),
    ),
    "silu": Rule(silu, (_silu_vjp,)),
    "gelu": Rule(gelu, (_gelu_vjp,)),
    "gelu_tanh": Rule(gelu_tanh, (_gelu_tanh_vjp,)),
    "clamp": Rule(clamp, (_clamp_vjp,)),
    "to": Rule(
        lambda x, dtype: x.astype(dtype, copy=False),
        (lambda xp, g, y, x, dtype: xp.to(g, dtype=x.dtype),),
    ),
}
