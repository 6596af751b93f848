r"""Non-negative matrix factorisation: rows as sums of parts that never cancel.

$\min_{W, H \ge 0} \frac12 \|X - W H\|_F^2$ with W n x k and H k x f. What may only be added comes
out as parts: of faces noses and eyes, of texts topics (Lee and Seung, "Learning the parts of
objects by non-negative matrix factorization", 1999). With all but one column of W fixed the best
value of that column is known in closed form, so columns are set in turn, and H's rows likewise:
coordinate descent, or HALS (Cichocki and Phan, "Fast local algorithms for large scale nonnegative
matrix and tensor factorizations", 2009). It ends in a local minimum; the start comes from the SVD.
"""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.component_names import NumbersColumns
from groundup.classical.distances import refuse_overflow
from groundup.classical.estimator import require_fitted
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.truncated_svd import randomized_svd
from groundup.classical.validation import (
    check_array,
    check_fit,
    check_predict,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]
STARTS = ("nndsvda", "nndsvd", "random")
"""Ways to begin."""


@replaceable
def nndsvd(X: Floats, k: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    r"""W (n x k) and H (k x f) made of the leading singular vectors, without their negative parts.

    $u v^T$ of each singular triplet is split into its positive and negative parts, $u^+ v^{+T} +
    u^- v^{-T}$ and the rest; the larger of these two products is kept (Boutsidis and Gallopoulos,
    "SVD based initialization: a head start for nonnegative matrix factorization", 2008).
    """
    U, s, V = randomized_svd(X, k, rng)
    W, H = np.zeros((len(X), k)), np.zeros((k, X.shape[1]))
    for j in range(k):
        positive = np.maximum(U[:, j], 0), np.maximum(V[j], 0)
        negative = np.maximum(-U[:, j], 0), np.maximum(-V[j], 0)
        sizes = [np.linalg.norm(u) * np.linalg.norm(v) for u, v in (positive, negative)]
        u, v = positive if sizes[0] > sizes[1] else negative
        size = max(sizes)
        if size > 0:
            scale = np.sqrt(s[j] * size)
            W[:, j] = scale * u / np.linalg.norm(u)
            H[j] = scale * v / np.linalg.norm(v)
    W[W < 1e-6] = 0.0
    H[H < 1e-6] = 0.0
    return W, H


@replaceable
def update_columns(W: Floats, products: Floats, gram: Floats) -> float:
    r"""Set each column of W (n x k) in turn to its best, in place; how far from optimal it was.

    With `products` $X H^T$ and `gram` $H H^T$ the gradient by column t is $W (H H^T)_t - (X H^T)_t$
    and the second derivative $(H H^T)_{tt}$: one Newton step, cut off at zero, is exact. Returned
    is the sum of $|g|$ over entries that could still move (at zero only $g < 0$ can).
    """
    violation = 0.0
    for t in range(W.shape[1]):
        gradient = W @ gram[t] - products[:, t]
        free = np.where(W[:, t] == 0, np.minimum(gradient, 0.0), gradient)
        violation += float(np.abs(free).sum())
        if gram[t, t] != 0:
            W[:, t] = np.maximum(W[:, t] - gradient / gram[t, t], 0.0)
    return violation


class NMF(NumbersColumns):
    r"""Non-negative matrix factorisation X = W H, as scikit-learn's coordinate descent.

    `n_components`: k; "auto" or None for as many as features. `init`: "nndsvd"; "nndsvda", the same
    with its zeros raised to the mean of X; "random"; or None for nndsvda if k <= min(n, f), else
    random. `tol`: stop when the violation has fallen to that share of the first, or to rounding.
    `alpha_W`, `alpha_H` ("same": as `alpha_W`) and `l1_ratio`: penalties
    $f \alpha_W (\rho \|W\|_1 + (1 - \rho) \|W\|_F^2 / 2)$, and of H with n in place of f.

    Learns `components_` (H), `reconstruction_err_` (Frobenius), `n_iter_`, `n_components_`. Warns
    (ConvergenceWarning) when `max_iter` was too little. Raises ValueError for negative entries.
    Left out: the multiplicative solver, other losses than Frobenius, given W and H, `shuffle`.
    """

    tag_settings = {"positive_only": True}  # noqa: RUF012
    components_: Floats
    reconstruction_err_: float
    n_iter_: int
    n_components_: int

    def __init__(
        self,
        n_components: int | str | None = "auto",
        *,
        init: str | None = None,
        tol: float = 1e-4,
        max_iter: int = 200,
        random_state: Any = None,
        alpha_W: float = 0.0,
        alpha_H: float | str = "same",
        l1_ratio: float = 0.0,
    ) -> None:
        self.n_components = n_components
        self.init = init
        self.tol = tol
        self.max_iter = max_iter
        self.random_state = random_state
        self.alpha_W = alpha_W
        self.alpha_H = alpha_H
        self.l1_ratio = l1_ratio

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Find the parts H of the rows of X (n x f, none negative). `y` is ignored."""
        self.fit_transform(X)
        return self

    def fit_transform(self, X: ArrayLike, y: Any = None) -> Floats:
        """The same, and return W (n x k)."""
        rows: Floats = check_fit(self, X)
        refuse_overflow(rows)
        _refuse_negative(rows)
        self.n_components_ = self._count(rows)
        W, H = self._start(rows, random_generator(self.random_state))
        parts = H.T.copy()
        alpha_h, n, f = self._alpha_h(), *rows.shape
        enough, violation, self.n_iter_ = 0.0, np.inf, 0
        while violation > enough and self.n_iter_ < self.max_iter:
            of_w = self._sums(rows, parts, f, self.alpha_W)
            violation = update_columns(W, *of_w)
            of_h = self._sums(rows.T, W, n, alpha_h)
            violation += update_columns(parts, *of_h)
            if self.n_iter_ == 0:
                enough = max(self.tol * violation, _rounding(*of_w) + _rounding(*of_h))
            self.n_iter_ += 1
        if violation > enough:
            self._warn()
        self.components_ = parts.T.copy()
        self.reconstruction_err_ = float(np.linalg.norm(rows - W @ self.components_))
        return W

    def _count(self, rows: Floats) -> int:
        check_whole(self, "max_iter")
        check_number(self, "tol", "alpha_W", "l1_ratio")
        if self.l1_ratio > 1:
            raise ValueError(f"l1_ratio is {self.l1_ratio}; it must be a share, from 0 to 1")
        if self.n_components is None or self.n_components == "auto":
            return int(rows.shape[1])
        check_whole(self, "n_components")
        return int(self.n_components)

    def _alpha_h(self) -> float:
        alpha = self.alpha_W if self.alpha_H == "same" else self.alpha_H
        if self.alpha_H != "same":
            check_number(self, "alpha_H")
        return float(alpha)

    def _sums(
        self, rows: Floats, fixed: Floats, length: int, alpha: float
    ) -> tuple[Floats, Floats]:
        """What `update_columns` needs of the factor that stays, with the penalties in it."""
        products = rows @ fixed - length * alpha * self.l1_ratio
        gram = fixed.T @ fixed + length * alpha * (1 - self.l1_ratio) * np.eye(fixed.shape[1])
        return products, gram

    def _start(self, rows: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
        k, (n, f) = self.n_components_, rows.shape
        init = self.init or ("nndsvda" if k <= min(n, f) else "random")
        if init not in STARTS:
            raise ValueError(f"init is {init!r}; known are: {', '.join(STARTS)}")
        if init == "random":
            size = np.sqrt(rows.mean() / k)
            return size * np.abs(rng.normal(size=(n, k))), size * np.abs(rng.normal(size=(k, f)))
        if k > min(n, f):
            raise ValueError(
                f"init={init!r} needs n_components <= min(n_samples, n_features); {k} components "
                f"of {n} x {f} need init='random'"
            )
        W, H = nndsvd(rows, k, rng)
        if init == "nndsvda":
            W[W == 0] = H[H == 0] = rows.mean()
        return W, H

    def _warn(self) -> None:
        warnings.warn(
            f"NMF did not converge in max_iter={self.max_iter} steps; raise max_iter, or tol if "
            "parts may be rougher",
            as_caught_there(ConvergenceWarning),
            stacklevel=3,
        )

    def transform(self, X: ArrayLike) -> Floats:
        """The best W (n x k) for these rows and the parts found."""
        rows: Floats = check_predict(self, X)
        _refuse_negative(rows)
        W = np.zeros((len(rows), self.n_components_))
        products, gram = self._sums(rows, self.components_.T, rows.shape[1], self.alpha_W)
        enough = _rounding(products, gram)
        for iteration in range(self.max_iter):
            violation = update_columns(W, products, gram)
            if iteration == 0:
                enough = max(enough, self.tol * violation)
            if violation <= enough:
                return W
        self._warn()
        return W

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """W H: the rows (n x f) that the coordinates X (n x k) stand for."""
        require_fitted(self)
        coordinates: Floats = check_array(X)
        return coordinates @ self.components_


def _rounding(products: Floats, gram: Floats) -> float:
    """What the violation may be of rounding alone: k sums of terms as large as the products."""
    return len(gram) * float(np.finfo(np.float64).eps) * float(np.abs(products).sum())


def _refuse_negative(rows: Floats) -> None:
    if (rows < 0).any():
        raise ValueError("Negative values in data passed to NMF; shift or clip them to 0 and above")
