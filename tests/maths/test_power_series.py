"""Power series against SymPy's."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths.power_series import SERIES, PowerSeries

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

t = sympy.symbols("t")
NAMES = {
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "square": lambda x: x**2,
    "reciprocal": lambda x: 1 / x,
    "arctan": sympy.atan,
}
ORDER = 6


def wanted(formula):
    return [
        float(sympy.diff(formula, t, j).subs(t, 0) / sympy.factorial(j)) for j in range(ORDER + 1)
    ]


@pytest.mark.reference
@pytest.mark.parametrize("ufunc", SERIES, ids=lambda u: u.__name__)
def test_every_function_is_sympys(ufunc):
    inner = sympy.Rational(3, 4) + t / 2 - t**2 / 3 + t**4
    symbolic = NAMES.get(ufunc.__name__) or getattr(sympy, ufunc.__name__)
    series = ufunc(PowerSeries([0.75, 0.5, -1 / 3, 0, 1, 0, 0]))
    # a recurrence of six steps, each a sum of at most six products of numbers below 30
    assert series.coefficients == pytest.approx(wanted(symbolic(inner)), rel=1e-12, abs=1e-12)


@pytest.mark.reference
@pytest.mark.parametrize("exponent", [-2, -0.5, 0, 1, 1.5, 3])
def test_every_power_is_sympys(exponent):
    inner = 2 + t - t**3
    series = PowerSeries([2, 1, 0, -1, 0, 0, 0]) ** exponent
    assert series.coefficients == pytest.approx(
        wanted(inner ** sympy.nsimplify(exponent)), abs=1e-12
    )


@pytest.mark.reference
def test_a_series_may_be_the_exponent():
    x = PowerSeries([1.5, 1, 0, 0, 0, 0, 0])
    whole = wanted((sympy.Rational(3, 2) + t) ** (sympy.Rational(3, 2) + t))
    assert (x**x).coefficients == pytest.approx(whole, rel=1e-12)
    assert (2.0**x).coefficients == pytest.approx(
        wanted(2 ** (sympy.Rational(3, 2) + t)), rel=1e-12
    )


COEFFICIENTS = st.lists(st.floats(-2, 2), min_size=5, max_size=5).map(np.array)


@settings(max_examples=50)
@given(COEFFICIENTS, COEFFICIENTS)
def test_the_laws_of_arithmetic(a, b):
    f, g = PowerSeries(a), PowerSeries(np.append(3.0, b[1:]))
    assert (f * g).coefficients == pytest.approx((g * f).coefficients, abs=1e-14)
    assert ((f / g) * g).coefficients == pytest.approx(a, abs=1e-12)
    assert (f - f).coefficients.tolist() == [0] * 5
    assert (np.sin(f) ** 2 + np.cos(f) ** 2).coefficients == pytest.approx(
        [1, 0, 0, 0, 0], abs=1e-11
    )
    assert np.log(np.exp(f)).coefficients == pytest.approx(a, abs=1e-10)
    assert (1 + f - 1).coefficients == pytest.approx(a, abs=1e-15)


def test_derivatives_have_factorials():
    x = PowerSeries([0.0, 1, 0, 0])
    assert np.exp(2 * x).derivative(3) == pytest.approx(8)
    assert (x**3).derivative(3) == 6
    assert repr(x) == "PowerSeries([0.0, 1.0, 0.0, 0.0])"


def test_bad_input_is_refused():
    x = PowerSeries([0.0, 1.0])
    with pytest.raises(ZeroDivisionError, match="starts with 0"):
        1 / x
    with pytest.raises(ValueError, match=r"starts with 0.0; wanted more"):
        np.log(x)
    with pytest.raises(ValueError, match=r"power 0.5 of a series that starts with 0.0"):
        np.sqrt(x)
    with pytest.raises(ValueError, match="orders 2 and 1"):
        x + PowerSeries([1, 2, 3])
    with pytest.raises(ValueError, match="knows derivatives 0 to 1"):
        x.derivative(2)
    with pytest.raises(ValueError, match="not empty"):
        PowerSeries([])
    with pytest.raises(TypeError, match=r"np.floor_divide has no power series"):
        np.floor_divide(x, 2)
    with pytest.raises(TypeError, match=r"np.add.reduce"):
        np.add.reduce(x)
    with pytest.raises(TypeError, match="would drop the series"):
        float(x)
