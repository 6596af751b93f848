r"""Principal component analysis: the directions in which the rows vary most.

With the mean taken away, $X = U S V^T$. The rows of $V^T$ are the eigenvectors of the covariance
$X^T X / (n - 1) = V (S^2 / (n - 1)) V^T$: the first is the direction of most variance, the next of
most of what is left, and so on; the first q give the best approximation of rank q (Eckart and
Young, 1936). Read as a Gaussian model with noise of variance sigma^2 in all other directions, it
gives rows a density (Tipping and Bishop, "Probabilistic principal component analysis", 1999).

The decompositions are LAPACK's, through NumPy; `groundup.maths` has them to be read.
"""

from math import lgamma, log, pi
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.component_names import NumbersColumns
from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import require_fitted
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.truncated_svd import fixed_signs, randomized_svd
from groundup.classical.validation import (
    check_array,
    check_fit,
    check_predict,
    random_generator,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]
SOLVERS = ("auto", "full", "covariance_eigh", "randomized")
"""Ways to the components."""


@replaceable
def principal_axes(X: Floats) -> tuple[Floats, Floats]:
    r"""The axes (rows, k x f) and singular values (k,) of centred X (n x f), k = min(n, f).

    By the singular value decomposition of X itself: even variances that are $\epsilon^2$ of the
    largest come out with their size.
    """
    _, singular_values, axes = np.linalg.svd(X, full_matrices=False)
    return axes, singular_values


@replaceable
def principal_axes_by_covariance(X: Floats) -> tuple[Floats, Floats]:
    r"""The same from the eigenvectors of $X^T X$: fast where rows are many and features few.

    Squaring loses half of the digits: variances below $\epsilon$ of the largest are noise.
    """
    k = min(X.shape)
    eigenvalues, eigenvectors = np.linalg.eigh(X.T @ X)  # ascending
    return eigenvectors.T[::-1][:k], np.sqrt(np.maximum(eigenvalues[::-1][:k], 0.0))


@replaceable
def components_for(share: float, ratios: Floats) -> int:
    """How many components are needed for more than that share (in (0, 1)) of the variance."""
    count = int(np.searchsorted(np.cumsum(ratios), share, side="right")) + 1
    return min(count, len(ratios))


def most_likely_dimension(variances: Floats, n_samples: int) -> int:
    r"""The number of components with the greatest evidence, in [1, f - 1].

    Laplace's approximation of the evidence of a probabilistic PCA with q components: Minka,
    "Automatic choice of dimensionality for PCA" (2000), equation 77. `variances`: all f of them,
    descending.
    """
    evidence = [_log_evidence(variances, q, n_samples) for q in range(1, len(variances))]
    return 1 + int(np.argmax(evidence))


def _log_evidence(variances: Floats, q: int, n: int) -> float:
    f, smallest = len(variances), 1e-15
    if variances[q - 1] < smallest:
        return -np.inf
    noise = max(smallest, float(variances[q:].sum()) / (f - q))
    uniform_prior = -q * log(2.0) + sum(
        lgamma(size / 2) - size / 2 * log(pi) for size in range(f, f - q, -1)
    )
    likelihood = -n / 2 * (float(np.log(variances[:q]).sum()) + (f - q) * log(noise))
    free = f * q - q * (q + 1) / 2  # an orthonormal frame of q vectors in f dimensions
    fitted = np.concatenate([variances[:q], np.full(f - q, noise)])
    first, second = np.triu_indices(f, 1)
    first, second = first[first < q], second[first < q]
    curvature = (variances[first] - variances[second]) * (1 / fitted[second] - 1 / fitted[first])
    if (curvature <= 0).any():  # equal variances, which no axes tell apart: not to be cut there
        return -np.inf
    log_curvature = float(np.log(curvature).sum()) + len(first) * log(n)
    volume = (free + q) / 2 * log(2 * pi) - log_curvature / 2 - q / 2 * log(n)
    return uniform_prior + likelihood + volume


