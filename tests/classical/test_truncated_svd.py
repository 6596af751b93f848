"""The randomized SVD against LAPACK's, and TruncatedSVD against scikit-learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from sklearn import decomposition
from tests.classical.compliance import compliance

from groundup.classical.truncated_svd import (
    TruncatedSVD,
    fixed_signs,
    randomized_svd,
    well_conditioned_basis,
)

EPS = np.finfo(float).eps


@compliance(TruncatedSVD(1))
def test_conventions(estimator, check):
    check(estimator)


def matrix(seed, m, n, decay=0.7):
    rng = np.random.default_rng(seed)
    k = min(m, n)
    U = np.linalg.qr(rng.normal(size=(m, k)))[0]
    V = np.linalg.qr(rng.normal(size=(n, k)))[0]
    return (U * decay ** np.arange(k)) @ V.T


@pytest.mark.reference
@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(1, 60), n=st.integers(1, 60))
def test_it_is_lapacks_where_the_values_fall(seed, m, n):
    A = matrix(seed, m, n)
    k = min(m, n, 4)
    U, s, V = randomized_svd(A, k, np.random.default_rng(seed), n_iter=6)
    wanted = np.linalg.svd(A, compute_uv=False)
    # the basis misses the leading part by (s_15 / s_4)^13 = 0.7^(11 * 13) < eps
    np.testing.assert_allclose(s, wanted[:k], rtol=0, atol=50 * EPS)
    for basis in (U, V.T):
        np.testing.assert_allclose(basis.T @ basis, np.eye(k), rtol=0, atol=50 * EPS)
    error = np.linalg.norm(A - (U * s) @ V, 2)
    assert error <= (wanted[k] if k < len(wanted) else 0) + 100 * EPS


def test_the_error_is_near_the_best_where_the_values_hardly_fall():
    A = np.random.default_rng(0).normal(size=(80, 60))
    best = np.linalg.svd(A, compute_uv=False)[5]
    errors = []
    for n_iter in (0, 2, 8):
        U, s, V = randomized_svd(A, 5, np.random.default_rng(1), n_iter=n_iter)
        errors.append(np.linalg.norm(A - (U * s) @ V, 2))
    assert best <= errors[2] <= errors[1] <= errors[0] <= 1.5 * best
    assert errors[2] <= 1.05 * best


def test_a_matrix_of_rank_one_and_one_of_zeros():
    A = np.outer([1.0, 2.0, 3.0], [2.0, -1.0])
    U, s, V = randomized_svd(A, 2, np.random.default_rng(0))
    assert s[0] == pytest.approx(np.sqrt(14 * 5))
    assert s[1] == pytest.approx(0, abs=1e-14)
    np.testing.assert_allclose((U * s) @ V, A, atol=1e-13)
    assert randomized_svd(np.zeros((4, 3)), 2, np.random.default_rng(0))[1].tolist() == [0, 0]


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), decay=st.sampled_from([1.0, 0.3, 1e-3, 0.0]))
def test_a_basis_keeps_the_span_and_is_well_conditioned(seed, decay):
    Y = matrix(seed, 40, 5) @ np.diag(decay ** np.arange(5.0))
    Q = well_conditioned_basis(Y)
    # eps times the squared condition that is let through, 1e10 times a factor of the order of k
    np.testing.assert_allclose(Q.T @ Q, np.eye(5), rtol=0, atol=1e-4)
    np.testing.assert_allclose(Q @ np.linalg.lstsq(Q, Y)[0], Y, rtol=0, atol=1e-13)


def test_signs_are_fixed():
    components = np.array([[0.1, -0.9], [0.9, 0.1], [0.0, 0.0]])
    assert fixed_signs(components).tolist() == [-1, 1, 1]


@pytest.mark.reference
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), m=st.integers(8, 50), n=st.integers(8, 30))
def test_it_is_scikit_learns(seed, m, n):
    X = matrix(seed, m, n) + 0.1
    ours = TruncatedSVD(3, n_iter=8, random_state=0)
    theirs = decomposition.TruncatedSVD(3, n_iter=8, random_state=0)
    Z, wanted = ours.fit_transform(X), theirs.fit_transform(X)
    np.testing.assert_allclose(ours.singular_values_, theirs.singular_values_, rtol=1e-8)
    assert subspace_angles(ours.components_.T, theirs.components_.T).max() < 1e-5
    np.testing.assert_allclose(np.abs(Z), np.abs(wanted), rtol=0, atol=1e-4)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, theirs.explained_variance_ratio_, rtol=0, atol=1e-5
    )
    np.testing.assert_allclose(ours.transform(X), Z, rtol=0, atol=1e-12)
    np.testing.assert_allclose(
        ours.inverse_transform(Z), theirs.inverse_transform(wanted), rtol=0, atol=1e-5
    )


def test_no_variance_at_all():
    model = TruncatedSVD(1, random_state=0).fit(np.zeros((4, 3)))
    assert model.explained_variance_ratio_.tolist() == [0]


@pytest.mark.parametrize(
    ("parameters", "X", "message"),
    [
        ({"n_components": 4}, np.eye(3), r"n_components\(4\) must be <= n_features\(3\)"),
        ({"n_components": 0}, np.eye(3), "n_components is 0"),
        ({}, np.ones((3, 1)), r"1 feature\(s\)"),
        ({}, np.full((3, 3), np.nan), "contains NaN"),
    ],
)
def test_what_cannot_be_is_refused(parameters, X, message):
    with pytest.raises(ValueError, match=message):
        TruncatedSVD(**parameters).fit(X)
