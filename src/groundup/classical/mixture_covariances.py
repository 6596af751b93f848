r"""The four shapes of the covariances in a Gaussian mixture, from the freest to the stiffest.

| kind | components may be | array of covariances |
|---|---|---|
| full | ellipses of any shape and direction | k x f x f |
| tied | all the same ellipse | f x f |
| diag | ellipses along the axes | k x f |
| spherical | circles | k |

Precisions (inverses) are held as factors: $\Sigma^{-1} = U U^T$ with U upper triangular, so that
$(x - \mu)^T \Sigma^{-1} (x - \mu) = \|(x - \mu)^T U\|^2$, which is never negative. For diag and
spherical the factor is 1 / standard deviation.
"""

from math import log, pi

import numpy as np
from numpy.typing import NDArray

from groundup.classical.distances import blocks
from groundup.swap import replaceable

Floats = NDArray[np.float64]
KINDS = ("full", "tied", "diag", "spherical")
"""What a covariance may be."""


@replaceable
def estimated_covariances(
    X: Floats, responsibilities: Floats, means: Floats, reg_covar: float, kind: str
) -> Floats:
    r"""The covariances of the rows of X (n x f) about the means (k x f), weighted.

    $\Sigma_j = \sum_i r_{ij} (x_i - \mu_j)(x_i - \mu_j)^T / \sum_i r_{ij}$, of which diag keeps the
    diagonal and spherical the diagonal's mean; tied is their mean, weighted by $\sum_i r_{ij}$.
    `reg_covar` is added to the variances. `responsibilities`: n x k.
    """
    totals = component_totals(responsibilities)
    f = X.shape[1]
    if kind in ("full", "tied"):
        scatter = np.empty((len(means), f, f))
        for j, mean in enumerate(means):
            difference = X - mean
            scatter[j] = (difference.T * responsibilities[:, j]) @ difference
        if kind == "tied":
            scatter, totals = scatter.sum(axis=0), totals.sum()
        covariances: Floats = scatter / totals[..., None, None] + reg_covar * np.eye(f)
        return covariances
    squares = np.array(
        [r @ (X - mean) ** 2 for r, mean in zip(responsibilities.T, means, strict=True)]
    )
    variances: Floats = squares / totals[:, None] + reg_covar
    return variances if kind == "diag" else variances.mean(axis=1)


def component_totals(responsibilities: Floats) -> Floats:
    r"""$N_j = \sum_i r_{ij}$, (k,), never zero: a component without rows must not divide by it."""
    totals: Floats = responsibilities.sum(axis=0)
    return np.maximum(totals, 10 * np.finfo(np.float64).eps)


def precision_factors(covariances: Floats, kind: str) -> Floats:
    r"""U with $\Sigma^{-1} = U U^T$, in the shape of the covariances.

    With Cholesky's $\Sigma = L L^T$ it is $L^{-T}$. Raises ValueError for a covariance that is not
    positive definite.
    """
    if kind in ("full", "tied"):
        try:
            lower = np.linalg.cholesky(covariances)
        except np.linalg.LinAlgError:
            raise ValueError(_ILL_DEFINED) from None
        identity = np.broadcast_to(np.eye(lower.shape[-1]), lower.shape)
        factors: Floats = np.swapaxes(np.linalg.solve(lower, identity), -1, -2)
        return factors
    if not (covariances > 0).all():
        raise ValueError(_ILL_DEFINED)
    return 1.0 / np.sqrt(covariances)


_ILL_DEFINED = (
    "Fitting the mixture failed because a component has an ill-defined covariance: it collapsed "
    "onto few rows or onto a flat set. Try fewer components, a larger reg_covar, or scaled features"
)


def precisions(factors: Floats, kind: str) -> Floats:
    """The inverses of the covariances, from their factors."""
    if kind in ("full", "tied"):
        return factors @ np.swapaxes(factors, -1, -2)
    return factors**2


@replaceable
def log_densities(X: Floats, means: Floats, factors: Floats, kind: str) -> Floats:
    r"""$\ln N(x_i \mid \mu_j, \Sigma_j)$, n x k.

    $-\frac12 (f \ln 2\pi + \|(x - \mu)^T U\|^2) + \ln \det U$, and the determinant of a triangular
    matrix is the product of its diagonal.
    """
    n, f = X.shape
    result = np.empty((n, len(means)))
    for rows in blocks(n, 4 * f):  # a quarter of the cache, for there are temporaries
        for j, mean in enumerate(means):
            factor = factors if kind == "tied" else factors[j]
            whitened = X[rows] - mean
            whitened = whitened @ factor if kind in ("full", "tied") else whitened * factor
            result[rows, j] = np.einsum("nf,nf->n", whitened, whitened)
    result += f * log(2 * pi)
    result *= -0.5
    result += _log_determinants(factors, kind, f)
    return result


def _log_determinants(factors: Floats, kind: str, f: int) -> Floats:
    if kind in ("full", "tied"):
        diagonal: Floats = np.diagonal(factors, axis1=-2, axis2=-1)
        return np.asarray(np.log(diagonal).sum(axis=-1))
    return np.log(factors).sum(axis=1) if kind == "diag" else f * np.log(factors)


def covariance_parameters(kind: str, k: int, f: int) -> int:
    """How many free numbers the covariances of k components of f features have."""
    triangle = f * (f + 1) // 2
    return {"full": k * triangle, "tied": triangle, "diag": k * f, "spherical": k}[kind]


def deviations(component: int, covariances: Floats, kind: str, normal: Floats) -> Floats:
    """Standard normal rows (m x f) turned into deviations from that component's mean."""
    result: Floats
    if kind in ("full", "tied"):
        covariance = covariances if kind == "tied" else covariances[component]
        result = normal @ np.linalg.cholesky(covariance).T
        return result
    result = normal * np.sqrt(covariances[component])
    return result
