r"""Multidimensional scaling: points whose distances are those that are given.

The classical way: from squared Euclidean distances, centring rows and columns gives the inner
products $B = -\frac12 J D^2 J$, $J = I - \frac1n 1 1^T$, and the leading eigenvectors of B, times
the roots of their eigenvalues, are the points (Torgerson, "Multidimensional scaling: I. Theory and
method", 1952). For the distances of rows it gives their principal components.

The iterative way lowers the *stress* $\sum_{i<j} (\|y_i - y_j\| - d_{ij})^2$ itself, each step
minimising a quadratic that lies above it and touches it where we are (SMACOF: de Leeuw,
"Applications of convex analysis to multidimensional scaling", 1977; Borg and Groenen, "Modern
multidimensional scaling", 2005, chapter 8). Left out: the non-metric kind; weights.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import euclidean_distances, pairwise_distances, refuse_overflow
from groundup.classical.estimator import Estimator
from groundup.classical.linkage import check_distances
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.truncated_svd import fixed_signs
from groundup.classical.validation import check_array, check_fit, random_generator
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def classical_scaling(distances: Floats, n_components: int) -> tuple[Floats, Floats]:
    """The points (n x k) and the eigenvalues (k,), descending, of classical scaling.

    A negative eigenvalue says that no Euclidean points have these distances; its coordinate is 0.
    """
    products = distances**2
    products = products - products.mean(axis=0)
    products = -0.5 * (products - products.mean(axis=1, keepdims=True))
    eigenvalues, vectors = np.linalg.eigh(products)
    eigenvalues = eigenvalues[::-1][:n_components]
    vectors = vectors[:, ::-1][:, :n_components]
    return vectors * fixed_signs(vectors.T) * np.sqrt(np.maximum(eigenvalues, 0.0)), eigenvalues


@replaceable
def stress(Y: Floats, distances: Floats) -> float:
    r"""$\sum_{i<j} (\|y_i - y_j\| - d_{ij})^2$ of the points Y (n x k)."""
    return float(((euclidean_distances(Y) - distances) ** 2).sum() / 2)


@replaceable
def guttman_transform(Y: Floats, distances: Floats) -> Floats:
    r"""The points that minimise the quadratic above the stress that touches it at Y (n x k).

    $Y \leftarrow \frac1n B Y$ with $b_{ij} = -d_{ij} / \|y_i - y_j\|$ (0 where points coincide) and
    rows that sum to zero. The stress never rises.
    """
    now = euclidean_distances(Y)
    ratio = np.divide(distances, now, out=np.zeros_like(now), where=now > 0)
    moved: Floats = ratio.sum(axis=1)[:, None] * Y - ratio @ Y
    return moved / len(Y)


def _distances(X: Floats, metric: str) -> Floats:
    if metric == "precomputed":
        return check_distances(X)
    return pairwise_distances(X, metric=metric)


class ClassicalMDS(Estimator):
    """Classical scaling of the distances between rows, as scikit-learn's.

    `metric`: euclidean, manhattan, cosine ..., or precomputed. Learns `embedding_`
    (n x n_components), `eigenvalues_` and `dissimilarity_matrix_` (n x n).
    """

    embedding_: Floats
    eigenvalues_: Floats
    dissimilarity_matrix_: Floats

    def __init__(self, n_components: int = 2, *, metric: str = "euclidean") -> None:
        self.n_components = n_components
        self.metric = metric

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Place the rows of X (n x f, or n x n distances). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and return the points."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        check_whole(self, "n_components")
        self.dissimilarity_matrix_ = _distances(rows, self.metric)
        self.embedding_, self.eigenvalues_ = classical_scaling(
            self.dissimilarity_matrix_, self.n_components
        )
        return self.embedding_


class MDS(Estimator):
    """Metric scaling by lowering the stress, as scikit-learn's with metric_mds=True.

    `n_init`: random starts, of which the one that ends best is kept; `init`: "random",
    "classical_mds" or an array (n x n_components), with which there is one run; `eps`: stop when
    the stress falls by less than that share of the squared distances of the points.

    Learns `embedding_`, `stress_`, `n_iter_` and `dissimilarity_matrix_`. Warns
    (ConvergenceWarning) when `max_iter` was too little. Left out: non-metric scaling and
    `normalized_stress`. The default start here is classical, which scikit-learn is changing to.
    """

    embedding_: Floats
    stress_: float
    n_iter_: int
    dissimilarity_matrix_: Floats

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_init: int = 1,
        init: Any = "classical_mds",
        max_iter: int = 300,
        eps: float = 1e-6,
        metric: str = "euclidean",
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_init = n_init
        self.init = init
        self.max_iter = max_iter
        self.eps = eps
        self.metric = metric
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Place the rows of X (n x f, or n x n distances). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and return the points."""
        rows: Floats = check_fit(self, X, min_samples=2)
        refuse_overflow(rows)
        check_whole(self, "n_components", "n_init", "max_iter")
        check_number(self, "eps")
        distances = _distances(rows, self.metric)
        rng = random_generator(self.random_state)
        is_random = isinstance(self.init, str) and self.init == "random"
        runs = [
            self._run(self._start(distances, rng), distances)
            for _ in range(self.n_init if is_random else 1)
        ]
        self.stress_, self.n_iter_, converged, self.embedding_ = min(runs, key=lambda run: run[0])
        self.dissimilarity_matrix_ = distances
        if not converged:
            warnings.warn(
                f"MDS did not converge in max_iter={self.max_iter} steps; raise max_iter, or eps "
                "if points may be rougher",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        return self.embedding_

    def _start(self, distances: Floats, rng: np.random.Generator) -> Floats:
        shape = (len(distances), self.n_components)
        if isinstance(self.init, str):
            if self.init == "random":
                return rng.random(shape)
            if self.init != "classical_mds":
                raise ValueError(
                    f"init is {self.init!r}; known are 'random' and 'classical_mds', or an array"
                )
            found = classical_scaling(distances, self.n_components)[0]
            return np.pad(found, ((0, 0), (0, self.n_components - found.shape[1])))
        start: Floats = check_array(self.init, name="init")
        if start.shape != shape:
            raise ValueError(f"init has the shape {start.shape}; the points' is {shape}")
        return start

    def _run(self, Y: Floats, distances: Floats) -> tuple[float, int, bool, Floats]:
        before = np.inf
        for iteration in range(1, self.max_iter + 1):
            Y = guttman_transform(Y, distances)
            now = stress(Y, distances)
            size = float((euclidean_distances(Y) ** 2).sum() / 2)
            if before - now < self.eps * size or now == 0:
                return now, iteration, True, Y
            before = now
        return now, self.max_iter, False, Y
