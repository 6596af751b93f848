import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import pairwise

from groundup.classical.kernel_functions import (
    KERNELS,
    gamma_of,
    kernel_matrix,
    laplacian_kernel,
    linear_kernel,
    polynomial_kernel,
    rbf_kernel,
    sigmoid_kernel,
)


@pytest.mark.reference
@given(st.integers(0, 9999), st.integers(1, 8), st.floats(1e-3, 2), st.floats(-1, 1))
@settings(max_examples=40)
def test_kernels_are_scikit_learns(seed, f, gamma, coef0):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(7, f)), rng.normal(size=(9, f))
    pairs = [
        (linear_kernel(X, Y), pairwise.linear_kernel(X, Y)),
        (
            polynomial_kernel(X, Y, gamma, coef0, 3),
            pairwise.polynomial_kernel(X, Y, 3, gamma, coef0),
        ),
        (rbf_kernel(X, Y, gamma), pairwise.rbf_kernel(X, Y, gamma)),
        (laplacian_kernel(X, Y, gamma), pairwise.laplacian_kernel(X, Y, gamma)),
        (sigmoid_kernel(X, Y, gamma, coef0), pairwise.sigmoid_kernel(X, Y, gamma, coef0)),
    ]
    for ours, theirs in pairs:
        # exponents below 2 x 8 x 50 with an error of 8 eps of their terms; cubes below (2 x 100)^3
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12 * max(1, abs(theirs).max()))


@given(st.integers(0, 9999), st.sampled_from(["linear", "rbf", "laplacian", "poly"]))
@settings(max_examples=40)
def test_a_matrix_of_a_kernel_has_no_negative_eigenvalue(seed, kernel):
    X = np.random.default_rng(seed).normal(size=(12, 3))
    K = kernel_matrix(kernel, X, X, gamma=0.5, coef0=1.0, degree=2)
    np.testing.assert_allclose(K, K.T, atol=1e-13 * abs(K).max())
    assert np.linalg.eigvalsh(K).min() > -1e-13 * np.trace(K)  # eigenvalues err by n eps |K|


def test_a_row_is_wholly_like_itself():
    X = 1e6 + np.random.default_rng(0).normal(size=(5, 3))
    assert (np.diag(rbf_kernel(X, X, 3.0)) == 1).all()
    assert (np.diag(laplacian_kernel(X, X, 3.0)) == 1).all()


def test_functions_are_kernels_too():
    X = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(kernel_matrix(lambda a, b: a @ b.T, X, X), X @ X.T)
    with pytest.raises(ValueError, match=r"shape \(2, 2\) for 3 and 3 rows"):
        kernel_matrix(lambda a, b: a.T @ b, X, X)


def test_widths():
    X = np.array([[0.0, 2.0], [4.0, 2.0]])
    assert gamma_of("scale", X) == 1 / (2 * X.var())
    assert gamma_of("scale", np.ones((3, 2))) == 1.0
    assert gamma_of("auto", X) == 0.5
    assert gamma_of(0.3, X) == 0.3


@pytest.mark.parametrize("gamma", ["wide", -1.0, np.inf, np.nan])
def test_a_width_that_is_none_is_refused(gamma):
    with pytest.raises(ValueError, match="gamma is"):
        gamma_of(gamma, np.ones((2, 2)))


def test_bad_kernels_are_refused():
    with pytest.raises(ValueError, match=f"known are: {', '.join(KERNELS)}"):
        kernel_matrix("cosine", np.ones((2, 2)), np.ones((2, 2)))
    with (
        pytest.raises(ValueError, match="not finite; scale the features"),
        np.errstate(over="ignore"),
    ):
        kernel_matrix("poly", np.full((2, 2), 1e60), np.ones((2, 2)), degree=9)
