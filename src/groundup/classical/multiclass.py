"""Many classes by classifiers of two: each class against the rest, or against each other one.

One against the rest fits k classifiers on all rows; one against one fits k (k - 1) / 2 on the rows
of two classes, which is cheaper where a fit costs more than n^2. Sources: Rifkin and Klautau, "In
defense of one-vs-all classification" (2004); Hastie and Tibshirani (1998).
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier, clone
from groundup.classical.scoring import RANKS, response_of
from groundup.classical.validation import check_fit_classes, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]


class OneVsRestClassifier(Classifier):
    """One classifier for each class: it against all others. With two classes there is only one.

    The class whose classifier is surest wins, by `decision_function` or else `predict_proba`.
    Learned: `classes_`, `estimators_`. Left out: several labels a row, parallel jobs.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit a copy of the estimator for each class of y on X (samples x features)."""
        array, self.classes_, numbers = check_fit_classes(self, X, y)
        positives = [1] if len(self.classes_) == 2 else range(len(self.classes_))
        self.estimators_ = [
            clone(self.estimator).fit(array, (numbers == k).astype(np.int64)) for k in positives
        ]
        return self

    def _sureness(self, X: ArrayLike, methods: tuple[str, ...]) -> Floats:
        array = check_predict(self, X)
        columns = [response_of(estimator, array, methods) for estimator in self.estimators_]
        return np.stack([c[:, 1] if c.ndim == 2 else c for c in columns], axis=1)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the surest classifier."""
        sure = self._sureness(X, RANKS)
        if sure.shape[1] == 1:
            middle = 0.0 if hasattr(self.estimators_[0], "decision_function") else 0.5
            chosen = (sure[:, 0] > middle).astype(np.int64)
        else:
            chosen = sure.argmax(axis=1)
        labels: NDArray[Any] = self.classes_[chosen]
        return labels

    @property
    def decision_function(self) -> Any:
        """Rows x classes (of two, one column as a vector); if the estimator has it."""
        return self._if_inner_has("decision_function", self._decision_function)

    def _decision_function(self, X: ArrayLike) -> Floats:
        sure = self._sureness(X, ("decision_function",))
        return sure[:, 0] if sure.shape[1] == 1 else sure

    @property
    def predict_proba(self) -> Any:
        """Rows x classes: each one's probability over their sum; if the estimator has it."""
        return self._if_inner_has("predict_proba", self._predict_proba)

    def _predict_proba(self, X: ArrayLike) -> Floats:
        sure = self._sureness(X, ("predict_proba",))
        if sure.shape[1] == 1:
            return np.hstack([1 - sure, sure])
        total = sure.sum(axis=1, keepdims=True)
        shares: Floats = sure / np.where(total == 0, 1.0, total)
        return shares

    def _if_inner_has(self, name: str, method: Any) -> Any:
        inner = self.estimators_[0] if hasattr(self, "estimators_") else self.estimator
        if not hasattr(inner, name):
            raise AttributeError(f"{type(inner).__name__} has no {name}")
        return method


@replaceable
def votes(answers: NDArray[np.int64], sureness: Floats, n_classes: int) -> Floats:
    r"""Rows x classes: votes of the pairs (0,1), (0,2), ... (1,2), ..., then sums that break ties.

    `answers` (rows x pairs) is 1 where the second of the pair won. A class's sureness s is summed
    over its pairs and squeezed to $s / (3 (|s| + 1))$, in (-1/3, 1/3), so no vote is outweighed.
    """
    count, sums = (np.zeros((len(answers), n_classes)) for _ in range(2))
    pairs = [(i, j) for i in range(n_classes) for j in range(i + 1, n_classes)]
    for column, (i, j) in enumerate(pairs):
        sums[:, i] -= sureness[:, column]
        sums[:, j] += sureness[:, column]
        count[:, i] += answers[:, column] == 0
        count[:, j] += answers[:, column] == 1
    decided: Floats = count + sums / (3 * (np.abs(sums) + 1))
    return decided


class OneVsOneClassifier(Classifier):
    """One classifier for each pair of classes; the class that wins most of them is predicted.

    Learned: `classes_`, `estimators_`, in the order (0,1), (0,2), ..., (1,2), ... Left out:
    pairwise kernels, parallel jobs.
    """

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit a copy of the estimator for each pair on the rows of the two."""
        array, self.classes_, numbers = check_fit_classes(self, X, y)
        k = len(self.classes_)
        self.estimators_ = []
        for i in range(k):
            for j in range(i + 1, k):
                rows = (numbers == i) | (numbers == j)
                target = (numbers[rows] == j).astype(np.int64)
                self.estimators_.append(clone(self.estimator).fit(array[rows], target))
        return self

    def decision_function(self, X: ArrayLike) -> Floats:
        """Votes and sureness of each class, rows x classes; of two classes, of the second one."""
        array = check_predict(self, X)
        answers = np.stack([e.predict(array) for e in self.estimators_], axis=1)
        columns = [response_of(e, array, RANKS) for e in self.estimators_]
        found = votes(answers, np.stack(columns, axis=1), len(self.classes_))
        return found[:, 1] if len(self.classes_) == 2 else found

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class with the most votes."""
        found = self.decision_function(X)
        is_one = found.ndim == 1  # of two classes, a vote or none, and less than 1/3 of sureness
        labels: NDArray[Any] = self.classes_[(found > 0.5) * 1 if is_one else found.argmax(axis=1)]
        return labels
