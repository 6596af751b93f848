"""Searches against scikit-learn's: tables, best candidates, failures, several scores."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import linear_model, model_selection
from tests.classical.compliance import compliance

from groundup.classical.cross_validation import FitFailedWarning
from groundup.classical.estimator import NotFittedError
from groundup.classical.logistic import LogisticRegression
from groundup.classical.pipeline import Pipeline
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler
from groundup.classical.search import GridSearchCV, RandomizedSearchCV, ranks

steps = Pipeline([("scale", StandardScaler()), ("ridge", Ridge())])
GRID = {"alpha": [0.1, 1.0]}


@compliance(
    GridSearchCV(Ridge(), GRID, cv=2, error_score="raise"),
    GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=2, error_score="raise"),
    GridSearchCV(steps, {"ridge__alpha": [0.1, 1.0]}, cv=2, error_score="raise"),
    RandomizedSearchCV(Ridge(), GRID, cv=2, n_iter=2, error_score="raise", random_state=0),
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    return X, (X @ [1, -2, 0.5] + rng.normal(size=60) > 0).astype(int)


def assert_same_tables(ours, theirs):
    assert set(ours.cv_results_) == set(theirs.cv_results_)
    assert ours.cv_results_["params"] == theirs.cv_results_["params"]
    for name, column in theirs.cv_results_.items():
        if name.startswith("param_"):
            assert np.array_equal(ours.cv_results_[name].mask, column.mask)
            assert ours.cv_results_[name].tolist() == column.tolist()
        elif "time" not in name and name != "params":
            np.testing.assert_allclose(ours.cv_results_[name], column, rtol=1e-9, atol=1e-12)
    assert len(pd.DataFrame(ours.cv_results_)) == len(ours.cv_results_["params"])


@pytest.mark.reference
def test_a_grid_is_scikit_learns(data):
    X, y = data
    grid = [{"C": [0.01, 1.0, 1.0]}, {"C": [10.0], "fit_intercept": [True, False]}]
    options = {"cv": 4, "return_train_score": True}
    model = linear_model.LogisticRegression()
    ours = GridSearchCV(model, grid, **options).fit(X, y)
    theirs = model_selection.GridSearchCV(model, grid, **options).fit(X, y)
    assert_same_tables(ours, theirs)
    for name in ("best_params_", "best_index_", "n_splits_", "multimetric_", "n_features_in_"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert ours.best_score_ == pytest.approx(theirs.best_score_)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)
    assert ours.score(X, y) == theirs.score(X, y)
    assert ours.classes_.tolist() == [0, 1]
    assert ours.refit_time_ >= 0


@pytest.mark.reference
def test_several_scores_are_scikit_learns(data):
    X, y = data
    options = {"scoring": ["accuracy", "roc_auc"], "refit": "roc_auc", "cv": 3}
    model, grid = linear_model.LogisticRegression(), {"C": [0.001, 0.1, 10.0]}
    ours = GridSearchCV(model, grid, **options).fit(X, y)
    theirs = model_selection.GridSearchCV(model, grid, **options).fit(X, y)
    assert_same_tables(ours, theirs)
    assert ours.best_params_ == theirs.best_params_
    assert ours.score(X, y) == pytest.approx(theirs.score(X, y))


@pytest.mark.reference
def test_a_random_search_is_scikit_learns(data):
    X, y = data
    spread = {"C": stats.loguniform(1e-3, 1e3), "fit_intercept": [True, False]}
    options = {"n_iter": 6, "cv": 3, "random_state": 7}
    model = linear_model.LogisticRegression()
    ours = RandomizedSearchCV(model, spread, **options).fit(X, y)
    theirs = model_selection.RandomizedSearchCV(model, spread, **options).fit(X, y)
    assert_same_tables(ours, theirs)
    assert ours.best_params_ == theirs.best_params_


def test_a_search_may_choose_between_estimators(data):
    X, y = data
    grid = {"ridge": [Ridge(), LogisticRegression()], "scale": ["passthrough", StandardScaler()]}
    found = GridSearchCV(steps, grid, scoring="neg_mean_squared_error", cv=3).fit(X, y)
    assert len(found.cv_results_["params"]) == 4
    assert not hasattr(grid["ridge"][0], "coef_")  # copies were fitted


class Fragile(Ridge):
    def fit(self, X, y):
        if self.alpha > 1:
            raise ValueError("alpha is beyond me")
        return super().fit(X, y)


def test_failures_are_kept_and_ranked_last(data):
    X, y = data
    search = GridSearchCV(Fragile(), {"alpha": [2.0, 1.0]}, cv=3)
    with pytest.warns(FitFailedWarning, match="3 fits failed out of a total of 6"):
        search.fit(X, y)
    assert search.errors_ == [["ValueError: alpha is beyond me"] * 3, [None] * 3]
    assert search.cv_results_["rank_test_score"].tolist() == [2, 1]
    assert search.best_params_ == {"alpha": 1.0}
    with pytest.raises(ValueError, match="beyond me"):
        GridSearchCV(Fragile(), {"alpha": [2.0]}, error_score="raise").fit(X, y)
    with pytest.warns(FitFailedWarning):
        assert GridSearchCV(Fragile(), {"alpha": [2.0, 1.0]}, error_score=-9).fit(X, y).cv_results_[
            "mean_test_score"
        ][0] == pytest.approx(-9)


def test_progress_is_reported(data):
    seen = []
    GridSearchCV(Ridge(), GRID, cv=2).fit(
        *data, report=lambda done, total, candidate, fold: seen.append((done, total, candidate))
    )
    assert [done for done, _, _ in seen] == [1, 2, 3, 4]
    assert seen[-1] == (4, 4, {"alpha": 1.0})


def test_without_refit_there_is_no_estimator(data):
    search = GridSearchCV(LogisticRegression(), {"C": [1.0]}, refit=False, cv=2).fit(*data)
    assert search.best_params_ == {"C": 1.0}
    with pytest.raises(AttributeError, match="refit=False"):
        search.predict(data[0])
    with pytest.raises(NotFittedError):
        GridSearchCV(Ridge(), GRID).predict(data[0])


def test_the_best_may_be_chosen_by_a_function(data):
    def simplest(table):
        """The smallest alpha within one standard deviation of the best (Breiman et al., 1984)."""
        best = table["rank_test_score"].argmin()
        least = table["mean_test_score"][best] - table["std_test_score"][best]
        return int(np.flatnonzero(table["mean_test_score"] >= least)[-1])

    search = GridSearchCV(Ridge(), {"alpha": [1e-3, 1.0, 1e-2]}, refit=simplest).fit(*data)
    assert search.best_index_ == 2
    with pytest.raises(IndexError, match="best_index_ index out of range"):
        GridSearchCV(Ridge(), GRID, refit=lambda table: 9).fit(*data)


def test_what_cannot_be_is_refused(data):
    with pytest.raises(ValueError, match="must be set to a scorer key"):
        GridSearchCV(Ridge(), GRID, scoring=["r2", "neg_max_error"]).fit(*data)
    with pytest.raises(ValueError, match="Invalid parameter 'beta'"):
        GridSearchCV(Ridge(), {"beta": [1]}).fit(*data)
    with pytest.raises(ValueError, match="there are no candidates"):
        GridSearchCV(Ridge(), []).fit(*data)


@pytest.mark.reference
def test_ranks_are_scipys():
    scores = np.array([0.3, 0.9, 0.9, np.nan, 0.1])
    wanted = stats.rankdata(-np.nan_to_num(scores, nan=-1), method="min")
    assert ranks(scores).tolist() == wanted.tolist()
