"""Derivatives in many variables against SymPy's, SciPy's and each other."""

import numpy as np
import pytest
import scipy.optimize
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.maths import derivatives as d

POINTS = st.lists(st.floats(-2, 2), min_size=3, max_size=3).map(np.array)
X = sympy.symbols("x y z")
FORMULA = sympy.sin(X[0] * X[1]) + X[2] ** 2 * sympy.exp(X[0]) + X[1] ** 3
FIELD = sympy.Matrix([X[0] * X[1], sympy.cos(X[2]) + X[0], X[1] ** 2 * X[2]])
f = sympy.lambdify([X], FORMULA)
exact_gradient = sympy.lambdify([X], [sympy.diff(FORMULA, x) for x in X])
exact_hessian = sympy.lambdify([X], sympy.hessian(FORMULA, X))
exact_jacobian = sympy.lambdify([X], FIELD.jacobian(X))
# |f| < 40 around the points and so are its derivatives up to the fourth: the tolerances below are
# 40 (h^2 / 6 + 4 eps / h) for h = 2 eps^(1/3), 40 (h^2 / 3 + 16 eps / h^2) for h = 2 eps^(1/4)
FIRST, SECOND = 4e-8, 8e-6


def field(x):
    return np.array([x[0] * x[1], np.cos(x[2]) + x[0], x[1] ** 2 * x[2]])


@pytest.mark.reference
@settings(max_examples=40)
@given(POINTS)
def test_they_are_sympys(x):
    assert d.gradient(f, x) == pytest.approx(np.array(exact_gradient(x)), abs=FIRST)
    assert d.partial(f, x, -1) == pytest.approx(exact_gradient(x)[2], abs=FIRST)
    assert d.hessian(f, x) == pytest.approx(np.array(exact_hessian(x), dtype=float), abs=SECOND)
    assert d.laplacian(f, x) == pytest.approx(np.trace(exact_hessian(x)), abs=3 * SECOND)
    jacobian = np.array(exact_jacobian(x), dtype=float)
    assert d.jacobian(field, x) == pytest.approx(jacobian, abs=FIRST)
    assert d.divergence(field, x) == pytest.approx(np.trace(jacobian), abs=FIRST)


@pytest.mark.reference
@settings(max_examples=30)
@given(POINTS)
def test_the_gradient_is_scipys(x):
    # scipy takes forward differences: its own error is about 1e-8 times the size
    theirs = scipy.optimize.approx_fprime(x, f)
    assert d.gradient(f, x) == pytest.approx(theirs, abs=5e-6)


@settings(max_examples=40)
@given(POINTS, POINTS)
def test_a_directional_derivative_is_the_gradient_times_the_direction(x, v):
    assert d.directional(f, x, v) == pytest.approx(np.dot(exact_gradient(x), v), abs=4 * FIRST)
    assert d.directional(f, x, 3 * v) == pytest.approx(3 * d.directional(f, x, v), abs=12 * FIRST)


@settings(max_examples=40)
@given(POINTS)
def test_the_chain_rule(x):
    inner = d.jacobian(field, x)
    outer = d.gradient(f, field(x))[np.newaxis]
    whole = d.gradient(lambda t: f(field(t)), x)
    # values up to e^4 z^2 < 4000 in the composition
    assert d.chain([inner, outer])[0] == pytest.approx(whole, abs=1e-4, rel=1e-6)


def test_chain_multiplies_from_the_output_side_in_any_order_of_cost():
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(5, 4)), rng.normal(size=(3, 5)), rng.normal(size=(1, 3))
    assert d.chain([a, b, c]) == pytest.approx(c @ b @ a, abs=1e-13)
    assert d.chain([a]) == pytest.approx(a)


def test_the_input_is_left_alone_and_integers_will_do():
    x = np.array([1, 2, 3])
    assert d.gradient(lambda t: t @ t, x) == pytest.approx([2, 4, 6], abs=1e-9)
    assert d.hessian(lambda t: t @ t, x) == pytest.approx(2 * np.eye(3), abs=SECOND)
    assert d.jacobian(lambda t: np.array([t.sum()]), [5]).shape == (1, 1)
    assert x.tolist() == [1, 2, 3]


@pytest.mark.parametrize("rule", [d.gradient, d.hessian, d.laplacian, d.jacobian])
def test_bad_points_are_refused(rule):
    for x, words in [
        ([], "shape"),
        ([[1.0]], "shape"),
        ([np.nan], "NaN or infinity"),
        ([1j], "dtype complex"),
        (["a"], "dtype"),
    ]:
        with pytest.raises(ValueError, match=words):
            rule(lambda t: t.sum(), x)


def test_bad_functions_are_refused():
    with pytest.raises(ValueError, match="wanted one number"):
        d.gradient(lambda t: t, [1.0, 2.0])
    with pytest.raises(ValueError, match="wanted a vector"):
        d.jacobian(lambda t: t.sum(), [1.0, 2.0])
    with pytest.raises(ValueError, match="wants a square"):
        d.divergence(lambda t: t[:1], [1.0, 2.0])
    with pytest.raises(ValueError, match="index is 2"):
        d.partial(lambda t: t.sum(), [1.0, 2.0], 2)
    with pytest.raises(ValueError, match="direction has 1 entries"):
        d.directional(lambda t: t.sum(), [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="do not fit together"):
        d.chain([np.ones((2, 3)), np.ones((1, 3))])
    with pytest.raises(ValueError, match="given no Jacobian"):
        d.chain([])


def test_relative_error():
    assert d.relative_error([1.0, 2.0], [1.0, 2.5]) == pytest.approx(0.2)
    assert d.relative_error([0.0], [1e-3]) == 1e-3
    assert d.relative_error([], []) == 0.0
    with pytest.raises(ValueError, match="wanted the same"):
        d.relative_error([1.0], [[1.0]])


def test_a_flat_direction_has_no_slope():
    assert d.directional(lambda t: t.sum(), [1.0], [0.0]) == 0.0
