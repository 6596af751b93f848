r"""Calibration: scores turned into probabilities that mean what they say.

A map from score to probability is fitted on rows that the classifier has not learnt from:

- *sigmoid*: $p = \sigma(a s + b)$, with targets drawn in a little (Platt, "Probabilistic outputs
  for support vector machines", 1999);
- *isotonic*: any rising steps; wants more rows (Zadrozny and Elkan, "Transforming classifier scores
  into accurate multiclass probability estimates", 2002);
- *temperature*: $\mathrm{softmax}(z / T)$, one number for all classes, which never changes the
  order (Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", 2017).

The first two look at each class against the rest, and the results are scaled to sum to 1.
"""

import inspect
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.cross_validation import check_cv
from groundup.classical.estimator import Classifier, clone
from groundup.classical.isotonic import IsotonicRegression
from groundup.classical.linear_svm import LinearSVC
from groundup.classical.logistic_loss import LogisticObjective, multinomial_loss, sigmoid
from groundup.classical.validation import check_fit_classes, check_predict, check_sample_weight
from groundup.maths.line_descent import minimise_along
from groundup.maths.newton import NewtonDirection
from groundup.maths.quasi_newton import LimitedMemory
from groundup.swap import replaceable

Floats = NDArray[np.float64]
METHODS = ("sigmoid", "isotonic", "temperature")


@replaceable
def platt_scaling(scores: Floats, positive: Floats, sample_weight: Floats) -> tuple[float, float]:
    r"""The a and b that make $\sigma(a s_i + b)$ likeliest; all arguments (n,), `positive` 0 or 1.

    The targets are $(n_+ + 1) / (n_+ + 2)$ and $1 / (n_- + 2)$ in place of 1 and 0, by weights:
    what Laplace's rule would say of the classes; so a stays finite for classes that are separate.
    """
    size = max(float(np.abs(scores).max()), np.finfo(np.float64).tiny)
    above = float(sample_weight @ positive)
    below = float(sample_weight.sum()) - above
    targets = np.where(positive > 0, (above + 1) / (above + 2), 1 / (below + 2))
    weights = sample_weight / sample_weight.sum()
    objective = LogisticObjective((scores / size)[:, None], targets[None], weights, 0.0, True)
    found = minimise_along(
        objective.value,
        objective.gradient,
        np.array([0.0, np.log((above + 1) / (below + 1))]),
        NewtonDirection(objective.hessian),
        c2=0.9,
        tolerance=1e-12,
        steps=100,
    )
    return float(found.x[0]) / size, float(found.x[1])


@replaceable
def temperature_scaling(logits: Floats, numbers: NDArray[np.int64], sample_weight: Floats) -> float:
    r"""The T > 0 that makes $\mathrm{softmax}(z_i / T)$ likeliest.

    `logits`: z (n x k); `numbers`: the class of each row (n,). The loss is convex in 1 / T, so the
    search, over its logarithm in [-10, 10], has one end.
    """
    targets = (np.arange(logits.shape[1])[:, None] == numbers).astype(np.float64)
    weights = sample_weight / sample_weight.sum()

    def value(x: Floats) -> float:
        losses, _ = multinomial_loss(np.exp(_held(x)) * logits.T, targets)
        return float(weights @ losses) + float(((x - _held(x)) ** 2).sum())

    def gradient(x: Floats) -> Floats:
        scaled = np.exp(_held(x)) * logits.T
        _, slopes = multinomial_loss(scaled, targets)
        inside = float(np.einsum("kn,kn,n->", slopes, scaled, weights)) * (x == _held(x))
        result: Floats = inside + 2 * (x - _held(x))
        return result

    found = minimise_along(
        value, gradient, np.zeros(1), LimitedMemory(5), c2=0.9, tolerance=1e-10, steps=200
    )
    return float(np.exp(-_held(found.x)[0]))


def _held(x: Floats) -> Floats:
    return np.clip(x, -10.0, 10.0)


@dataclass(frozen=True)
class SigmoidCalibrator:
    """Platt's map, with the numbers that `platt_scaling` found."""

    slope: float
    intercept: float

    def predict(self, scores: Floats) -> Floats:
        """The probability of each score."""
        return sigmoid(self.slope * scores + self.intercept)


@dataclass(frozen=True)
class TemperatureCalibrator:
    """Guo's map, with the number that `temperature_scaling` found."""

    temperature: float

    def predict(self, logits: Floats) -> Floats:
        """Probabilities, n x k, of logits n x k."""
        return np.exp(_log_softmax(logits / self.temperature))


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


@dataclass(frozen=True)
class CalibratedClassifier:
    """A fitted classifier and its calibrators: one a class, one for two classes or temperature."""

    estimator: Any
    calibrators: list[Any]

    def predict_proba(self, X: Any) -> Floats:
        """Calibrated probabilities, n x k."""
        scores = scores_of(self.estimator, X)
        if isinstance(self.calibrators[0], TemperatureCalibrator):
            return self.calibrators[0].predict(as_logits(self.estimator, scores))
        columns = [
            calibrator.predict(column)
            for calibrator, column in zip(self.calibrators, scores.T, strict=True)
        ]
        if len(columns) == 1:
            return np.column_stack([1 - columns[0], columns[0]])
        table = np.column_stack(columns)
        totals = table.sum(axis=1, keepdims=True)
        return np.where(totals > 0, table / np.where(totals > 0, totals, 1.0), 1 / len(columns))


