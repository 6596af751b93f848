"""RFE and RFECV against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import feature_selection, linear_model
from tests.classical.compliance import compliance

from groundup.classical.logistic import LogisticRegression
from groundup.classical.pipeline import make_pipeline
from groundup.classical.recursive_elimination import RFE, RFECV, importances_of
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler


@compliance(RFE(LogisticRegression(C=1)), RFECV(LogisticRegression(C=1), cv=3))
def test_conventions(estimator, check):
    check(estimator)


def rows(seed, n=60, f=6):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, f))
    return X, X[:, 0] * 3 - 2 * X[:, 3] + rng.normal(size=n)


@pytest.mark.reference
@given(
    seed=st.integers(0, 2**32 - 1),
    wanted=st.sampled_from([None, 1, 2, 5, 0.5]),
    step=st.sampled_from([1, 2, 0.3, 0.9]),
)
@settings(max_examples=25)
def test_elimination_is_scikit_learns(seed, wanted, step):
    X, y = rows(seed)
    options = {"n_features_to_select": wanted, "step": step}
    ours = RFE(Ridge(), **options).fit(X, y)
    theirs = feature_selection.RFE(linear_model.Ridge(), **options).fit(X, y)
    assert ours.ranking_.tolist() == theirs.ranking_.tolist()
    assert ours.get_support().tolist() == theirs.get_support().tolist()
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))
    assert ours.n_features_ == theirs.n_features_


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), step=st.sampled_from([1, 2]))
@settings(max_examples=6)
def test_cross_validated_elimination_is_scikit_learns(seed, step):
    X, y = rows(seed)
    ours = RFECV(linear_model.Ridge(), step=step, cv=3).fit(X, y)
    theirs = feature_selection.RFECV(linear_model.Ridge(), step=step, cv=3).fit(X, y)
    assert ours.n_features_ == theirs.n_features_
    assert ours.ranking_.tolist() == theirs.ranking_.tolist()
    for name, column in ours.cv_results_.items():
        np.testing.assert_allclose(column, theirs.cv_results_[name], rtol=1e-9)


@pytest.mark.reference
def test_classes_and_several_outputs_count_together():
    X, y = rows(1)
    classes = np.digitize(y, [-1, 1])
    ours = RFE(linear_model.LogisticRegression(), n_features_to_select=2).fit(X, classes)
    theirs = feature_selection.RFE(linear_model.LogisticRegression(), n_features_to_select=2)
    assert ours.ranking_.tolist() == theirs.fit(X, classes).ranking_.tolist()
    assert ours.predict_proba(X).shape == (60, 3)
    assert not hasattr(RFE(Ridge()), "predict_proba")


def test_importance_may_lie_deeper():
    X, y = rows(2)
    steps = make_pipeline(StandardScaler(), Ridge())
    chosen = RFE(steps, n_features_to_select=2, importance_getter="named_steps.ridge.coef_")
    assert chosen.fit(X, y).get_support(indices=True).tolist() == [0, 3]
    first = RFE(steps, n_features_to_select=2, importance_getter=lambda e: e[-1].coef_)
    assert first.fit(X, y).get_support(indices=True).tolist() == [0, 3]
    with pytest.raises(ValueError, match="should have `coef_` or `feature_importances_`"):
        importances_of(StandardScaler())


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        (RFE(Ridge(), n_features_to_select=0), "n_features_to_select is 0"),
        (RFE(Ridge(), n_features_to_select=1.5), "n_features_to_select is 1.5"),
        (RFE(Ridge(), step=0), "step is 0"),
    ],
)
def test_what_cannot_be_is_refused(selector, message):
    with pytest.raises(ValueError, match=message):
        selector.fit([[1.0, 2.0], [2.0, 1.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="requires y"):
        selector.fit([[1.0, 2.0], [2.0, 1.0]])
