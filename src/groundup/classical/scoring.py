"""What a search maximises: a metric, the estimator's answer that it judges, and a sign.

A score is better when greater, so losses are negated and say so: "neg_mean_squared_error". Names
are scikit-learn's; `make_scorer` makes others. Where there are two classes the second of
`classes_` is the positive one for ranking; for precision and the like it is the label 1.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical import (
    agreement_metrics,
    classification_metrics,
    clustering_metrics,
    probability_metrics,
    ranking_metrics,
    regression_metrics,
    retrieval_metrics,
)

Scoring = Callable[[Any, Any, Any], float]
RANKS = ("decision_function", "predict_proba")


@dataclass(frozen=True, kw_only=True)
class Scorer:
    """Called with (estimator, X, y), it gives a score that is better when greater."""

    metric: Callable[..., Any]
    """A function of the true y and the estimator's answer."""
    sign: int = 1
    """-1 for a loss."""
    response: tuple[str, ...] = ("predict",)
    """The methods to ask, the first that the estimator has."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What the metric is given besides."""
    knows_classes: bool = False
    """Whether the metric takes the classes as `labels`: a fold may lack one."""

    def __call__(self, estimator: Any, X: Any, y: Any) -> float:
        """The metric of what the estimator answers for X."""
        answer = response_of(estimator, X, self.response)
        settings = dict(self.settings)
        if self.knows_classes:
            settings["labels"] = estimator.classes_
        return self.sign * float(self.metric(y, answer, **settings))


def response_of(estimator: Any, X: Any, methods: tuple[str, ...]) -> NDArray[Any]:
    """What the estimator's first such method says; one column of two: that of the second class.

    Raises AttributeError if it has none of them.
    """
    for method in methods:
        if hasattr(estimator, method):
            answer = np.asarray(getattr(estimator, method)(X))
            is_ranked = method == "predict_proba" and methods == RANKS
            return answer[:, 1] if is_ranked and answer.shape[1] == 2 else answer
    raise AttributeError(f"{type(estimator).__name__} has none of these methods: {methods}")


def make_scorer(
    score_func: Callable[..., Any],
    *,
    response_method: str | tuple[str, ...] = "predict",
    greater_is_better: bool = True,
    **settings: Any,
) -> Scorer:
    """A scorer from a metric (y, answer) -> number; a loss is negated."""
    methods = (response_method,) if isinstance(response_method, str) else tuple(response_method)
    sign = 1 if greater_is_better else -1
    return Scorer(metric=score_func, sign=sign, response=methods, settings=settings)


def _log_loss(y: Any, answer: Any, labels: Any) -> float:
    return probability_metrics.log_loss(y, answer, labels=labels)


def _brier(y: Any, answer: Any, labels: Any) -> float:
    if len(labels) == 2:
        return probability_metrics.brier_score_loss(y, answer[:, 1], pos_label=labels[1])
    return probability_metrics.brier_score_loss(y, answer, labels=labels)


LOSSES: dict[str, Callable[..., Any]] = {
    "max_error": regression_metrics.max_error,
    "mean_absolute_error": regression_metrics.mean_absolute_error,
    "mean_absolute_percentage_error": regression_metrics.mean_absolute_percentage_error,
    "mean_poisson_deviance": regression_metrics.mean_poisson_deviance,
    "mean_squared_error": regression_metrics.mean_squared_error,
    "mean_squared_log_error": regression_metrics.mean_squared_log_error,
    "median_absolute_error": regression_metrics.median_absolute_error,
    "root_mean_squared_error": regression_metrics.root_mean_squared_error,
}
"""Losses of predictions: their scores are named neg_..."""
GAINS: dict[str, Callable[..., Any]] = {
    "accuracy": classification_metrics.accuracy_score,
    "adjusted_mutual_info_score": clustering_metrics.adjusted_mutual_info_score,
    "adjusted_rand_score": clustering_metrics.adjusted_rand_score,
    "balanced_accuracy": classification_metrics.balanced_accuracy_score,
    "completeness_score": clustering_metrics.completeness_score,
    "explained_variance": regression_metrics.explained_variance_score,
    "fowlkes_mallows_score": clustering_metrics.fowlkes_mallows_score,
    "homogeneity_score": clustering_metrics.homogeneity_score,
    "matthews_corrcoef": agreement_metrics.matthews_corrcoef,
    "mutual_info_score": clustering_metrics.mutual_info_score,
    "normalized_mutual_info_score": clustering_metrics.normalized_mutual_info_score,
    "r2": regression_metrics.r2_score,
    "rand_score": clustering_metrics.rand_score,
    "v_measure_score": clustering_metrics.v_measure_score,
}
"""Metrics of predictions that are better when greater."""
AVERAGED: dict[str, Callable[..., Any]] = {
    "f1": classification_metrics.f1_score,
    "jaccard": classification_metrics.jaccard_score,
    "precision": classification_metrics.precision_score,
    "recall": classification_metrics.recall_score,
}
"""Metrics of one class, or averaged over classes: f1, f1_macro, f1_micro, f1_weighted."""


