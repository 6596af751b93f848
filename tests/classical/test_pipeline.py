"""Pipelines of our estimators, of scikit-learn's, and of both, against scikit-learn's."""

import numpy as np
import pytest
from sklearn import base, cluster, linear_model, model_selection, pipeline, preprocessing
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import check_is_fitted
from tests.classical.compliance import compliance

from groundup.classical.estimator import NotFittedError, clone
from groundup.classical.imputation import SimpleImputer
from groundup.classical.k_means import KMeans
from groundup.classical.logistic import LogisticRegression
from groundup.classical.pipeline import Pipeline, make_pipeline
from groundup.classical.polynomial import PolynomialFeatures
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import StandardScaler

FITS_ITS_PARTS = "the steps themselves are fitted, as scikit-learn's Pipeline does and excuses"
EXCUSED = {
    "Pipeline": {
        "check_estimators_overwrite_params": FITS_ITS_PARTS,
    }
}


@compliance(
    Pipeline([("scaler", StandardScaler()), ("final_estimator", Ridge())]),
    Pipeline([("scaler", StandardScaler()), ("final_estimator", LogisticRegression())]),
    Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())]),
    excused=EXCUSED,
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 4)) * [1, 10, 100, 0.1]
    return X, X @ [1, 0.2, 0.01, 3] + 0.3 * rng.normal(size=80)


@pytest.mark.reference
@pytest.mark.parametrize("scaler", [StandardScaler(), preprocessing.StandardScaler()])
@pytest.mark.parametrize("model", [Ridge(), linear_model.Ridge()])
def test_ours_and_theirs_mix(data, scaler, model):
    X, y = data
    wanted = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.Ridge()).fit(X, y)
    ours = make_pipeline(clone(scaler), clone(model)).fit(X, y)
    # a well-conditioned system of 4 unknowns: far below 1e-10
    np.testing.assert_allclose(ours.predict(X), wanted.predict(X), rtol=1e-10)
    assert ours.score(X, y) == pytest.approx(wanted.score(X, y), rel=1e-10)
    inside = pipeline.make_pipeline(base.clone(scaler), base.clone(model)).fit(X, y)
    np.testing.assert_allclose(inside.predict(X), wanted.predict(X), rtol=1e-10)


@pytest.mark.reference
def test_it_works_in_scikit_learns_search(data):
    X, y = data
    ours = make_pipeline(StandardScaler(), PolynomialFeatures(), Ridge())
    theirs = pipeline.make_pipeline(
        preprocessing.StandardScaler(), preprocessing.PolynomialFeatures(), linear_model.Ridge()
    )
    grid = {"ridge__alpha": [0.1, 10.0], "polynomialfeatures__degree": [1, 2]}
    found = model_selection.GridSearchCV(ours, grid, cv=3).fit(X, y)
    wanted = model_selection.GridSearchCV(theirs, grid, cv=3).fit(X, y)
    assert found.best_params_ == wanted.best_params_
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], wanted.cv_results_["mean_test_score"], rtol=1e-9
    )


def test_it_has_the_methods_of_its_last_step(data):
    X, y = data
    regression = make_pipeline(StandardScaler(), Ridge())
    assert not hasattr(regression, "predict_proba")
    assert not hasattr(regression, "transform")
    assert not hasattr(regression, "fit_predict")
    classes = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y > 0)
    assert classes.predict_proba(X).shape == (80, 2)
    assert classes.classes_.tolist() == [False, True]
    assert classes.kind == "classifier"
    groups = make_pipeline(StandardScaler(), KMeans(2, random_state=0))
    assert len(groups.fit_predict(X)) == 80
    assert hasattr(groups, "transform")


def test_steps_are_named_numbered_sliced_and_replaced(data):
    X, y = data
    steps = make_pipeline(StandardScaler(), StandardScaler(), Ridge(alpha=2))
    assert list(steps.named_steps) == ["standardscaler-1", "standardscaler-2", "ridge"]
    assert len(steps) == 3
    assert steps[-1] is steps["ridge"]
    assert steps.get_params()["ridge__alpha"] == 2
    steps.set_params(**{"ridge__alpha": 3, "standardscaler-1": "passthrough"})
    assert steps["ridge"].alpha == 3
    steps.fit(X, y)
    moved = steps[:-1].transform(X)
    np.testing.assert_allclose(moved.mean(axis=0), 0, atol=1e-13)
    np.testing.assert_allclose(steps["ridge"].predict(moved), steps.predict(X))
    np.testing.assert_allclose(steps[:-1].inverse_transform(moved), X)
    assert steps.n_features_in_ == 4
    steps.set_params(**{"standardscaler-1": StandardScaler(), "ridge": None})
    assert steps.fit(X).transform(X).shape == (80, 4)
    with pytest.raises(ValueError, match="only supports a step of 1"):
        steps[::2]


@pytest.mark.reference
def test_a_copy_knows_nothing(data):
    X, y = data
    fitted = make_pipeline(StandardScaler(), Ridge()).fit(X, y)
    check_is_fitted(fitted)
    for copy in (clone(fitted), base.clone(fitted)):
        assert copy[0] is not fitted[0]
        with pytest.raises(NotFittedError):
            copy.predict(X)


def test_names_go_through():
    names = make_pipeline(StandardScaler(), PolynomialFeatures(include_bias=False))
    names.fit([[1.0, 2.0], [2.0, 5.0]])
    assert list(names.get_feature_names_out(["a", "b"])) == ["a", "b", "a^2", "a b", "b^2"]
    assert list(Pipeline([("a", StandardScaler())]).fit([[1.0]]).get_feature_names_out()) == ["x0"]


def test_weights_reach_their_step(data):
    X, y = data
    weights = np.arange(80.0)
    ours = make_pipeline(StandardScaler(), Ridge()).fit(X, y, ridge__sample_weight=weights)
    alone = Ridge().fit(StandardScaler().fit_transform(X), y, sample_weight=weights)
    np.testing.assert_allclose(ours[-1].coef_, alone.coef_, rtol=1e-12)
    with pytest.raises(ValueError, match="does not accept the sample_weight parameter"):
        ours.fit(X, y, sample_weight=weights)


@pytest.mark.parametrize(
    ("steps", "problem", "message"),
    [
        ([], ValueError, "is empty"),
        (5, ValueError, "steps should be a list of tuples"),
        ([("a", Ridge()), ("a", Ridge())], ValueError, "not unique"),
        ([("a__b", Ridge())], ValueError, "without '__'"),
        ([("steps", Ridge())], ValueError, "conflict with constructor"),
        ([("a", Ridge()), ("b", Ridge())], TypeError, "should be transformers"),
        ([("a", 5)], TypeError, "should implement fit"),
    ],
)
def test_steps_that_cannot_be_are_refused(steps, problem, message):
    with pytest.raises(problem, match=message):
        Pipeline(steps).fit([[1.0]], [1.0])


@pytest.mark.reference
def test_a_clusterer_of_theirs_may_be_last(data):
    steps = make_pipeline(PCA(2), cluster.KMeans(3, n_init=1, random_state=0))
    assert steps.kind == "clusterer"
    assert set(steps.fit_predict(data[0])) == {0, 1, 2}
