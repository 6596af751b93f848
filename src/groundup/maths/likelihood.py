r"""Maximum likelihood for any model, and what follows from it: how sure the estimate is.

With $\ell(\theta) = \sum_i \log p(x_i; \theta)$ the estimate maximises $\ell$; its covariance is
about the inverse of the observed information $-\ell''(\hat\theta)$; twice a difference of maxima is
about chi-square. Sources: Casella and Berger, "Statistical inference" (2002), chapters 7 and 10;
Nocedal and Wright, "Numerical optimization" (2006), section 3.4. Left out: constraints (choose a
free parameter, such as a logarithm) and global search.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.error_function import normal_quantile
from groundup.maths.incomplete_gamma import gamma_upper
from groundup.maths.numeric_input import Floats, proportion, sample, whole
from groundup.swap import replaceable

LogLikelihood = Callable[[Floats], float]


@dataclass(frozen=True)
class Estimate:
    """Where the likelihood is greatest, and how sharply."""

    parameters: Floats
    """The estimate, shape (k,)."""
    log_likelihood: float
    """Its value there."""
    covariance: Floats
    """The inverse of the observed information, shape (k, k)."""
    converged: bool
    """Whether Newton's method arrived."""

    @property
    def standard_errors(self) -> Floats:
        """Roots of the covariance's diagonal, shape (k,)."""
        return np.sqrt(np.diag(self.covariance))

    def interval(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Wald's interval for each parameter: estimate -/+ z standard errors."""
        z = float(normal_quantile((1 + proportion(confidence, "confidence")) / 2))
        return (
            self.parameters - z * self.standard_errors,
            self.parameters + z * self.standard_errors,
        )


@replaceable
def score(log_likelihood: LogLikelihood, parameters: ArrayLike) -> Floats:
    """The gradient of the log-likelihood by central differences, shape (k,).

    Step (eps)^(1/3) max(1, |theta|): truncation h^2 and rounding eps / h are then about equal.
    """
    theta = sample(parameters, "parameters")
    steps = np.cbrt(np.finfo(float).eps) * np.maximum(1, np.abs(theta))
    moves = np.diag(steps)
    return np.array(
        [
            (log_likelihood(theta + move) - log_likelihood(theta - move)) / (2 * step)
            for move, step in zip(moves, steps, strict=True)
        ]
    )


@replaceable
def observed_information(log_likelihood: LogLikelihood, parameters: ArrayLike) -> Floats:
    """Minus the Hessian of the log-likelihood by central differences, shape (k, k).

    Step (eps)^(1/4) max(1, |theta|). Relative error about 1e-7 for a smooth function.
    """
    theta = sample(parameters, "parameters")
    moves = np.diag(np.finfo(float).eps ** 0.25 * np.maximum(1, np.abs(theta)))
    size, middle = theta.size, log_likelihood(theta)
    hessian = np.empty((size, size))
    for i in range(size):
        up, down = log_likelihood(theta + moves[i]), log_likelihood(theta - moves[i])
        hessian[i, i] = (up - 2 * middle + down) / moves[i, i] ** 2
        for j in range(i):
            corners = sum(
                sign * log_likelihood(theta + first * moves[i] + second * moves[j])
                for first, second, sign in ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
            )
            hessian[i, j] = hessian[j, i] = corners / (4 * moves[i, i] * moves[j, j])
    return -hessian


@replaceable
def maximise_likelihood(
    log_likelihood: LogLikelihood, start: ArrayLike, *, steps: int = 100
) -> Estimate:
    """The nearest maximum by damped Newton steps from `start`, shape (k,).

    Where the information matrix is not positive definite, a multiple of the unit matrix is added
    until it is; a step is halved until the likelihood grows. The function may return minus infinity
    outside its domain. Warns (ConvergenceWarning) if it does not arrive; raises ValueError for a
    start where the likelihood is not finite.
    """
    theta = sample(start, "start")
    value = log_likelihood(theta)
    if not math.isfinite(value):
        raise ValueError(f"the log-likelihood is {value} at the start; start where it is finite")
    converged = False
    for _ in range(steps):
        gradient = score(log_likelihood, theta)
        information = observed_information(log_likelihood, theta)
        step = _uphill(information, gradient)
        # what the step promises, against the rounding of the likelihood itself
        if gradient @ step <= 1e-13 * (1 + abs(value)):
            converged = True
            break
        length = 1.0
        while not (new := log_likelihood(theta + length * step)) > value and length > 1e-10:
            length /= 2
        if length <= 1e-10:
            converged = bool(gradient @ step <= 1e-9 * (1 + abs(value)))
            break
        theta, value = theta + length * step, new
    if not converged:
        text = "the likelihood's maximum was not reached; try another start or other parameters"
        warnings.warn(text, ConvergenceWarning, stacklevel=2)
    information = observed_information(log_likelihood, theta)
    return Estimate(theta, float(value), np.linalg.pinv(information), converged)


def _uphill(information: Floats, gradient: Floats) -> Floats:
    """Newton's step, with the eigenvalues of the information made positive."""
    if not np.isfinite(information).all():
        result: Floats = gradient / (1 + np.abs(gradient).max())
        return result
    values, vectors = np.linalg.eigh(information)
    floor = 1e-8 * max(np.abs(values).max(), 1e-300)
    step: Floats = vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(values), floor))
    return step


