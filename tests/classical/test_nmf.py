"""NMF against scikit-learn's coordinate descent, and what it promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from sklearn import decomposition
from sklearn.decomposition._nmf import _initialize_nmf
from tests.classical.compliance import compliance

from groundup.classical.nmf import NMF, nndsvd, update_columns
from groundup.maths.convergence import ConvergenceWarning


@compliance(NMF(max_iter=500), NMF(1, init="random", random_state=0))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=25, f=8, k=3, noise=0.1):
    rng = np.random.default_rng(seed)
    return rng.exponential(size=(n, k)) @ rng.exponential(size=(k, f)) + noise * rng.random((n, f))


@pytest.mark.reference
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 4))
def test_the_start_is_scikit_learns(seed, k):
    """With f <= k + 10 features the randomized SVD is exact, so no draw matters."""
    X = rows(seed)
    W, H = nndsvd(X, k, np.random.default_rng(0))
    wanted_W, wanted_H = _initialize_nmf(X, k, init="nndsvd", random_state=0)
    np.testing.assert_allclose(W, wanted_W, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(H, wanted_H, rtol=1e-6, atol=1e-6)


@pytest.mark.reference
@pytest.mark.parametrize("penalty", [{}, {"alpha_W": 0.01, "l1_ratio": 0.5, "alpha_H": 0.02}])
@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(2, 4))
def test_from_there_it_ends_where_scikit_learn_does(penalty, seed, k):
    X = rows(seed)
    ours = NMF(k, tol=1e-3, max_iter=2000, random_state=0, **penalty)
    theirs = decomposition.NMF(
        k, tol=1e-3, max_iter=2000, random_state=0, init="nndsvda", **penalty
    )
    W, wanted = ours.fit_transform(X), theirs.fit_transform(X)
    assert abs(ours.n_iter_ - theirs.n_iter_) <= 1
    np.testing.assert_allclose(W, wanted, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(ours.components_, theirs.components_, rtol=1e-4, atol=1e-4)
    assert ours.reconstruction_err_ == pytest.approx(theirs.reconstruction_err_, rel=1e-5)


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 5))
def test_no_update_raises_the_loss_and_nothing_is_negative(seed, k):
    X = rows(seed)
    rng = np.random.default_rng(seed)
    W, H = rng.random((25, k)), rng.random((k, 8))
    loss = np.linalg.norm(X - W @ H)
    for _ in range(5):
        update_columns(W, X @ H.T, H @ H.T)
        parts = H.T.copy()
        update_columns(parts, X.T @ W, W.T @ W)
        H = parts.T
        now = np.linalg.norm(X - W @ H)
        assert now <= loss * (1 + 1e-12)
        assert (W >= 0).all()
        assert (H >= 0).all()
        loss = now


def test_one_part_starts_at_its_optimum_and_stops():
    """The SVD is it, so all violation is rounding; scikit-learn goes on dividing that by itself."""
    assert NMF(1, random_state=0).fit(rows(0)).n_iter_ <= 3


@pytest.mark.reference
def test_new_rows_get_their_least_squares():
    model = NMF(3, tol=1e-10, max_iter=5000, random_state=0).fit(rows(0))
    fresh = rows(1)
    wanted = [nnls(model.components_.T, row)[0] for row in fresh]
    np.testing.assert_allclose(model.transform(fresh), wanted, atol=1e-6)


def test_exact_parts_are_found():
    X = rows(2, k=2, noise=0.0)
    model = NMF(2, tol=1e-8, max_iter=5000, random_state=0)
    W = model.fit_transform(X)
    assert model.reconstruction_err_ < 1e-3 * np.linalg.norm(X)
    np.testing.assert_allclose(model.inverse_transform(W), X, atol=2e-2)


def test_more_components_than_rank_start_at_random():
    model = NMF(9, random_state=0, max_iter=3000).fit(rows(3, 6, 5))
    assert model.components_.shape == (9, 5)
    with pytest.raises(ValueError, match="9 components of 6 x 5 need init='random'"):
        NMF(9, init="nndsvd").fit(rows(3, 6, 5))


def test_nothing_but_zeros():
    model = NMF(2, random_state=0).fit(np.zeros((4, 3)))
    assert model.reconstruction_err_ == 0


def test_too_few_steps_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1 steps; raise max_iter"):
        model = NMF(3, max_iter=1).fit(rows(0))
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        model.transform(rows(0))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 0}, "n_components is 0"),
        ({"n_components": "all"}, "n_components is 'all'"),
        ({"init": "svd"}, "init is 'svd'; known are: nndsvda"),
        ({"max_iter": 0}, "max_iter is 0"),
        ({"alpha_H": "none"}, "alpha_H is 'none'"),
        ({"l1_ratio": 1.5}, "l1_ratio is 1.5"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        NMF(**parameters).fit(rows(0))


def test_negative_entries_are_refused():
    with pytest.raises(ValueError, match="Negative values in data passed to NMF"):
        NMF().fit([[1.0, -1.0]])
    with pytest.raises(ValueError, match="Negative values"):
        NMF(1).fit([[1.0, 1.0]]).transform([[1.0, -1.0]])
