r"""The leading singular vectors of a matrix, found by trying it on random directions.

$A \approx U S V^T$ with k columns. A random matrix $\Omega$ with a few columns more than k is
drawn; $A \Omega$ nearly spans what A's leading left singular vectors span, the more so after
multiplying by $(A A^T)^p$. With an orthonormal basis Q of that, the small matrix $Q^T A$ has nearly
the same leading part as A, and is cheap to decompose (Halko, Martinsson and Tropp, "Finding
structure with randomness", 2011, algorithms 4.4 and 5.1).

The small decompositions are LAPACK's, through NumPy; `groundup.maths` has them to be read.
"""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.component_names import NumbersColumns
from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import require_fitted
from groundup.classical.parameter_values import check_whole
from groundup.classical.validation import (
    check_array,
    check_fit,
    check_predict,
    random_generator,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def randomized_svd(
    A: Floats, n_components: int, rng: np.random.Generator, n_oversamples: int = 10, n_iter: int = 4
) -> tuple[Floats, Floats, Floats]:
    r"""U (m x k), s (k,) descending, and V' (k x n) of the best rank-k part of A (m x n), nearly.

    The expected error is within a factor $(1 + c \sqrt{\min(m, n)})^{1 / (2p + 1)}$ of the best
    one, p = `n_iter`, which soon is 1 (theorem 10.6 there). Before each product the basis is made
    well-conditioned again, or small singular values would drown in the rounding of the large ones.
    """
    is_wide = len(A) < A.shape[1]
    tall = A.T if is_wide else A  # fewer long vectors to make orthonormal
    columns = min(n_components + n_oversamples, tall.shape[1])
    Y = tall @ rng.normal(size=(tall.shape[1], columns))
    for _ in range(n_iter):
        Y = tall @ well_conditioned_basis(tall.T @ well_conditioned_basis(Y))
    Q = np.linalg.qr(Y)[0]
    U, s, V = np.linalg.svd(Q.T @ tall, full_matrices=False)
    U = Q @ U
    if is_wide:
        U, V = V.T, U.T
    signs = fixed_signs(V[:n_components])
    return U[:, :n_components] * signs, s[:n_components], V[:n_components] * signs[:, None]


def well_conditioned_basis(Y: Floats) -> Floats:
    r"""Columns with the span of Y's (m x k) that are orthonormal, or near to it where that is fast.

    With Cholesky's $Y^T Y = L L^T$ the columns of $Y L^{-T}$ are orthonormal up to $\epsilon$ times
    the squared condition of Y: good enough as a basis while that is below $10^{10}$, and several
    times faster than Householder's QR on tall Y, which is taken otherwise.
    """
    try:
        lower = np.linalg.cholesky(Y.T @ Y)
    except np.linalg.LinAlgError:
        return np.linalg.qr(Y)[0]
    diagonal = np.diagonal(lower)
    if not diagonal.min(initial=np.inf) > 1e-5 * diagonal.max(initial=0.0):
        return np.linalg.qr(Y)[0]
    basis: Floats = Y @ np.linalg.inv(lower).T
    return basis


def fixed_signs(components: Floats) -> Floats:
    """1 or -1 for each row, such that times it the row's entry of largest size is positive.

    A singular vector is determined up to its sign; this makes results repeatable.
    """
    largest = np.argmax(np.abs(components), axis=1)
    return np.where(components[np.arange(len(components)), largest] < 0, -1.0, 1.0)


class TruncatedSVD(NumbersColumns):
    """The rows' coordinates along the leading right singular vectors of X, as scikit-learn's.

    X is not centred, which is what tells this from PCA; on counts or TF-IDF of words it is latent
    semantic analysis (Deerwester et al., "Indexing by latent semantic analysis", 1990).
    `n_components`: at most the features; `n_iter`: power iterations; `n_oversamples`: columns more.

    Learns `components_` (k x f), `singular_values_`, `explained_variance_` and its ratio to the
    variance of X (0 where that has none). Raises ValueError for more components than features and
    for one feature only. Left out: the ARPACK solver; sparse X.
    """

    components_: Floats
    singular_values_: Floats
    explained_variance_: Floats
    explained_variance_ratio_: Floats

    def __init__(
        self,
        n_components: int = 2,
        *,
        n_iter: int = 5,
        n_oversamples: int = 10,
        random_state: Any = None,
    ) -> None:
        self.n_components = n_components
        self.n_iter = n_iter
        self.n_oversamples = n_oversamples
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the leading right singular vectors of X (n x f). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and the coordinates of X's rows, n x k."""
        rows: Floats = check_fit(self, X, min_features=2)
        refuse_overflow(rows)
        check_whole(self, "n_components")
        check_whole(self, "n_iter", "n_oversamples", least=0)
        if self.n_components > rows.shape[1]:
            raise ValueError(
                f"n_components({self.n_components}) must be <= n_features({rows.shape[1]})"
            )
        rng = random_generator(self.random_state)
        _, self.singular_values_, self.components_ = randomized_svd(
            rows, self.n_components, rng, self.n_oversamples, self.n_iter
        )
        coordinates = rows @ self.components_.T
        self.explained_variance_ = coordinates.var(axis=0)
        total = rows.var(axis=0).sum()
        self.explained_variance_ratio_ = self.explained_variance_ / (total if total > 0 else 1.0)
        return coordinates

    def transform(self, X: ArrayLike) -> Floats:
        """The coordinates of the rows of X along the components, n x k."""
        rows: Floats = check_predict(self, X)
        return rows @ self.components_.T

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The rows (n x f) that have the coordinates X (n x k) and nothing outside their span."""
        require_fitted(self)
        coordinates: Floats = check_array(X)
        return coordinates @ self.components_
