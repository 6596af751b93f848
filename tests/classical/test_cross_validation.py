"""Cross-validation against scikit-learn's, with their estimators and ours, and with failures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model, model_selection

from groundup.classical.cross_validation import (
    FitFailedWarning,
    check_cv,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from groundup.classical.group_splitting import GroupKFold
from groundup.classical.logistic import LogisticRegression
from groundup.classical.pipeline import make_pipeline
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler
from groundup.classical.search import GridSearchCV
from groundup.classical.splitting import KFold, StratifiedKFold


def rows(n=60, classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    score = X @ [1, -2, 0.5] + rng.normal(size=n)
    return X, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


@pytest.mark.reference
@given(seed=st.integers(0, 2**32 - 1), k=st.integers(2, 5), classes=st.integers(2, 3))
@settings(max_examples=10)
def test_scores_are_scikit_learns(seed, k, classes):
    X, y = rows(classes=classes, seed=seed)
    model = linear_model.LogisticRegression()
    names = ["accuracy", "neg_log_loss"]
    options = {"scoring": names, "cv": k, "return_train_score": True, "return_estimator": True}
    ours = cross_validate(model, X, y, **options)
    theirs = model_selection.cross_validate(model, X, y, **options)
    assert set(ours) == set(theirs)
    for part in ("test_accuracy", "train_accuracy", "test_neg_log_loss", "train_neg_log_loss"):
        np.testing.assert_allclose(ours[part], theirs[part], rtol=1e-10)
    assert (ours["fit_time"] >= 0).all()
    assert not hasattr(model, "coef_")


@pytest.mark.reference
@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("classes", [2, 3])
def test_predictions_are_scikit_learns(method, classes):
    X, y = rows(classes=classes)
    model = linear_model.LogisticRegression()
    ours = cross_val_predict(model, X, y, cv=4, method=method)
    theirs = model_selection.cross_val_predict(model, X, y, cv=4, method=method)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.reference
@pytest.mark.filterwarnings("ignore:Number of classes")
@pytest.mark.parametrize("method", ["predict_proba", "predict_log_proba", "decision_function"])
def test_a_class_that_a_fold_lacks_has_its_column(method):
    X, _ = rows()
    y = np.repeat([0, 1, 2, 3], 15)  # plain folds of sorted classes lack one each
    model = linear_model.LogisticRegression()
    cv = KFold(4)
    ours = cross_val_predict(model, X, y, cv=cv, method=method)
    theirs = model_selection.cross_val_predict(
        model, X, y, cv=model_selection.KFold(4), method=method
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    with pytest.raises(ValueError, match="has another shape"):
        cross_val_predict(model, X[:45], y[:45], cv=KFold(3), method="decision_function")


@pytest.mark.reference
def test_groups_reach_the_splitter():
    X, y = rows()
    groups = np.arange(60) % 7
    ours = cross_val_score(Ridge(), X, y, groups=groups, cv=GroupKFold(3))
    theirs = model_selection.cross_val_score(
        linear_model.Ridge(), X, y, groups=groups, cv=model_selection.GroupKFold(3)
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_nested_cross_validation_judges_a_search():
    X, y = rows(80)
    inner = GridSearchCV(make_pipeline(StandardScaler(), LogisticRegression()),
                         {"logisticregression__C": [0.01, 1.0]}, cv=3)  # fmt: skip
    scores = cross_val_score(inner, X, y, cv=4)
    assert scores.shape == (4,)
    assert scores.mean() > 0.7
    assert not hasattr(inner, "best_params_")


def test_selection_outside_the_folds_leaks_and_inside_does_not():
    """The classical mistake: Hastie, Tibshirani and Friedman (2009), section 7.10.2."""
    from groundup.classical.univariate_selection import SelectKBest

    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(50, 2000)), rng.integers(2, size=50)  # nothing to learn
    outside = SelectKBest(k=20).fit_transform(X, y)
    leaked = cross_val_score(LogisticRegression(), outside, y, cv=5).mean()
    honest = cross_val_score(
        make_pipeline(SelectKBest(k=20), LogisticRegression()), X, y, cv=5
    ).mean()
    assert leaked > 0.85
    assert honest < 0.7


class Fragile(Ridge):
    def fit(self, X, y):
        if X[0, 0] == 1.0 or self.alpha < 0:
            raise ValueError("the first row is one")
        return super().fit(X, y)


def test_a_fit_that_fails_is_scored_nan_with_a_warning():
    X, y = rows(20)
    X[0, 0] = 1.0  # the first of the training rows, but for the fold that tests it
    with pytest.warns(FitFailedWarning, match=r"3 fits failed out of a total of 4.*first row is"):
        scores = cross_val_score(Fragile(), X, y, cv=KFold(4))
    assert np.isnan(scores).tolist() == [False, True, True, True]
    with pytest.raises(ValueError, match=r"All the 4 fits failed.*the first row is one"):
        cross_val_score(Fragile(alpha=-1), X, y, cv=KFold(4))


def test_a_score_that_fails_is_nan_with_a_warning():
    X, y = rows(20)
    with pytest.warns(UserWarning, match=r"Scoring failed.*no score today"):
        scores = cross_val_score(Ridge(), X, y, cv=2, scoring=_no_score)
    assert np.isnan(scores).all()


def _no_score(estimator, X, y):
    raise ValueError("no score today")


def test_folds_are_chosen_as_documented():
    y = np.arange(20) % 2
    assert isinstance(check_cv(3, y, classifier=True), StratifiedKFold)
    assert isinstance(check_cv(3, y), KFold)
    assert not isinstance(check_cv(3, y + 0.5, classifier=True), StratifiedKFold)
    assert check_cv(None).n_splits == 5
    listed = check_cv([(np.arange(5), np.arange(5, 9))])
    assert listed.get_n_splits() == 1
    assert next(listed.split(None))[1].tolist() == [5, 6, 7, 8]
    for wrong in ("five", 2.5):
        with pytest.raises(ValueError, match="Expected `cv` as an integer"):
            check_cv(wrong)


def test_what_cannot_be_is_refused():
    X, y = rows(20)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[20, 19\]"):
        cross_validate(Ridge(), X, y[:19])
    with pytest.raises(ValueError, match="takes one score"):
        cross_val_score(Ridge(), X, y, scoring=["r2"])
    with pytest.raises(ValueError, match="only works for partitions"):
        cross_val_predict(Ridge(), X, y, cv=[(np.arange(10), np.arange(5))])
