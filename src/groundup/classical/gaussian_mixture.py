r"""Gaussian mixtures by expectation-maximisation: soft clusters of any ellipse.

$p(x) = \sum_j \pi_j N(x \mid \mu_j, \Sigma_j)$. Which component a row came from is hidden. The
E-step gives the probability of each (its responsibility); the M-step fits every component to the
rows, weighted by it. Neither lowers the likelihood (Dempster, Laird and Rubin, "Maximum likelihood
from incomplete data via the EM algorithm", 1977; Bishop, "Pattern recognition and machine
learning", 2006, section 9.2). All is done with logarithms: far from every mean the densities
themselves are zero in floating point.
"""

import warnings
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import Estimator, require_fitted
from groundup.classical.k_means import KMeans
from groundup.classical.mixture_covariances import (
    KINDS,
    component_totals,
    covariance_parameters,
    deviations,
    estimated_covariances,
    log_densities,
    precision_factors,
    precisions,
)
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import (
    check_array,
    check_fit,
    check_predict,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """The parameters of a mixture of k Gaussians in f dimensions."""

    weights: Floats
    """The components' shares, (k,), summing to 1."""
    means: Floats
    """k x f."""
    covariances: Floats
    """In the shape that the kind says."""
    factors: Floats
    """Factors of the precisions, in the same shape."""
    kind: str
    """full, tied, diag or spherical."""

    def log_joint(self, X: Floats) -> Floats:
        r"""$\ln \pi_j + \ln N(x_i \mid \mu_j, \Sigma_j)$, n x k."""
        densities: Floats = log_densities(X, self.means, self.factors, self.kind)
        return densities + np.log(self.weights)


@replaceable
def expectation(log_joint: Floats) -> tuple[Floats, Floats]:
    r"""The E-step: the rows' log likelihoods (n,) and the log responsibilities (n x k).

    $\ln p(x) = \ln \sum_j e^{a_j} = m + \ln \sum_j e^{a_j - m}$ with $m = \max_j a_j$, so that no
    exponential overflows and at least one is 1; $\ln r_j = a_j - \ln p(x)$.
    """
    largest = log_joint.max(axis=1, keepdims=True)
    log_likelihood = largest + np.log(np.exp(log_joint - largest).sum(axis=1, keepdims=True))
    return log_likelihood[:, 0], log_joint - log_likelihood


@replaceable
def maximization(X: Floats, responsibilities: Floats, reg_covar: float, kind: str) -> Mixture:
    r"""The M-step: weighted shares, means and covariances.

    $N_j = \sum_i r_{ij}$, $\pi_j = N_j / n$, $\mu_j = \sum_i r_{ij} x_i / N_j$.
    """
    totals = component_totals(responsibilities)
    means = responsibilities.T @ X / totals[:, None]
    covariances = estimated_covariances(X, responsibilities, means, reg_covar, kind)
    return Mixture(
        weights=totals / totals.sum(),
        means=means,
        covariances=covariances,
        factors=precision_factors(covariances, kind),
        kind=kind,
    )


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Where expectation-maximisation ended."""

    mixture: Mixture
    """The parameters after the last step."""
    bounds: list[float]
    """The mean log likelihood of the rows before each step: it never falls (if reg_covar is 0)."""
    converged: bool
    """Whether the last two differ by less than `tol`."""


def expectation_maximization(
    X: Floats, mixture: Mixture, *, tol: float, reg_covar: float, max_iter: int
) -> Fit:
    """E-step and M-step in turn until the mean log likelihood changes by less than `tol`."""
    bounds = [-np.inf]
    converged = False
    while not converged and len(bounds) <= max_iter:
        log_likelihood, log_responsibilities = expectation(mixture.log_joint(X))
        mixture = maximization(X, np.exp(log_responsibilities), reg_covar, mixture.kind)
        bounds.append(float(log_likelihood.mean()))
        converged = abs(bounds[-1] - bounds[-2]) < tol
    return Fit(mixture=mixture, bounds=bounds[1:], converged=converged)


class GaussianMixture(Estimator):
    """A mixture of Gaussians, as scikit-learn's: clusters, a density, and new rows drawn from it.

    `covariance_type`: full, tied, diag or spherical (see `mixture_covariances`); `reg_covar`: added
    to all variances so that none becomes zero; `tol`: gain of mean log likelihood to stop at;
    `n_init`: runs from other k-means starts, of which the likeliest is kept; `means_init`: k x f.

    Learns `weights_`, `means_`, `covariances_`, `precisions_`, `precisions_cholesky_`,
    `converged_`, `n_iter_`, `lower_bound_`, `lower_bounds_`. Warns (ConvergenceWarning) when
    `max_iter` was too little. Raises ValueError for fewer rows than components and for a covariance
    that collapses. Left out: `init_params` (the start is k-means), `weights_init`,
    `precisions_init`, `warm_start`.
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        covariance_type: str = "full",
        tol: float = 1e-3,
        reg_covar: float = 1e-6,
        max_iter: int = 100,
        n_init: int = 1,
        means_init: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.covariance_type = covariance_type
        self.tol = tol
        self.reg_covar = reg_covar
        self.max_iter = max_iter
        self.n_init = n_init
        self.means_init = means_init
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Fit the mixture to the rows of X (n x f). `y` is ignored."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        self._check_parameters(rows)
        rng = random_generator(self.random_state)
        best: Fit | None = None
        for _ in range(self.n_init):
            run = expectation_maximization(
                rows,
                self._start(rows, rng),
                tol=self.tol,
                reg_covar=self.reg_covar,
                max_iter=self.max_iter,
            )
            if best is None or run.bounds[-1] > best.bounds[-1]:
                best = run
        assert best is not None, "there is at least one run"
        if not best.converged:
            warnings.warn(
                f"The likeliest of {self.n_init} runs did not converge in max_iter={self.max_iter} "
                "steps. Increase max_iter or tol, or check for degenerate data.",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        self._keep(best)
        return self

    def _check_parameters(self, rows: Floats) -> None:
        if self.covariance_type not in KINDS:
            raise ValueError(
                f"covariance_type is {self.covariance_type!r}; known are: {', '.join(KINDS)}"
            )
        check_whole(self, "n_components", "max_iter", "n_init")
        check_number(self, "reg_covar", "tol")
        if len(rows) < self.n_components:
            raise ValueError(
                f"Expected n_samples >= n_components but got n_components = {self.n_components}, "
                f"n_samples = {len(rows)}"
            )

    def _start(self, rows: Floats, rng: np.random.Generator) -> Mixture:
        """The M-step on the clusters of k-means; `means_init` in place of its means if given."""
        k = self.n_components
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # any start is good enough
            labels = KMeans(k, random_state=rng).fit(rows).labels_
        mixture = maximization(rows, np.eye(k)[labels], self.reg_covar, self.covariance_type)
        if self.means_init is None:
            return mixture
        means: Floats = check_array(self.means_init, name="means_init")
        if means.shape != (k, rows.shape[1]):
            raise ValueError(
                f"means_init has the shape {means.shape}; it should have one row for each of "
                f"{k} components and {rows.shape[1]} features"
            )
        return Mixture(
            weights=mixture.weights,
            means=means,
            covariances=mixture.covariances,
            factors=mixture.factors,
            kind=mixture.kind,
        )

    def _keep(self, fit: Fit) -> None:
        self.mixture_ = fit.mixture
        self.weights_, self.means_ = fit.mixture.weights, fit.mixture.means
        self.covariances_, self.precisions_cholesky_ = fit.mixture.covariances, fit.mixture.factors
        self.precisions_ = precisions(fit.mixture.factors, fit.mixture.kind)
        self.converged_, self.n_iter_ = fit.converged, len(fit.bounds)
        self.lower_bound_, self.lower_bounds_ = fit.bounds[-1], fit.bounds

    def fit_predict(self, X: ArrayLike, y: Any = None) -> Integers:
        """`fit(X)`, then the likeliest component of each row."""
        return self.fit(X).predict(X)

    def _log_joint(self, X: ArrayLike) -> Floats:
        return self.mixture_.log_joint(check_predict(self, X))

    def predict(self, X: ArrayLike) -> Integers:
        """The likeliest component of each row, (n,)."""
        require_fitted(self)
        labels: Integers = self._log_joint(X).argmax(axis=1)
        return labels

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Each component's probability for each row, n x k."""
        require_fitted(self)
        probabilities: Floats = np.exp(expectation(self._log_joint(X))[1])
        return probabilities

    def score_samples(self, X: ArrayLike) -> Floats:
        """The log density of each row, (n,), in nats."""
        require_fitted(self)
        return expectation(self._log_joint(X))[0]

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """The mean log density of the rows. `y` is ignored."""
        return float(self.score_samples(X).mean())

    def sample(self, n_samples: int = 1) -> tuple[Floats, Integers]:
        """New rows (n x f) and the component each came from, in order of the components."""
        require_fitted(self)
        if n_samples < 1:
            raise ValueError(f"n_samples is {n_samples}; at least 1 row can be drawn")
        rng = random_generator(self.random_state)
        counts = rng.multinomial(n_samples, self.weights_)
        labels = np.repeat(np.arange(len(counts)), counts)
        normal = rng.normal(size=(n_samples, self.means_.shape[1]))
        for j in range(len(counts)):
            chosen = labels == j
            normal[chosen] = deviations(j, self.covariances_, self.covariance_type, normal[chosen])
        return self.means_[labels] + normal, labels

    def _n_parameters(self) -> int:
        k, f = map(int, self.mixture_.means.shape)
        return covariance_parameters(self.covariance_type, k, f) + k * f + k - 1

    def bic(self, X: ArrayLike) -> float:
        r"""$-2 \ln L + p \ln n$ with p free parameters; the lower the better (Schwarz, 1978)."""
        scores = self.score_samples(X)
        return float(-2 * scores.sum() + self._n_parameters() * np.log(len(scores)))

    def aic(self, X: ArrayLike) -> float:
        r"""$-2 \ln L + 2 p$; the lower the better (Akaike, 1974)."""
        return float(-2 * self.score_samples(X).sum() + 2 * self._n_parameters())
