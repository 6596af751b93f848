"""Scores by name against scikit-learn's, of their estimators and ours."""

import numpy as np
import pytest
from sklearn import cluster, linear_model, metrics

from groundup.classical.logistic import LogisticRegression
from groundup.classical.ridge import Ridge
from groundup.classical.scoring import get_scorer, get_scorer_names, make_scorer, scorers_of

pytestmark = pytest.mark.slow  # seconds in all, for `make test`


def rows(classes, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    score = X @ [1, -2, 0.5] + rng.normal(size=60)
    if classes == 0:
        return X, np.abs(score)
    return X, np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))


def is_like(name, *words):
    return any(word in name for word in words)


NAMES = get_scorer_names()
OF_NUMBERS = ("error", "r2", "explained", "deviance", "max_error")
OF_CLUSTERS = ("rand", "info", "homogen", "complet", "measure", "fowlkes")


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_every_score_is_scikit_learns(name):
    theirs = metrics.get_scorer(name)
    if is_like(name, *OF_NUMBERS):
        X, y = rows(0)
        model = linear_model.PoissonRegressor().fit(X, y)
        cases = [(model, X, y)]
    elif is_like(name, *OF_CLUSTERS):
        X, y = rows(3)
        cases = [(cluster.KMeans(3, n_init=1, random_state=0).fit(X), X, y)]
    else:
        many = is_like(name, "ovr", "ovo", "top_k")
        binary = name in ("roc_auc", "average_precision", "f1", "precision", "recall", "jaccard")
        kinds = [3] if many else [2] if binary else [2, 3]
        cases = [(linear_model.LogisticRegression().fit(*rows(k)), *rows(k)) for k in kinds]
    for model, X, y in cases:
        # sums of 60 terms, and logarithms of probabilities far from 0
        assert get_scorer(name)(model, X, y) == pytest.approx(theirs(model, X, y), rel=1e-10)


def test_text_classes_have_a_positive_one():
    X, y = rows(2)
    model = LogisticRegression().fit(X, y)
    named = LogisticRegression().fit(X, np.array(["no", "yes"])[y])
    for name in ("roc_auc", "neg_log_loss", "neg_brier_score"):
        wanted = get_scorer(name)(model, X, y)
        assert get_scorer(name)(named, X, np.array(["no", "yes"])[y]) == pytest.approx(wanted)


@pytest.mark.reference
def test_made_scores_may_be_losses_and_ask_other_methods():
    X, y = rows(2)
    model = LogisticRegression().fit(X, y)
    ours = make_scorer(metrics.log_loss, response_method="predict_proba", greater_is_better=False)
    theirs = metrics.make_scorer(
        metrics.log_loss, response_method="predict_proba", greater_is_better=False
    )
    assert ours(model, X, y) == pytest.approx(theirs(model, X, y))
    assert make_scorer(metrics.fbeta_score, beta=2)(model, X, y) == pytest.approx(
        metrics.fbeta_score(y, model.predict(X), beta=2)
    )


def test_scores_are_named():
    model = Ridge()
    assert list(scorers_of(model, None)) == ["score"]
    assert list(scorers_of(model, "r2")) == ["score"]
    assert list(scorers_of(model, ["r2", "max_error".replace("max", "neg_max")])) == [
        "r2",
        "neg_max_error",
    ]
    assert list(scorers_of(model, {"mine": lambda e, X, y: 1.0})) == ["mine"]


def test_what_is_no_score_is_refused():
    with pytest.raises(ValueError, match="'nice' is not a valid scoring value"):
        get_scorer("nice")
    with pytest.raises(ValueError, match="should list different names"):
        scorers_of(Ridge(), ["r2", "r2"])
    with pytest.raises(TypeError, match="should have a 'score' method"):
        scorers_of(object(), None)
    X, y = rows(2)
    with pytest.raises(AttributeError, match="has none of these methods"):
        get_scorer("neg_log_loss")(Ridge().fit(X, y), X, y)