def scorers() -> dict[str, Scorer]:
    """Every score by its name."""
    table = {name: Scorer(metric=metric) for name, metric in GAINS.items()}
    table |= {f"neg_{name}": Scorer(metric=metric, sign=-1) for name, metric in LOSSES.items()}
    for name, metric in AVERAGED.items():
        table[name] = Scorer(metric=metric)
        for average in ("macro", "micro", "weighted"):
            table[f"{name}_{average}"] = Scorer(metric=metric, settings={"average": average})
    return table | _scorers_of_probabilities()


def _scorers_of_probabilities() -> dict[str, Scorer]:
    area = ranking_metrics.roc_auc_score
    probable = ("predict_proba",)
    table = {
        "average_precision": Scorer(metric=ranking_metrics.average_precision_score, response=RANKS),
        "d2_log_loss_score": Scorer(
            metric=probability_metrics.d2_log_loss_score, response=probable, knows_classes=True
        ),
        "neg_brier_score": Scorer(metric=_brier, sign=-1, response=probable, knows_classes=True),
        "neg_log_loss": Scorer(metric=_log_loss, sign=-1, response=probable, knows_classes=True),
        "roc_auc": Scorer(metric=area, response=RANKS),
        "top_k_accuracy": Scorer(
            metric=retrieval_metrics.top_k_accuracy_score, response=RANKS, knows_classes=True
        ),
    }
    for kind in ("ovr", "ovo"):
        for average, ending in (("macro", ""), ("weighted", "_weighted")):
            table[f"roc_auc_{kind}{ending}"] = Scorer(
                metric=area,
                response=probable,
                settings={"multi_class": kind, "average": average},
            )
    return table


def get_scorer_names() -> list[str]:
    """The names that `scoring` may be."""
    return sorted(scorers())


def get_scorer(scoring: str | Scoring) -> Scoring:
    """The score of that name, or the function itself. Raises ValueError for an unknown name."""
    if callable(scoring):
        return scoring
    known = scorers()
    if scoring not in known:
        raise ValueError(
            f"{scoring!r} is not a valid scoring value. Valid options are {sorted(known)}"
        )
    return known[scoring]


def _own_score(estimator: Any, X: Any, y: Any) -> float:
    return float(estimator.score(X) if y is None else estimator.score(X, y))


def scorers_of(estimator: Any, scoring: Any) -> dict[str, Scoring]:
    """The scores asked for, by name; one alone, or the estimator's own `score`, is named "score".

    `scoring`: None, a name, a function (estimator, X, y) -> number, a list of names, or a
    dictionary of names and functions. Raises TypeError for an estimator that cannot score itself.
    """
    if isinstance(scoring, dict):
        return {name: get_scorer(one) for name, one in scoring.items()}
    if isinstance(scoring, list | tuple | set):
        if not scoring or len(set(scoring)) < len(scoring):
            raise ValueError(f"scoring should list different names, got {scoring!r}")
        return {name: get_scorer(name) for name in scoring}
    if scoring is not None:
        return {"score": get_scorer(scoring)}
    if not hasattr(estimator, "score"):
        raise TypeError(
            "If no scoring is specified, the estimator passed should have a 'score' method. The "
            f"estimator {estimator!r} does not."
        )
    return {"score": _own_score}
