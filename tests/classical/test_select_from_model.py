"""SelectFromModel against scikit-learn's."""

import numpy as np
import pytest
from sklearn import ensemble, feature_selection, linear_model
from tests.classical.compliance import compliance

from groundup.classical.estimator import NotFittedError
from groundup.classical.lasso import Lasso
from groundup.classical.ridge import Ridge
from groundup.classical.select_from_model import SelectFromModel


@compliance(SelectFromModel(Ridge()))
def test_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 6))
    return X, X[:, 0] * 3 - 2 * X[:, 3] + 0.1 * X[:, 4] + rng.normal(size=80)


MODELS = [
    linear_model.Ridge(),
    linear_model.Lasso(alpha=0.2),
    ensemble.RandomForestRegressor(n_estimators=5, random_state=0),
]
OPTIONS = [
    {},
    {"threshold": "median"},
    {"threshold": "1.5*mean"},
    {"threshold": 0.05},
    {"max_features": 1},
    {"max_features": 4, "threshold": -np.inf},
    {"max_features": lambda X: X.shape[1] // 2},
]


@pytest.mark.reference
@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("options", OPTIONS)
def test_choices_are_scikit_learns(data, model, options):
    X, y = data
    ours = SelectFromModel(model, **options).fit(X, y)
    theirs = feature_selection.SelectFromModel(model, **options).fit(X, y)
    assert ours.get_support().tolist() == theirs.get_support().tolist()
    assert ours.threshold_ == pytest.approx(theirs.threshold_)
    assert np.array_equal(ours.transform(X), theirs.transform(X))


@pytest.mark.reference
def test_several_outputs_are_scikit_learns(data):
    X, y = data
    model = linear_model.LogisticRegression().fit(X, np.digitize(y, [-1, 1]))
    for order in (1, 2, np.inf):
        options = {"prefit": True, "norm_order": order}
        ours = SelectFromModel(model, **options).fit(X)
        theirs = feature_selection.SelectFromModel(model, **options).fit(X)
        assert ours.get_support().tolist() == theirs.get_support().tolist()


def test_a_lasso_keeps_what_it_uses(data):
    X, y = data
    ours = SelectFromModel(Lasso(alpha=0.2)).fit(X, y)
    assert ours.threshold_ == 1e-5
    assert ours.get_support().tolist() == (ours.estimator_.coef_ != 0).tolist()
    assert {0, 3} <= set(ours.get_support(indices=True))
    assert ours.get_support().sum() < 6


def test_what_cannot_be_is_refused(data):
    X, y = data
    with pytest.raises(ValueError, match="Expected threshold='mean'"):
        SelectFromModel(Ridge(), threshold="most").fit(X, y).get_support()
    with pytest.raises(ValueError, match="max_features is 7"):
        SelectFromModel(Ridge(), max_features=7).fit(X, y)
    with pytest.raises(NotFittedError):
        SelectFromModel(Ridge(), prefit=True).fit(X, y)
