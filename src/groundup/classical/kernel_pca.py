r"""Principal components in the space of a kernel: directions that curve among the rows.

PCA needs inner products of centred rows only. With those of $\phi(x)$, $K_{ij} = k(x_i, x_j)$,
centred in that space by $K \leftarrow K - 1_n K - K 1_n + 1_n K 1_n$ ($1_n$ has $1/n$ everywhere),
the eigenvectors of K, times the roots of their eigenvalues, are the rows' coordinates (Scholkopf,
Smola and Mueller, "Nonlinear component analysis as a kernel eigenvalue problem", 1998). Memory is
n^2. Rows of the first space that would have given coordinates can be learned by a ridge regression
(Bakir, Weston and Scholkopf, "Learning to find pre-images", 2004).
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.component_names import NumbersColumns
from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import require_fitted
from groundup.classical.kernel_functions import kernel_matrix
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.truncated_svd import fixed_signs
from groundup.classical.validation import check_array, check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def centred_kernel(K: Floats, column_means: Floats) -> Floats:
    r"""Inner products of (m) rows with (n) fitted ones, both moved by the fitted rows' mean, m x n.

    $K_{ij} - \bar K_{i \cdot} - \bar K_{\cdot j} + \bar K$, where `column_means` (n,) are the means
    of the fitted rows' own kernel matrix, whose mean is $\bar K$.
    """
    centred: Floats = K - K.mean(axis=1, keepdims=True) - column_means + column_means.mean()
    return centred


@replaceable
def kernel_components(K: Floats, n_components: int) -> tuple[Floats, Floats]:
    """The largest eigenvalues (k,) and unit eigenvectors (n x k) of a centred kernel matrix.

    Eigenvalues below 1e-12 of the largest are rounding and become 0. Raises ValueError where one is
    far below zero: the kernel is none.
    """
    eigenvalues, vectors = np.linalg.eigh(K)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    largest = float(eigenvalues[0])
    if eigenvalues[-1] < -1e-5 * max(largest, 1e-5):
        raise ValueError(
            f"the kernel matrix has the eigenvalue {eigenvalues[-1]:.3g} beside {largest:.3g}: it "
            "is no matrix of inner products; take another kernel or other parameters of it"
        )
    eigenvalues = np.where(eigenvalues > 1e-12 * largest, eigenvalues, 0.0)[:n_components]
    vectors = vectors[:, :n_components]
    return eigenvalues, vectors * fixed_signs(vectors.T)


class KernelPCA(NumbersColumns):
    """Kernel principal component analysis, as scikit-learn's.

    `n_components`: None for all whose eigenvalue is not zero; `kernel`: linear, poly, rbf, sigmoid,
    laplacian, a function of (X, Y), or precomputed (X is then n x n, and m x n in `transform`);
    `gamma` (None is 1 / f), `degree`, `coef0`: of the kernel; `fit_inverse_transform`, `alpha`:
    learn the way back by a ridge regression with that penalty.

    Learns `eigenvalues_`, `eigenvectors_` (n x k), `gamma_`, `X_fit_`. Raises ValueError for a
    kernel that is none. Left out: `eigen_solver` (always dense), `remove_zero_eig`.
    """

    output_columns = "eigenvalues_"
    eigenvalues_: Floats
    eigenvectors_: Floats
    gamma_: float
    X_fit_: Floats

    def __init__(
        self,
        n_components: int | None = None,
        *,
        kernel: str | Callable[[Floats, Floats], Any] = "linear",
        gamma: float | None = None,
        degree: int = 3,
        coef0: float = 1.0,
        alpha: float = 1.0,
        fit_inverse_transform: bool = False,
    ) -> None:
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.alpha = alpha
        self.fit_inverse_transform = fit_inverse_transform

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the components of the rows of X (n x f). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and return the rows' coordinates, n x k."""
        rows: Floats = check_fit(self, X)
        refuse_overflow(rows)
        self._check_parameters()
        self.gamma_ = 1.0 / rows.shape[1] if self.gamma is None else float(self.gamma)
        self.X_fit_ = rows.copy()
        K = self._kernel(rows, rows)
        if K.shape[0] != K.shape[1]:
            raise ValueError(f"Precomputed kernel matrix should be square, got shape {K.shape}")
        self._column_means = K.mean(axis=0)
        count = len(rows) if self.n_components is None else self.n_components
        self.eigenvalues_, self.eigenvectors_ = kernel_components(
            centred_kernel(K, self._column_means), count
        )
        if self.n_components is None:
            kept = self.eigenvalues_ > 0
            self.eigenvalues_ = self.eigenvalues_[kept]
            self.eigenvectors_ = self.eigenvectors_[:, kept]
        coordinates: Floats = self.eigenvectors_ * np.sqrt(self.eigenvalues_)
        if self.fit_inverse_transform:
            K = self._kernel(coordinates, coordinates)
            K.flat[:: len(K) + 1] += self.alpha
            self.dual_coef_, self.X_transformed_fit_ = np.linalg.solve(K, rows), coordinates
        return coordinates

    def _check_parameters(self) -> None:
        if self.n_components is not None:
            check_whole(self, "n_components")
        check_whole(self, "degree", least=0)
        check_number(self, "alpha")
        check_number(self, "coef0", least=-np.inf)
        if self.gamma is not None:
            check_number(self, "gamma")
        if self.fit_inverse_transform and self.kernel == "precomputed":
            raise ValueError("Cannot fit_inverse_transform with a precomputed kernel; give rows")

    def _kernel(self, X: Floats, Y: Floats) -> Floats:
        if self.kernel == "precomputed":
            return X
        return kernel_matrix(
            self.kernel, X, Y, gamma=self.gamma_, coef0=self.coef0, degree=self.degree
        )

    def transform(self, X: ArrayLike) -> Floats:
        """The coordinates of the rows of X, n x k; 0 along components without variance."""
        rows: Floats = check_predict(self, X)
        K = centred_kernel(self._kernel(rows, self.X_fit_), self._column_means)
        roots = np.sqrt(self.eigenvalues_)
        scale = np.divide(1.0, roots, out=np.zeros_like(roots), where=roots > 0)
        return K @ (self.eigenvectors_ * scale)

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The rows (n x f) that may have had the coordinates X (n x k), learned in `fit`."""
        require_fitted(self)
        if not self.fit_inverse_transform:
            require_fitted(self, "dual_coef_")
        coordinates: Floats = check_array(X)
        return self._kernel(coordinates, self.X_transformed_fit_) @ self.dual_coef_
