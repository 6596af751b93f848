r"""Truncated power series: numbers that carry all their derivatives up to some order.

A `PowerSeries` holds $c_0, ..., c_k$ of $f(a + t) = c_0 + c_1 t + ... + c_k t^k + O(t^{k+1})$, so
$f^{(j)}(a) = j!\,c_j$. Sums are sums of coefficients, products are convolutions, and every
elementary function has a recurrence that follows from its differential equation. With
$h = \exp f$, say, from $h' = h f'$:

    j h_j = sum_{i=1..j} i f_i h_{j-i}

Derivatives of order k thus cost $O(k^2)$ and are exact to rounding, where differences would have
lost all digits. A dual number is the case k = 1. Source: Griewank and Walther, "Evaluating
derivatives" (2008), chapter 13. Left out: functions of several variables.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from groundup.maths.finite import Floats


def exp_series(f: Floats) -> Floats:
    """Of exp f, from h' = h f'."""
    h = np.zeros_like(f)
    h[0] = np.exp(f[0])
    for j in range(1, f.size):
        h[j] = (np.arange(1, j + 1) * f[1 : j + 1]) @ h[:j][::-1] / j
    return h


def divide_series(f: Floats, g: Floats) -> Floats:
    """Of h = f / g, from h g = f; ZeroDivisionError where g starts with 0."""
    if g[0] == 0:
        raise ZeroDivisionError("a power series that starts with 0 has no reciprocal series")
    h = np.zeros_like(f)
    for j in range(f.size):
        h[j] = (f[j] - h[:j] @ g[1 : j + 1][::-1]) / g[0]
    return h


def log_series(f: Floats) -> Floats:
    """Of log f, from f h' = f'; ValueError unless f starts above 0."""
    if not f[0] > 0:
        raise ValueError(f"log of a power series that starts with {f[0]}; wanted more than 0")
    return integral(np.log(f[0]), divide_series(derivative(f), f))


def power_series_power(f: Floats, exponent: float) -> Floats:
    """Of f^p: by multiplication for whole p >= 0, else from f h' = p f' h (f must start with > 0).

    With p a whole number below 0, f may start with any number but 0.
    """
    whole = float(exponent).is_integer()
    if whole and exponent >= 0:
        result: Floats = np.eye(1, f.size)[0]
        for _ in range(int(exponent)):
            result = np.convolve(result, f)[: f.size]
        return result
    if f[0] == 0 or (f[0] < 0 and not whole):
        raise ValueError(f"power {exponent} of a series that starts with {f[0]} is no power series")
    h = np.zeros_like(f)
    h[0] = f[0] ** exponent
    for j in range(1, f.size):
        i = np.arange(1, j + 1)
        h[j] = ((exponent * i - (j - i)) * f[1 : j + 1]) @ h[:j][::-1] / (j * f[0])
    return h


def turn_series(f: Floats, sign: float) -> tuple[Floats, Floats]:
    """Of (sin f, cos f) for sign -1, (sinh f, cosh f) for sign +1: s' = c f', c' = sign s f'."""
    s, c = np.zeros_like(f), np.zeros_like(f)
    s[0], c[0] = (np.sin(f[0]), np.cos(f[0])) if sign < 0 else (np.sinh(f[0]), np.cosh(f[0]))
    for j in range(1, f.size):
        slopes = np.arange(1, j + 1) * f[1 : j + 1]
        s[j] = slopes @ c[:j][::-1] / j
        c[j] = sign * (slopes @ s[:j][::-1]) / j
    return s, c


def tan_series(f: Floats, sign: float) -> Floats:
    """Of tan f for sign -1, of tanh f for sign +1."""
    return divide_series(*turn_series(f, sign))


def arctan_series(f: Floats) -> Floats:
    """Of arctan f, from h' = f' / (1 + f^2)."""
    bottom = np.convolve(f, f)[: f.size]
    bottom[0] += 1
    return integral(np.arctan(f[0]), divide_series(derivative(f), bottom))


def derivative(f: Floats) -> Floats:
    """The coefficients of f', as many as f has; the last is unknown and set to 0."""
    return np.append(np.arange(1, f.size) * f[1:], 0.0)


