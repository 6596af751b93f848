"""SplineTransformer against scikit-learn's and SciPy's B-splines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from sklearn import preprocessing
from tests.classical.compliance import compliance

from groundup.classical.linear import LinearRegression
from groundup.classical.pipeline import make_pipeline
from groundup.classical.splines import SplineTransformer, b_splines


@compliance(SplineTransformer(), SplineTransformer(degree=0, include_bias=False))
def test_conventions(estimator, check):
    check(estimator)


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), degree=st.integers(0, 4), count=st.integers(2, 6))
@settings(max_examples=40)
def test_splines_are_scipys_and_sum_to_one(seed, degree, count):
    rng = np.random.default_rng(seed)
    knots = np.cumsum(rng.uniform(0.1, 1, count + 2 * degree))
    x = rng.uniform(knots[degree], knots[-degree - 1], 30)
    ours = b_splines(x, knots, degree)
    # sums of terms in [0, 1], one product a degree
    np.testing.assert_allclose(ours, BSpline.design_matrix(x, knots, degree).toarray(), atol=1e-14)
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-14)
    assert (ours >= 0).all()


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1),
    options=st.fixed_dictionaries(
        {
            "n_knots": st.integers(2, 6),
            "degree": st.integers(0, 4),
            "knots": st.sampled_from(["uniform", "quantile"]),
            "include_bias": st.booleans(),
        }
    ),
)
@settings(max_examples=50)
def test_columns_are_scikit_learns(seed, options):
    if options["degree"] == 0 and options["n_knots"] == 2 and not options["include_bias"]:
        return  # no column is left
    X = np.random.default_rng(seed).normal(size=(30, 2))
    ours = SplineTransformer(**options).fit(X)
    theirs = preprocessing.SplineTransformer(**options).fit(X)
    # scikit-learn's steps of degree 0 are 0 or raise beyond the knots; ours keep the last value
    later = np.concatenate([X, X * 1.5]) if options["degree"] else X
    np.testing.assert_allclose(ours.transform(later), theirs.transform(later), atol=1e-12)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    assert ours.n_features_out_ == theirs.n_features_out_


def test_steps_keep_their_last_value_beyond_the_knots():
    steps = SplineTransformer(3, degree=0).fit([[0.0], [2.0]])
    assert steps.transform([[-5.0], [0.5], [2.0], [9.0]]).tolist() == [
        [1, 0],
        [1, 0],
        [0, 1],
        [0, 1],
    ]


def test_a_line_on_splines_follows_a_curve():
    x = np.linspace(0, 6, 60)[:, None]
    model = make_pipeline(SplineTransformer(8), LinearRegression()).fit(x, np.sin(x[:, 0]))
    # cubic splines err by about h^4 / 384 max |f''''|, h = 6/7
    assert np.abs(model.predict(x) - np.sin(x[:, 0])).max() < 5e-3


@pytest.mark.reference
def test_given_knots_are_used():
    X, knots = np.array([[0.5], [1.5]]), [[0.0], [1.0], [3.0]]
    wanted = preprocessing.SplineTransformer(knots=np.array(knots)).fit_transform(X)
    np.testing.assert_allclose(SplineTransformer(knots=knots).fit_transform(X), wanted, atol=1e-14)


@pytest.mark.parametrize(
    ("splines", "message"),
    [
        (SplineTransformer(1), "n_knots is 1"),
        (SplineTransformer(degree=-1), "degree is -1"),
        (SplineTransformer(knots="x"), "knots is 'x'"),
        (SplineTransformer(knots=[[1.0]]), "two or more knots x 1 features"),
        (SplineTransformer(knots=[[1.0], [1.0]]), "sorted without duplicates"),
        (SplineTransformer(extrapolation="x"), "extrapolation is 'x'"),
    ],
)
def test_what_cannot_be_is_refused(splines, message):
    with pytest.raises(ValueError, match=message):
        splines.fit([[1.0], [2.0]])


def test_values_beyond_the_knots_may_be_refused():
    fitted = SplineTransformer(extrapolation="error").fit([[1.0], [2.0]])
    with pytest.raises(ValueError, match="beyond the limits of the knots"):
        fitted.transform([[2.5]])
