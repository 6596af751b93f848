"""Kernel PCA against scikit-learn, and PCA where the kernel is linear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import decomposition
from sklearn.datasets import make_circles
from tests.classical.compliance import compliance

from groundup.classical.estimator import NotFittedError
from groundup.classical.kernel_functions import rbf_kernel
from groundup.classical.kernel_pca import KernelPCA, centred_kernel
from groundup.classical.pca import PCA


@compliance(KernelPCA(2), KernelPCA(2, kernel="rbf", fit_inverse_transform=True))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=25, f=3):
    return np.random.default_rng(seed).normal(size=(n, f)) * np.geomspace(2, 0.5, f)


@pytest.mark.reference
@pytest.mark.parametrize("kernel", ["linear", "poly", "rbf", "laplacian"])
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 4))
def test_it_is_scikit_learns(kernel, seed, k):
    X, fresh = rows(seed), rows(seed + 1, 6)
    parameters = {"kernel": kernel, "gamma": 0.2, "degree": 2}
    ours = KernelPCA(k, **parameters).fit(X)
    if kernel == "laplacian":  # which theirs does not know by name
        parameters["kernel"] = lambda a, b: np.exp(-0.2 * np.abs(a - b).sum())
    theirs = decomposition.KernelPCA(k, eigen_solver="dense", **parameters).fit(X)
    size = theirs.eigenvalues_[0]
    np.testing.assert_allclose(ours.eigenvalues_, theirs.eigenvalues_, rtol=0, atol=1e-11 * size)
    gaps = -np.diff(np.append(theirs.eigenvalues_, 0.0))
    if gaps.min() > 1e-3 * size:
        # a vector turns by the rounding over the distance to the next eigenvalue
        for one, other in (
            (ours.transform(X), theirs.transform(X)),
            (ours.transform(fresh), theirs.transform(fresh)),
        ):
            np.testing.assert_allclose(np.abs(one), np.abs(other), rtol=0, atol=1e-6 * size**0.5)
        np.testing.assert_allclose(ours.fit_transform(X), ours.transform(X), atol=1e-8 * size)


@pytest.mark.reference
@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_way_back_is_scikit_learns(seed):
    X = rows(seed)
    parameters = {"kernel": "rbf", "gamma": 0.3, "fit_inverse_transform": True, "alpha": 0.1}
    ours = KernelPCA(2, **parameters).fit(X)
    theirs = decomposition.KernelPCA(2, eigen_solver="dense", **parameters).fit(X)
    one = ours.inverse_transform(ours.transform(X))
    other = theirs.inverse_transform(theirs.transform(X))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_with_a_linear_kernel_it_is_pca():
    X = rows(0)
    ours, plain = KernelPCA(3).fit_transform(X), PCA(3).fit_transform(X)
    np.testing.assert_allclose(np.abs(ours), np.abs(plain), atol=1e-10)
    assert KernelPCA().fit_transform(X).shape == (25, 3)  # the other eigenvalues are rounding
    np.testing.assert_allclose(
        np.abs(KernelPCA(3).fit(X).transform(rows(1))), np.abs(PCA(3).fit(X).transform(rows(1)))
    )


def test_the_centred_kernel_is_that_of_centred_rows():
    X, Y = rows(0), rows(1, 5)
    means = (X @ X.T).mean(axis=0)
    mean = X.mean(axis=0)
    np.testing.assert_allclose(
        centred_kernel(Y @ X.T, means), (Y - mean) @ (X - mean).T, atol=1e-13
    )


def test_circles_are_told_apart_by_a_line():
    X, y = make_circles(200, factor=0.3, noise=0.05, random_state=0)
    first = KernelPCA(2, kernel="rbf", gamma=3).fit_transform(X)[:, 0]
    inner, outer = first[y == 1], first[y == 0]
    assert inner.min() > outer.max() or inner.max() < outer.min()


@pytest.mark.parametrize("kernel", ["function", "precomputed"])
def test_functions_and_matrices_are_kernels_too(kernel):
    X, fresh = rows(2), rows(3, 4)
    wanted = KernelPCA(2, kernel="rbf", gamma=0.5).fit(X).transform(fresh)
    if kernel == "function":
        model = KernelPCA(2, kernel=lambda A, B: rbf_kernel(A, B, 0.5)).fit(X)
        np.testing.assert_allclose(model.transform(fresh), wanted, atol=1e-10)
    else:
        model = KernelPCA(2, kernel="precomputed").fit(rbf_kernel(X, X, 0.5))
        found = model.transform(rbf_kernel(fresh, X, 0.5))
        np.testing.assert_allclose(found, wanted, atol=1e-10)


def test_equal_rows_have_no_components():
    model = KernelPCA(2, kernel="rbf").fit(np.ones((5, 3)))
    assert np.array_equal(model.transform(np.ones((2, 3))), np.zeros((2, 2)))
    assert KernelPCA(kernel="rbf").fit_transform(np.ones((5, 3))).shape == (5, 0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"kernel": "fourier"}, "kernel is 'fourier'; known are"),
        ({"gamma": -1.0}, "gamma is -1.0"),
        ({"degree": 1.5}, "degree is 1.5"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"kernel": "precomputed"}, "should be square"),
        ({"kernel": "precomputed", "fit_inverse_transform": True}, "with a precomputed kernel"),
        ({"kernel": lambda X, Y: -(X @ Y.T)}, "no matrix of inner products"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        KernelPCA(**parameters).fit(rows(0))


def test_the_way_back_must_be_learned():
    with pytest.raises(NotFittedError):
        KernelPCA(1).fit(rows(0)).inverse_transform([[1.0]])