def integral(start: float, f: Floats) -> Floats:
    """The coefficients of start + the integral of f from 0, as many as f has."""
    return np.append(start, f[:-1] / np.arange(1, f.size))


SERIES: dict[Any, Callable[[Floats], Floats]] = {
    np.negative: lambda f: -f,
    np.positive: lambda f: f,
    np.exp: exp_series,
    np.log: log_series,
    np.sqrt: lambda f: power_series_power(f, 0.5),
    np.square: lambda f: np.convolve(f, f)[: f.size],
    np.reciprocal: lambda f: divide_series(np.eye(1, f.size)[0], f),
    np.sin: lambda f: turn_series(f, -1.0)[0],
    np.cos: lambda f: turn_series(f, -1.0)[1],
    np.tan: lambda f: tan_series(f, -1.0),
    np.sinh: lambda f: turn_series(f, 1.0)[0],
    np.cosh: lambda f: turn_series(f, 1.0)[1],
    np.tanh: lambda f: tan_series(f, 1.0),
    np.arctan: arctan_series,
}
"""The coefficients of a function of a series, from those of the series."""


class PowerSeries(NDArrayOperatorsMixin):
    """$c_0 + c_1 t + ... + c_k t^k$; `coefficients` has shape (k + 1,).

    Takes part in `+ - * / **` with numbers and other series of the same order, and in the NumPy
    functions of `SERIES`; any other raises TypeError with its name.
    """

    def __init__(self, coefficients: Any) -> None:
        self.coefficients: Floats = np.array(coefficients, dtype=np.float64)
        if self.coefficients.ndim != 1 or self.coefficients.size == 0:
            shape = self.coefficients.shape
            raise ValueError(f"coefficients have shape {shape}; wanted one dimension, not empty")

    def __repr__(self) -> str:
        return f"PowerSeries({self.coefficients.tolist()})"

    def __float__(self) -> float:
        raise TypeError("float() would drop the series; use NumPy's functions, as np.sin")

    def derivative(self, order: int) -> float:
        r"""$f^{(j)}(a) = j!\,c_j$; ValueError beyond the order the series was cut at."""
        if not 0 <= order < self.coefficients.size:
            known = self.coefficients.size - 1
            raise ValueError(f"order is {order}; the series knows derivatives 0 to {known}")
        return float(self.coefficients[order]) * math.factorial(order)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **settings: Any) -> Any:
        if method != "__call__" or settings:
            raise TypeError(f"np.{ufunc.__name__}.{method} with {settings} has no power series")
        if ufunc in SERIES:
            return PowerSeries(SERIES[ufunc](self.coefficients))
        if ufunc is np.power:
            return self._power(*inputs)
        if ufunc not in (np.add, np.subtract, np.multiply, np.divide):
            raise TypeError(f"np.{ufunc.__name__} has no power series here")
        f, g = (self._series(item) for item in inputs)
        if ufunc in (np.add, np.subtract):
            return PowerSeries(ufunc(f, g))
        if ufunc is np.multiply:
            return PowerSeries(np.convolve(f, g)[: f.size])
        return PowerSeries(divide_series(f, g))

    def _power(self, below: Any, above: Any) -> "PowerSeries":
        if not isinstance(above, PowerSeries):
            return PowerSeries(power_series_power(self.coefficients, float(above)))
        return PowerSeries(exp_series((np.log(self._lifted(below)) * above).coefficients))

    def _lifted(self, item: Any) -> "PowerSeries":
        return PowerSeries(self._series(item))

    def _series(self, item: Any) -> Floats:
        """The coefficients of a series, or those of a constant."""
        if isinstance(item, PowerSeries):
            if item.coefficients.size != self.coefficients.size:
                a, b = item.coefficients.size - 1, self.coefficients.size - 1
                raise ValueError(f"series of orders {a} and {b}; wanted the same order")
            return item.coefficients
        constant = np.zeros_like(self.coefficients)
        constant[0] = float(item)
        return constant