@replaceable
def fisher_information(
    log_density: Callable[[Floats, Floats], Floats],
    parameters: ArrayLike,
    points: ArrayLike,
    weights: ArrayLike,
) -> Floats:
    r"""$I(\theta) = E\,[\nabla\log p\;\nabla\log p^\top]$ of one observation, shape (k, k).

    The expectation is a weighted sum over points: the support and its probabilities, the nodes and
    weights of a quadrature, or draws with weights 1/n. `log_density(points, theta)` has shape (n,).
    """
    theta = sample(parameters, "parameters")
    x, weight = np.asarray(points, dtype=float), np.asarray(weights, dtype=float)
    steps = np.cbrt(np.finfo(float).eps) * np.maximum(1, np.abs(theta))
    scores = np.stack(
        [
            (log_density(x, theta + move) - log_density(x, theta - move)) / (2 * step)
            for move, step in zip(np.diag(steps), steps, strict=True)
        ]
    )
    information: Floats = (scores * weight) @ scores.T
    return information


@replaceable
def delta_method(
    function: Callable[[Floats], ArrayLike], estimate: ArrayLike, covariance: ArrayLike
) -> tuple[Floats, Floats]:
    r"""(f(theta), its covariance $J\Sigma J^\top$), J the Jacobian of f by central differences.

    f maps shape (k,) to shape (m,); holds to first order. Casella and Berger, section 5.5.4.
    """
    theta = sample(estimate, "estimate")
    sigma = np.asarray(covariance, dtype=float)
    if sigma.shape != (theta.size, theta.size):
        raise ValueError(f"covariance has shape {sigma.shape}; wanted {(theta.size, theta.size)}")
    steps = np.cbrt(np.finfo(float).eps) * np.maximum(1, np.abs(theta))
    columns = [
        (np.atleast_1d(function(theta + move)) - np.atleast_1d(function(theta - move))) / (2 * step)
        for move, step in zip(np.diag(steps), steps, strict=True)
    ]
    jacobian = np.stack(columns, axis=1)
    return np.atleast_1d(np.asarray(function(theta), dtype=float)), jacobian @ sigma @ jacobian.T


@replaceable
def likelihood_ratio(log_likelihood: float, restricted: float, freedom: int) -> tuple[float, float]:
    r"""(statistic, p-value) of Wilks's test: $2(\ell - \ell_0)$ is about $\chi^2$ if $\ell_0$
    holds.

    `freedom` is the number of parameters the restriction fixes. Raises ValueError where the
    restricted model is the better one, which a maximum cannot be.
    """
    freedom = whole(freedom, "freedom", low=1)
    statistic = 2 * (log_likelihood - restricted)
    if not statistic > -1e-6 * (1 + abs(log_likelihood)):
        raise ValueError(
            f"the restricted log-likelihood {restricted} exceeds the full one {log_likelihood}; "
            "fit the full model again, from the restricted one's estimate"
        )
    statistic = max(float(statistic), 0.0)
    return statistic, float(gamma_upper(freedom / 2, statistic / 2))


def aic(log_likelihood: float, parameters: int) -> float:
    """Akaike's criterion 2k - 2l; the smaller, the better (Akaike, 1974)."""
    return 2.0 * parameters - 2.0 * log_likelihood


def bic(log_likelihood: float, parameters: int, observations: int) -> float:
    """Schwarz's criterion k log n - 2l; the smaller, the better (Schwarz, 1978)."""
    return parameters * math.log(observations) - 2.0 * log_likelihood