class PCA(NumbersColumns):
    """Principal component analysis, as scikit-learn's.

    `n_components`: how many are kept: None for all min(n, f), a number, a share of the variance in
    (0, 1), or "mle" for Minka's choice. `whiten`: divide coordinates by their standard deviation.
    `svd_solver`: "full" (SVD), "covariance_eigh", "randomized", or "auto", which chooses by the
    shape. `iterated_power`, `n_oversamples`: of the randomized solver.

    Learns `components_` (q x f; of each the entry of largest size is positive), `mean_`,
    `explained_variance_`, `explained_variance_ratio_` (0 where X has no variance),
    `singular_values_`, `noise_variance_` (the mean of those left out), `n_components_`.
    Raises ValueError for one row and for numbers of components that cannot be.
    Left out: `copy`, the ARPACK solver, sparse X.
    """

    components_: Floats
    mean_: Floats
    explained_variance_: Floats
    explained_variance_ratio_: Floats
    singular_values_: Floats
    noise_variance_: float
    n_components_: int

    def __init__(
        self,
        n_components: int | float | str | None = None,
        *,
        whiten: bool = False,
        svd_solver: str = "auto",
        iterated_power: int | str = "auto",
        n_oversamples: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.svd_solver = svd_solver
        self.iterated_power = iterated_power
        self.n_oversamples = n_oversamples
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the principal components of X (n x f). `y` is ignored."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        self.mean_ = rows.mean(axis=0)
        rows = rows - self.mean_  # before any product: a far-off mean would cost the digits
        check_whole(self, "n_oversamples", least=0)
        solver = self._solver(rows.shape)
        self._check_count(rows.shape, solver)
        n, f = rows.shape
        if solver == "randomized":
            axes, values = self._randomized(rows)
            total = float(rows.var(axis=0, ddof=1).sum())
        else:
            find = principal_axes if solver == "full" else principal_axes_by_covariance
            axes, values = find(rows)
            total = float((values**2).sum()) / (n - 1)
        variances = values**2 / (n - 1)
        ratios = variances / (total if total > 0 else 1.0)
        q = self._count(variances, ratios, n)
        left_out = max(0.0, total - float(variances[:q].sum())) / max(1, min(n, f) - q)
        self.n_samples_, self.n_components_ = n, q
        self.components_ = axes[:q] * fixed_signs(axes[:q])[:, None]
        self.singular_values_ = values[:q].copy()
        self.explained_variance_ = variances[:q].copy()
        self.explained_variance_ratio_ = ratios[:q].copy()
        self.noise_variance_ = left_out if q < min(n, f) else 0.0
        return self

    def _solver(self, shape: tuple[int, ...]) -> str:
        """scikit-learn's choice."""
        if self.svd_solver not in SOLVERS:
            raise ValueError(f"svd_solver is {self.svd_solver!r}; known are: {', '.join(SOLVERS)}")
        if self.svd_solver != "auto":
            return self.svd_solver
        n, f = shape
        wanted = min(shape) if self.n_components is None else self.n_components
        if f <= 1000 and n >= 10 * f:
            return "covariance_eigh"
        if max(shape) <= 500 or isinstance(wanted, str):
            return "full"
        return "randomized" if 1 <= wanted < 0.8 * min(shape) else "full"

    def _check_count(self, shape: tuple[int, ...], solver: str) -> None:
        wanted, most = self.n_components, min(shape)
        if wanted is None:
            return
        if isinstance(wanted, str):
            if wanted != "mle":
                raise ValueError(f"n_components is {wanted!r}; the only word it may be is 'mle'")
            if solver == "randomized" or shape[0] < shape[1] or shape[1] < 2:
                raise ValueError(
                    "n_components='mle' needs n_samples >= n_features >= 2 and another solver "
                    f"than 'randomized'; X is {shape[0]} x {shape[1]}, svd_solver={solver!r}"
                )
            return
        check_number(self, "n_components", least=-np.inf)
        is_share = isinstance(wanted, float) and solver != "randomized" and 0 < wanted < 1
        is_count = isinstance(wanted, int | np.integer) and 1 <= wanted <= most
        if not (is_share or is_count):
            raise ValueError(
                f"n_components={wanted!r} must be between 1 and min(n_samples, n_features)={most} "
                f"with svd_solver={solver!r}, or a share of the variance in (0, 1) unless that is "
                "'randomized'"
            )

    def _count(self, variances: Floats, ratios: Floats, n_samples: int) -> int:
        wanted = self.n_components
        if wanted is None:
            return len(variances)
        if isinstance(wanted, str):
            return most_likely_dimension(variances, n_samples)
        return components_for(wanted, ratios) if wanted < 1 else int(wanted)

    def _randomized(self, rows: Floats) -> tuple[Floats, Floats]:
        wanted = self.n_components
        assert not isinstance(wanted, str), "it was checked to be a number"
        q = min(rows.shape) if wanted is None else int(wanted)
        power = self.iterated_power
        if power == "auto":
            power = 7 if q < 0.1 * min(rows.shape) else 4
        else:
            check_whole(self, "iterated_power", least=0)
        assert not isinstance(power, str), "it was checked to be a number"
        rng = random_generator(self.random_state)
        _, values, axes = randomized_svd(rows, q, rng, self.n_oversamples, power)
        return axes, values

    def transform(self, X: ArrayLike) -> Floats:
        """The coordinates of the rows of X along the components, n x q."""
        rows: Floats = check_predict(self, X)
        coordinates = (rows - self.mean_) @ self.components_.T
        return coordinates / self._scale() if self.whiten else coordinates

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The rows (n x f) with the coordinates X (n x q), in the components' span."""
        require_fitted(self)
        coordinates: Floats = check_array(X)
        if self.whiten:
            coordinates = coordinates * self._scale()
        return coordinates @ self.components_ + self.mean_

    def _scale(self) -> Floats:
        """Standard deviations; what has none (rounding) is divided by a tiny number, as there."""
        return np.maximum(np.sqrt(self.explained_variance_), np.finfo(np.float64).eps)

    def get_covariance(self) -> Floats:
        r"""$\sum_i (\lambda_i - \sigma^2) v_i v_i^T + \sigma^2 I$, f x f: the model's."""
        require_fitted(self)
        extra = np.maximum(self.explained_variance_ - self.noise_variance_, 0.0)
        covariance: Floats = (self.components_.T * extra) @ self.components_
        covariance.flat[:: len(covariance) + 1] += self.noise_variance_
        return covariance

    def get_precision(self) -> Floats:
        """The inverse of `get_covariance`; ValueError if that is singular."""
        inside, outside = self._model_variances()
        f = self.components_.shape[1]
        if outside == 0:
            return (self.components_.T / inside) @ self.components_
        precision: Floats = (self.components_.T * (1 / inside - 1 / outside)) @ self.components_
        precision.flat[:: f + 1] += 1 / outside
        return precision

    def _model_variances(self) -> tuple[Floats, float]:
        """Along each component, and in all other directions (0 if there are none)."""
        require_fitted(self)
        is_complete = self.n_components_ == self.components_.shape[1]
        outside = 0.0 if is_complete else self.noise_variance_
        inside = np.maximum(self.explained_variance_, outside)
        if (inside <= 0).any() or (outside <= 0 and not is_complete):
            raise ValueError(
                "the model has no variance in some direction, so its covariance has no inverse and "
                "rows no density; keep fewer components, or give more rows than features"
            )
        return inside, outside

    def score_samples(self, X: ArrayLike) -> Floats:
        r"""The log density of each row under $N(\mu, C)$ with C from `get_covariance`, (n,)."""
        inside, outside = self._model_variances()
        rows: Floats = check_predict(self, X)
        centred = rows - self.mean_
        coordinates = centred @ self.components_.T
        f, q = self.components_.shape[1], self.n_components_
        distance = (coordinates**2 / inside).sum(axis=1)
        log_determinant = float(np.log(inside).sum())
        if outside > 0:
            residual = centred - coordinates @ self.components_
            distance += (residual**2).sum(axis=1) / outside
            log_determinant += (f - q) * log(outside)
        density: Floats = -0.5 * (f * log(2 * pi) + log_determinant + distance)
        return density

    def score(self, X: ArrayLike, y: Any = None) -> float:
        """The mean log density of the rows of X. `y` is ignored."""
        return float(self.score_samples(X).mean())
