r"""Where a model's error comes from: what none can know, what it always misses, what chance adds.

A model is fitted on many training sets that might have come. At one point x with true value y:

- noise: how far y itself scatters around its best prediction;
- bias: how far the models' typical prediction lies from that best one;
- variance: how far single models scatter around their typical prediction.

For squared loss $E (y - \hat y)^2 = \sigma^2 + (E \hat y - f(x))^2 + Var(\hat y)$ (Geman,
Bienenstock and Doursat, "Neural networks and the bias/variance dilemma", 1992). For 0-1 loss there
are several: Domingos ("A unified bias-variance decomposition", 2000), where variance helps if the
typical prediction is wrong, and Kohavi and Wolpert ("Bias plus variance decomposition for zero-one
loss functions", 1996). All hold exactly for the predictions at hand, and the tests say so.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import clone
from groundup.classical.validation import random_generator
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Decomposition:
    """The parts of the expected loss at each point, (n,)."""

    bias: Floats
    """Squared loss: its square. 0-1 loss: whether the typical prediction is wrong."""
    variance: Floats
    """How much single models scatter, as a loss."""
    noise: Floats
    """The loss of the best prediction there is."""
    error: Floats
    """The expected loss of a single model."""

    def means(self) -> dict[str, float]:
        """Each part averaged over the points."""
        return {name: float(part.mean()) for name, part in vars(self).items()}


@replaceable
def squared_decomposition(
    predictions: ArrayLike, truth: ArrayLike, noise_variance: ArrayLike = 0.0
) -> Decomposition:
    r"""Of predictions (models x points) of the means `truth` (points,), with y = truth + noise.

    $error = \sigma^2 + (\bar y - f)^2 + \frac{1}{R} \sum_r (\hat y_r - \bar y)^2$ over R models,
    which is $\sigma^2 + \frac{1}{R} \sum_r (\hat y_r - f)^2$ exactly.
    """
    answers, target = _predictions(predictions), np.asarray(truth, np.float64)
    noise = np.broadcast_to(np.asarray(noise_variance, np.float64), answers.shape[1:])
    if target.shape != answers.shape[1:] or (noise < 0).any():
        raise ValueError(
            f"{answers.shape[1]} points are predicted; wanted as many true values, got an array of "
            f"shape {target.shape}, and noise variances of 0 or more"
        )
    typical = answers.mean(axis=0)
    bias = (typical - target) ** 2
    variance = ((answers - typical) ** 2).mean(axis=0)
    return Decomposition(
        bias=bias, variance=variance, noise=noise.copy(), error=noise + bias + variance
    )


@dataclass(frozen=True, kw_only=True)
class ZeroOneDecomposition(Decomposition):
    """Domingos's parts: error = noise_factor noise + bias + variance_factor variance."""

    noise_factor: Floats
    """How much of the noise harms: where a model is wrong anyway, it may make it right."""
    variance_factor: Floats
    """1 where the typical prediction is right, else minus the share of deviations that are."""


@replaceable
def zero_one_decomposition(
    predictions: ArrayLike, probabilities: ArrayLike
) -> ZeroOneDecomposition:
    r"""Domingos (2000) of predicted classes (models x points) and true p(class) (points x classes).

    With $y^*$ the likeliest class and $\bar y$ the commonest prediction: bias
    $B = [\bar y \ne y^*]$, variance $V = P(\hat y \ne \bar y)$, noise $N = P(y \ne y^*)$, and
    $E = c_1 N + B + c_2 V$ with $c_1 = P(\hat y = y^*) - P(\hat y \ne y^*) P(y = \hat y \mid \hat y
    \ne y^*, y \ne y^*)$ and $c_2 = 1$ if B = 0, else $-P(\hat y = y^* \mid \hat y \ne \bar y)$. Of
    equally common classes the first is taken.
    """
    p, q = _class_shares(predictions, probabilities)
    points = np.arange(len(p))
    best, typical = p.argmax(axis=1), q.argmax(axis=1)
    right = q[points, best]
    noise, variance = 1 - p[points, best], 1 - q[points, typical]
    error = 1 - (p * q).sum(axis=1)
    lucky = (p * q).sum(axis=1) - p[points, best] * right  # wrong like y, where y is not the best
    is_wrong = best != typical
    with np.errstate(divide="ignore", invalid="ignore"):
        noise_factor = right - np.where(noise > 0, lucky / noise, 0.0)
        helpful = np.where(variance > 0, -right / variance, 0.0)
    return ZeroOneDecomposition(
        bias=is_wrong.astype(np.float64),
        variance=variance,
        noise=noise,
        error=error,
        noise_factor=noise_factor,
        variance_factor=np.where(is_wrong, helpful, 1.0),
    )