def scores_of(estimator: Any, X: Any) -> Floats:
    """Decisions, or else probabilities, n x k; of two classes those of the second, n x 1."""
    if hasattr(estimator, "decision_function"):
        scores = np.asarray(estimator.decision_function(X), np.float64)
        return scores[:, None] if scores.ndim == 1 else scores
    table = np.asarray(estimator.predict_proba(X), np.float64)
    return table[:, 1:] if table.shape[1] == 2 else table


def as_logits(estimator: Any, scores: Floats) -> Floats:
    """Scores as logits, n x k: (-s, s) of two classes; probabilities by their logarithms."""
    if hasattr(estimator, "decision_function"):
        return np.column_stack([-scores, scores]) if scores.shape[1] == 1 else scores
    table = np.column_stack([1 - scores, scores]) if scores.shape[1] == 1 else scores
    return np.log(table + 1e-12)


def calibrators_of(
    method: str, estimator: Any, scores: Floats, numbers: NDArray[np.int64], weights: Floats
) -> list[Any]:
    """Fit the maps of that method on the scores (n x k) of rows of known classes (n,)."""
    if method == "temperature":
        logits = as_logits(estimator, scores)
        return [TemperatureCalibrator(temperature_scaling(logits, numbers, weights))]
    fitted: list[Any] = []
    for k, column in enumerate(scores.T):
        positive = (numbers == (k if scores.shape[1] > 1 else 1)).astype(np.float64)
        if method == "sigmoid":
            fitted.append(SigmoidCalibrator(*platt_scaling(column, positive, weights)))
        else:
            steps = IsotonicRegression(out_of_bounds="clip")
            fitted.append(steps.fit(column, positive, weights))
    return fitted


class CalibratedClassifierCV(Classifier):
    """Calibrates a classifier by cross-validation, as scikit-learn's.

    `estimator`: a classifier with `decision_function` or `predict_proba`, None for a `LinearSVC`;
    `method`: "sigmoid", "isotonic" or "temperature"; `cv`: folds, a splitter, or None for 5
    stratified ones; `ensemble`: True (or "auto"): each fold's classifier with the maps fitted on
    its held-out rows, whose probabilities are averaged; False: one classifier of all rows, with
    maps fitted on the held-out scores of all folds together.

    Learns `calibrated_classifiers_`. Raises ValueError for a class of fewer rows than folds.
    Left out: `n_jobs`, frozen estimators.
    """

    calibrated_classifiers_: list[CalibratedClassifier]

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "sigmoid",
        cv: Any = None,
        ensemble: bool | str = "auto",
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.cv = cv
        self.ensemble = ensemble

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit and calibrate on X (n x f) and the classes y (n,)."""
        if self.method not in METHODS:
            raise ValueError(f"method is {self.method!r}; known are: {', '.join(METHODS)}")
        if self.ensemble not in (True, False, "auto"):
            raise ValueError(f"ensemble is {self.ensemble!r}; known are: True, False, 'auto'")
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        folds = 5 if self.cv is None else self.cv
        if isinstance(folds, int) and np.bincount(numbers).min() < folds:
            raise ValueError(
                f"Requesting {folds}-fold cross-validation but provided less than {folds} "
                "examples for at least one class; give more rows, or a smaller cv"
            )
        labels = self.classes_[numbers]
        splits = list(check_cv(folds, labels, classifier=True).split(rows, labels))
        given = None if sample_weight is None else weights
        fitted = [(self._fitted(rows, labels, given, train), test) for train, test in splits]
        if self.ensemble:
            self.calibrated_classifiers_ = [
                self._calibrated(one, scores_of(one, rows[test]), numbers[test], weights[test])
                for one, test in fitted
            ]
        else:
            held_out = np.concatenate([scores_of(one, rows[test]) for one, test in fitted])
            order = np.concatenate([test for _, test in fitted])
            whole = self._fitted(rows, labels, given, np.arange(len(rows)))
            self.calibrated_classifiers_ = [
                self._calibrated(whole, held_out, numbers[order], weights[order])
            ]
        return self

    def _calibrated(
        self, estimator: Any, scores: Floats, numbers: NDArray[np.int64], weights: Floats
    ) -> CalibratedClassifier:
        maps = calibrators_of(self.method, estimator, scores, numbers, weights)
        return CalibratedClassifier(estimator, maps)

    def _fitted(
        self,
        X: Floats,
        labels: NDArray[Any],
        weights: Floats | None,
        train: NDArray[np.int64],
    ) -> Any:
        inner = LinearSVC(random_state=0) if self.estimator is None else clone(self.estimator)
        if weights is not None and "sample_weight" in inspect.signature(inner.fit).parameters:
            inner.fit(X[train], labels[train], sample_weight=weights[train])
        else:
            inner.fit(X[train], labels[train])
        if not np.array_equal(inner.classes_, self.classes_):
            raise ValueError("a fold's training rows lack a class; give a stratified cv")
        return inner

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Calibrated probabilities, n x k: the mean of the ensemble's."""
        rows: Floats = check_predict(self, X)
        tables = [member.predict_proba(rows) for member in self.calibrated_classifiers_]
        return np.asarray(np.mean(tables, axis=0), np.float64)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the highest calibrated probability."""
        best = self.predict_proba(X).argmax(axis=1)
        labels: NDArray[Any] = self.classes_[best]
        return labels
