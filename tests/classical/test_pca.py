"""PCA against scikit-learn, and where its arithmetic is better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from scipy.stats import multivariate_normal
from sklearn import decomposition
from tests.classical.compliance import compliance

from groundup.classical.pca import PCA, components_for, most_likely_dimension, principal_axes

EPS = np.finfo(float).eps
SOLVERS = ["full", "covariance_eigh", "randomized"]


@compliance(
    PCA(), PCA(2), PCA(1, svd_solver="randomized"), PCA(0.9, whiten=True), PCA(2, svd_solver="full")
)
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=40, f=6):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, f)) * np.geomspace(5, 0.1, f) + rng.normal(size=f)


def assert_same_axes(ours, theirs, gap):
    # A singular vector turns by eps ||X|| over the distance to the next singular value.
    error = 100 * EPS / gap
    np.testing.assert_allclose(ours.components_, theirs.components_, rtol=0, atol=error)


@pytest.mark.reference
@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), whiten=st.booleans(), q=st.integers(1, 6))
def test_it_is_scikit_learns(solver, seed, whiten, q):
    X = rows(seed)
    settings_ = {"svd_solver": solver, "whiten": whiten, "random_state": 0}
    ours, theirs = PCA(q, **settings_).fit(X), decomposition.PCA(q, **settings_).fit(X)
    for name in ("mean_", "explained_variance_", "explained_variance_ratio_", "singular_values_"):
        wanted = getattr(theirs, name)
        np.testing.assert_allclose(getattr(ours, name), wanted, rtol=1e-9, atol=1e-13)
    assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_, rel=1e-9, abs=1e-12)
    values = np.linalg.svd(X - X.mean(axis=0), compute_uv=False)
    gap = np.min(-np.diff(values)) / values[0]
    if gap > 1e-3:
        assert_same_axes(ours, theirs, gap**2)  # squared: two of the solvers square the values
        Z = theirs.transform(X)
        np.testing.assert_allclose(ours.transform(X), Z, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(ours.fit_transform(X), Z, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-6,
    )
    if whiten:
        return
    np.testing.assert_allclose(ours.get_covariance(), theirs.get_covariance(), atol=1e-9)
    np.testing.assert_allclose(ours.get_precision(), theirs.get_precision(), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(ours.score_samples(X), theirs.score_samples(X), rtol=1e-7)
    assert ours.score(X) == pytest.approx(theirs.score(X), rel=1e-8)


@pytest.mark.reference
@pytest.mark.parametrize(
    ("n", "f", "q"), [(5, 9, None), (5, 9, 3), (400, 20, 0.7), (30, 30, 0.99), (600, 100, 5)]
)
def test_the_solver_is_chosen_as_in_scikit_learn(n, f, q):
    X = rows(4, n, f)
    ours, theirs = PCA(q, random_state=0).fit(X), decomposition.PCA(q, random_state=0).fit(X)
    assert ours._solver(X.shape) == theirs._fit_svd_solver
    assert ours.n_components_ == theirs.n_components_
    k = min(ours.n_components_, n - 1)  # the last of n centred rows is noise
    # the randomized solver misses (s_16 / s_5)^30 of these slowly falling values, about 1e-5
    exact = theirs._fit_svd_solver != "randomized"
    np.testing.assert_allclose(
        ours.explained_variance_[:k], theirs.explained_variance_[:k], rtol=1e-9 if exact else 1e-4
    )
    angle = subspace_angles(ours.components_[:k].T, theirs.components_[:k].T).max()
    assert angle < (1e-6 if exact else 2e-2)


@pytest.mark.reference
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), f=st.integers(2, 8))
def test_the_most_likely_dimension_is_scikit_learns(seed, f):
    X = rows(seed, 60, f)
    X[:, f // 2 :] = np.random.default_rng(seed).normal(size=(60, f - f // 2)) * 0.3
    ours, theirs = PCA("mle").fit(X), decomposition.PCA("mle").fit(X)
    assert ours.n_components_ == theirs.n_components_


def test_the_most_likely_dimension_is_that_of_the_signal():
    variances = np.array([9.0, 7.0, 5.0, 1.2, 1.0, 0.9, 0.8])
    assert most_likely_dimension(variances, 30) == 3
    assert most_likely_dimension(np.ones(4), 50) == 1  # nothing to tell apart


@pytest.mark.reference
def test_the_density_is_that_of_the_model():
    X = rows(2)
    model = PCA(3).fit(X)
    wanted = multivariate_normal(model.mean_, model.get_covariance()).logpdf(X)
    np.testing.assert_allclose(model.score_samples(X), wanted, rtol=1e-10)


@pytest.mark.reference
def test_whitening_does_not_change_the_density():
    """It only rescales coordinates. scikit-learn 1.9 scales the components by the variances twice
    in `get_covariance` when it whitens, so its densities differ from its own without whitening.
    """
    X = rows(6)
    plain, white = PCA(2).fit(X), PCA(2, whiten=True).fit(X)
    np.testing.assert_array_equal(plain.get_covariance(), white.get_covariance())
    assert plain.score(X) == white.score(X)
    wanted = decomposition.PCA(2).fit(X)
    np.testing.assert_allclose(white.get_covariance(), wanted.get_covariance(), atol=1e-9)
    assert white.score(X) == pytest.approx(wanted.score(X))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 20), f=st.integers(1, 20))
def test_axes_are_orthonormal_and_variances_fall(seed, n, f):
    X = rows(seed, n, f)
    model = PCA().fit(X)
    q = min(n, f)
    error = 10 * (n + f) * EPS
    np.testing.assert_allclose(
        model.components_ @ model.components_.T, np.eye(q), rtol=0, atol=error
    )
    assert (np.diff(model.explained_variance_) <= 0).all()
    assert model.explained_variance_ratio_.sum() == pytest.approx(1)
    np.testing.assert_allclose(
        model.inverse_transform(model.transform(X)), X, rtol=0, atol=error * np.abs(X).max() * 10
    )
    largest = np.abs(model.components_).argmax(axis=1)
    assert (model.components_[np.arange(q), largest] > 0).all()


def test_a_far_off_mean_costs_nothing():
    """scikit-learn subtracts the mean after the product X'X, which cancels here (see below)."""
    near = rows(0, 200, 4)
    far = near + 1e7
    wanted = PCA(svd_solver="full").fit(near).explained_variance_
    ours = PCA(svd_solver="covariance_eigh").fit(far).explained_variance_
    # far's own rounding: eps * 1e7 on each entry, in variances of 0.01 and more
    np.testing.assert_allclose(ours, wanted, rtol=1e-6)
    theirs = decomposition.PCA(svd_solver="covariance_eigh").fit(far).explained_variance_
    assert np.abs(theirs / wanted - 1).max() > 1e-2