@replaceable
def kohavi_wolpert_decomposition(predictions: ArrayLike, probabilities: ArrayLike) -> Decomposition:
    r"""Kohavi and Wolpert (1996) of predicted classes and true p(class), none of it negative.

    bias $\frac12 \sum_c (p_c - q_c)^2$, variance $\frac12 (1 - \sum_c q_c^2)$, noise
    $\frac12 (1 - \sum_c p_c^2)$, where $q_c$ is the share of models that predict c. Their sum is
    the error, $1 - \sum_c p_c q_c$.
    """
    p, q = _class_shares(predictions, probabilities)
    return Decomposition(
        bias=((p - q) ** 2).sum(axis=1) / 2,
        variance=(1 - (q**2).sum(axis=1)) / 2,
        noise=(1 - (p**2).sum(axis=1)) / 2,
        error=1 - (p * q).sum(axis=1),
    )


def _predictions(predictions: ArrayLike) -> Floats:
    answers = np.asarray(predictions, np.float64)
    if answers.ndim != 2 or 0 in answers.shape or not np.isfinite(answers).all():
        raise ValueError(
            f"predictions should be finite numbers, models x points, got shape {answers.shape}"
        )
    return answers


def _class_shares(predictions: ArrayLike, probabilities: ArrayLike) -> tuple[Floats, Floats]:
    answers, p = _predictions(predictions), np.asarray(probabilities, np.float64)
    if p.ndim != 2 or len(p) != answers.shape[1]:
        raise ValueError(
            f"probabilities should be points x classes for {answers.shape[1]} points, got shape "
            f"{p.shape}"
        )
    if (p < 0).any() or not np.allclose(p.sum(axis=1), 1):
        raise ValueError("the probabilities of each point must be 0 or more and sum to 1")
    classes = np.arange(p.shape[1])
    if not np.isin(answers, classes).all():
        raise ValueError(f"predictions must be class numbers 0 to {len(classes) - 1}")
    return p, (answers[:, :, None] == classes).mean(axis=0)


def repeated_predictions(
    estimator: Any, draw: Draw, X: Any, *, repeats: int = 100, random_state: Any = None
) -> NDArray[Any]:
    """Predictions at X (repeats x points) of copies fitted on fresh training sets `draw(rng)`.

    `draw` gives (X, y) from the distribution itself, so the parts are those of theory.
    """
    rng = random_generator(random_state)
    return np.array([clone(estimator).fit(*draw(rng)).predict(X) for _ in range(repeats)])


def bootstrap_predictions(
    estimator: Any,
    X: NDArray[Any],
    y: NDArray[Any],
    X_test: Any,
    *,
    repeats: int = 100,
    random_state: Any = None,
) -> NDArray[Any]:
    """As `repeated_predictions` from a single training set, which is drawn from with replacement.

    The variance is then that of bootstrap samples, which hold 63 % of the rows, and stands for the
    true one; the bias is measured against test values and so contains their noise.
    """
    rows, target = np.asarray(X), np.asarray(y)

    def draw(rng: np.random.Generator) -> tuple[Any, Any]:
        chosen = rng.integers(len(rows), size=len(rows))
        return rows[chosen], target[chosen]

    return repeated_predictions(estimator, draw, X_test, repeats=repeats, random_state=random_state)
