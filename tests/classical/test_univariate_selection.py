"""Scores, p-values and selectors of single columns against scikit-learn and SciPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import feature_selection
from tests.classical.compliance import compliance

from groundup.classical import univariate_selection
from groundup.classical.univariate_selection import (
    SelectFdr,
    SelectFpr,
    SelectFwe,
    SelectKBest,
    SelectPercentile,
    chi2,
    chi_square_survival,
    f_classif,
    f_regression,
    f_survival,
    r_regression,
)

pytestmark = pytest.mark.slow  # seconds in all, for `make test`


@compliance(
    SelectKBest(k=1), SelectPercentile(), SelectFpr(), SelectFdr(alpha=0.5), SelectFwe(alpha=0.5)
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(st.floats(0, 1e6), st.integers(1, 200), st.integers(1, 5000))
@settings(max_examples=100)
def test_tails_are_scipys(x, first, second):
    # incomplete beta and gamma functions: relative error about 1e-12, and theirs about as much
    wanted = stats.f.sf(x, first, second)
    if wanted > 1e-280:
        assert f_survival(np.array([x]), first, second)[0] == pytest.approx(wanted, rel=1e-8)
    wanted = stats.chi2.sf(x, first)
    if wanted > 1e-280:
        assert chi_square_survival(np.array([x]), first)[0] == pytest.approx(wanted, rel=1e-8)


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(2, 4), n=st.integers(8, 60))
@settings(max_examples=40)
def test_scores_are_scikit_learns(seed, k, n):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    X = rng.normal(size=(n, 4)) + np.outer(y, [0, 0.5, 5, 0.1])
    numbers = X[:, 1] + rng.normal(size=n)
    for ours, theirs in [
        (f_classif(X, y), feature_selection.f_classif(X, y)),
        (f_regression(X, numbers), feature_selection.f_regression(X, numbers)),
        (chi2(np.abs(X), y), feature_selection.chi2(np.abs(X), y)),
    ]:
        # theirs takes differences of sums of squares: n eps (mean / deviation)^2
        np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(ours[1], theirs[1], rtol=1e-8, atol=1e-300)
    assert r_regression(X, numbers) == pytest.approx(feature_selection.r_regression(X, numbers))


@pytest.mark.reference
def test_the_analysis_of_variance_is_scipys_far_from_zero():
    rng = np.random.default_rng(0)
    X, y = 1e8 + rng.normal(size=(30, 2)), np.arange(30) % 3
    wanted = stats.f_oneway(*(X[y == c, 0] - 1e8 for c in range(3)))
    # X itself is rounded to 1e8 eps, which moves F by about 1e-7
    assert f_classif(X, y)[0][0] == pytest.approx(wanted.statistic, rel=1e-6)
    assert f_classif(X, y)[1][0] == pytest.approx(wanted.pvalue, rel=1e-6)


def test_odd_columns_have_the_documented_scores():
    y = np.array([0, 0, 1, 1])
    with pytest.warns(UserWarning, match=r"Features \[0\] are constant"):
        f, p = f_classif([[0.1, 1], [0.1, 1], [0.1, 2], [0.1, 2]], y)
    assert np.isnan([f[0], p[0]]).all()
    assert (f[1], p[1]) == (np.inf, 0.0)
    f, p = f_regression([[0.1, 1], [0.1, 2], [0.1, 3], [0.1, 4]], [1, 2, 3, 4])
    assert (f[0], p[0]) == (0.0, 1.0)
    assert (f[1], p[1]) == (np.finfo(float).max, 0.0)
    assert (r_regression([[1.0], [2.0]], [5, 5]) == 0).all()
    assert np.isnan(chi2([[0], [0], [0], [0]], y)).all()


SELECTORS = [
    (SelectKBest, "k", [0, 1, 3, "all"]),
    (SelectPercentile, "percentile", [0, 10, 50, 100]),
    (SelectFpr, "alpha", [0.01, 0.5]),
    (SelectFdr, "alpha", [0.01, 0.5]),
    (SelectFwe, "alpha", [0.01, 0.5]),
]


@pytest.mark.reference
@pytest.mark.parametrize(("kind", "name", "values"), SELECTORS)
@given(seed=st.integers(0, 2**32 - 1), ties=st.booleans())
@settings(max_examples=15)
@pytest.mark.filterwarnings("ignore:Features")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_selections_are_scikit_learns(kind, name, values, seed, ties):
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(40) % 3)
    X = rng.normal(size=(40, 8)) + np.outer(y, rng.choice([0, 0.5, 2], 8))
    if ties:
        X[:, 4:] = X[:, :4]
        X[:, 3] = 0
    for value in values:
        ours = kind(**{name: value}).fit(X, y)
        theirs = getattr(feature_selection, kind.__name__)(**{name: value}).fit(X, y)
        assert ours.get_support().tolist() == theirs.get_support().tolist()


def test_functions_of_scikit_learn_and_others_may_score():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), np.arange(30) % 2
    X[:, 1] += 9 * y
    assert SelectKBest(feature_selection.f_classif, k=1).fit(X, y).get_support()[1]
    alone = SelectKBest(lambda X, y: X.max(axis=0), k=1).fit(X, y)
    assert alone.get_support()[1]
    assert alone.pvalues_ is None
    with pytest.raises(ValueError, match="SelectFpr needs p-values"):
        SelectFpr(lambda X, y: X.max(axis=0)).fit(X, y).get_support()


def test_nothing_selected_warns():
    X, y = np.random.default_rng(0).normal(size=(30, 3)), np.arange(30) % 2
    with pytest.warns(UserWarning, match="No features were selected"):
        assert SelectKBest(k=0).fit(X, y).transform(X).shape == (30, 0)
    with pytest.warns(UserWarning, match="k=9 is greater than n_features=3"):
        assert SelectKBest(k=9).fit(X, y).get_support().all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chi2([[-1.0]], [0]), "must be non-negative"),
        (lambda: f_classif([[1.0], [2.0]], [0, 0]), "cannot be compared"),
        (lambda: f_classif([[1.0], [2.0]], [0]), "inconsistent numbers"),
        (lambda: f_classif([[1.0], [2.0]], None), "inconsistent numbers"),
        (lambda: f_classif([[1.0], [2.0]], [0, np.nan]), "y contains NaN"),
        (lambda: chi2([[1.0], [2.0]], [0, 0]), "y holds one class"),
        (lambda: f_regression([[1.0], [2.0]], [0, 1]), "too few for an F test"),
        (lambda: r_regression([[1.0], [2.0]], [0, np.nan]), "y contains NaN"),
        (lambda: SelectKBest(k=-1).fit([[1.0], [2.0]], [0, 1]), "k is -1"),
        (lambda: SelectKBest(k=1.5).fit([[1.0], [2.0]], [0, 1]), "k is 1.5"),
        (lambda: SelectPercentile(percentile=101).fit([[1.0], [2.0]], [0, 1]), "is 101"),
        (lambda: SelectFpr(alpha=2).fit([[1.0], [2.0]], [0, 1]), "alpha is 2"),
        (lambda: SelectKBest().fit([[1.0]]), "requires y"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_learners_test_is_used():
    from groundup.swap import Replacement, replaced

    other = Replacement(
        part="classical.univariate_selection:f_classif", file="", name="", sha256="",
        function=lambda X, y: (np.array([0.0, 1.0]), np.array([1.0, 0.0])),
    )  # fmt: skip
    X, y = np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]]), [0, 0, 1]
    with replaced([other]):
        assert univariate_selection.SelectKBest(k=1).fit(X, y).get_support()[1]