def test_the_svd_sees_variances_that_squaring_loses():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2)) * [1.0, 1e-10]
    fine = PCA(svd_solver="full").fit(X).singular_values_[1]
    assert fine == pytest.approx(1e-10 * np.sqrt(50), rel=0.5)
    axes, values = principal_axes(X - X.mean(axis=0))
    assert values[1] == fine
    assert abs(axes[1, 1]) == pytest.approx(1)


def test_no_variance_at_all():
    model = PCA(1).fit(np.ones((5, 3)))
    assert model.explained_variance_.tolist() == [0]
    assert model.explained_variance_ratio_.tolist() == [0]
    assert np.array_equal(model.transform(np.ones((2, 3))), np.zeros((2, 1)))
    with pytest.raises(ValueError, match="no variance in some direction"):
        model.score(np.ones((2, 3)))
    with pytest.raises(ValueError, match="no variance in some direction"):
        PCA().fit(rows(0, 4, 9)).get_precision()


def test_whitening_makes_coordinates_of_variance_one():
    Z = PCA(whiten=True).fit_transform(rows(8, 300, 5))
    np.testing.assert_allclose(np.cov(Z.T), np.eye(5), atol=1e-10)


def test_a_share_wants_more_than_it_says():
    ratios = np.array([0.5, 0.25, 0.25])
    assert [components_for(share, ratios) for share in (0.4, 0.5, 0.6, 0.99)] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_components": 7}, r"n_components=7 must be between 1 and min.*=6"),
        ({"n_components": 0}, "n_components=0 must be"),
        ({"n_components": -1}, "n_components=-1 must be"),
        ({"n_components": 2.5}, "n_components=2.5 must be"),
        ({"n_components": 0.5, "svd_solver": "randomized"}, "n_components=0.5 must be"),
        ({"n_components": "some"}, "the only word it may be is 'mle'"),
        ({"n_components": "mle", "svd_solver": "randomized"}, "another solver"),
        ({"svd_solver": "fast"}, "svd_solver is 'fast'; known are: auto, full"),
        ({"svd_solver": "randomized", "iterated_power": "all"}, "iterated_power is 'all'"),
        ({"svd_solver": "randomized", "iterated_power": -1}, "iterated_power is -1"),
    ],
)
def test_bad_parameters_are_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        PCA(**parameters).fit(rows(0))


def test_one_row_has_no_variance():
    with pytest.raises(ValueError, match=r"1 sample\(s\).*minimum of 2 is required by PCA"):
        PCA().fit([[1.0, 2.0]])
    with pytest.raises(ValueError, match="n_samples >= n_features"):
        PCA("mle").fit(rows(0, 4, 6))
