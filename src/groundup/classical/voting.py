"""Voting: several different models, and what most of them say.

Models that err independently err together more seldom (Condorcet, 1785; Dietterich, "Ensemble
methods in machine learning", 2000). A part is "drop" to be left out; its parameters are set as
`part__parameter`.
"""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.composition import NamedParts
from groundup.classical.estimator import Classifier, Regressor, clone
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
)

Floats = NDArray[np.float64]


class Voting(NamedParts):
    """What both share: fitting all the parts to the same samples."""

    parts_parameter = "estimators"
    estimators: Sequence[tuple[str, Any]]
    weights: Sequence[float] | None
    estimators_: list[Any]
    named_estimators_: dict[str, Any]

    def fit_parts(self, X: Floats, y: NDArray[Any], sample_weight: ArrayLike | None) -> None:
        """Fit a clone of each part to rows X (n x f) and targets y (n,)."""
        self.check_names()
        used = [(name, part) for name, part in self.named_parts() if not _is_dropped(part)]
        if not used:
            raise ValueError(
                "Invalid 'estimators' attribute, 'estimators' should be a non-empty list of "
                "(name, estimator) tuples, at least one of them not 'drop'"
            )
        if self.weights is not None and len(self.weights) != len(self.estimators):
            raise ValueError(
                "Number of `estimators` and weights must be equal; got "
                f"{len(self.weights)} weights, {len(self.estimators)} estimators"
            )
        options = {}
        if sample_weight is not None:
            options["sample_weight"] = check_sample_weight(sample_weight, X)
        self.estimators_ = [clone(part).fit(X, y, **options) for _, part in used]
        names = [name for name, _ in used]
        self.named_estimators_ = dict(zip(names, self.estimators_, strict=True))

    def weights_of_parts(self) -> Floats | None:
        """The weights of the parts that are not dropped."""
        if self.weights is None:
            return None
        parts = zip(self.named_parts(), self.weights, strict=True)
        return np.array([weight for (_, part), weight in parts if not _is_dropped(part)], float)


def _is_dropped(part: Any) -> bool:
    return isinstance(part, str) and part == "drop"


class VotingClassifier(Classifier, Voting):
    """Votes of classifiers, as scikit-learn's.

    `estimators`: a list of (name, classifier); `voting`: "hard", the most weighted votes win, or
    "soft", the largest mean of the probabilities; `weights`: of the parts, None is all alike.

    Learns `estimators_`, `named_estimators_`, `classes_`. `sample_weight` goes to all parts.
    Left out: `n_jobs`, `flatten_transform` (it is).
    """

    def __init__(
        self,
        estimators: Sequence[tuple[str, Any]],
        *,
        voting: str = "hard",
        weights: Sequence[float] | None = None,
    ) -> None:
        self.estimators = estimators
        self.voting = voting
        self.weights = weights

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the parts to rows X (n x f) and their classes y (n,)."""
        if self.voting not in ("hard", "soft"):
            raise ValueError(f"voting is {self.voting!r}; it is hard or soft")
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        self.fit_parts(rows, self.classes_[numbers], sample_weight)
        return self

    def votes(self, X: ArrayLike) -> Floats:
        """The share of the votes (hard), or the mean probability (soft), of each class: n x k."""
        rows = check_predict(self, X)
        if self.voting == "soft":
            each = [part.predict_proba(rows) for part in self.estimators_]
        else:
            chosen = (np.asarray(part.predict(rows)) for part in self.estimators_)
            each = [np.equal(labels[:, None], self.classes_).astype(float) for labels in chosen]
        return np.asarray(np.average(each, axis=0, weights=self.weights_of_parts()))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the most votes, the first of equals."""
        best = self.votes(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[best]
        return chosen

    @property
    def predict_proba(self) -> Any:
        """The mean of the parts' probabilities, n x k; there is none in hard voting."""
        if self.voting == "hard":
            raise AttributeError(f"predict_proba is not available when voting={self.voting!r}")
        return self.votes


class VotingRegressor(Regressor, Voting):
    """The weighted mean of regressors, as scikit-learn's.

    `estimators`: a list of (name, regressor); `weights`: of the parts, None is all alike.
    Learns `estimators_` and `named_estimators_`. `sample_weight` goes to all parts.
    """

    def __init__(
        self, estimators: Sequence[tuple[str, Any]], *, weights: Sequence[float] | None = None
    ) -> None:
        self.estimators = estimators
        self.weights = weights

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit the parts to rows X (n x f) and numbers y (n,)."""
        rows, target = check_fit_target(self, X, y)
        self.fit_parts(rows, target, sample_weight)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The weighted mean of the parts' predictions, (n,)."""
        rows = check_predict(self, X)
        each = [part.predict(rows) for part in self.estimators_]
        return np.asarray(np.average(each, axis=0, weights=self.weights_of_parts()))
