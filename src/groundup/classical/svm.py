r"""Support vector machines with kernels, as scikit-learn's `SVC` and `SVR`.

The machine is $f(x) = \sum_t \beta_t k(x_t, x) + b$, the flattest function of the kernel's space
that keeps its distance from the samples: for classes $y f(x) \ge 1 - \xi$, for numbers
$|y - f(x)| \le \epsilon + \xi$, at the price of $C \sum \xi$ (Cortes and Vapnik, "Support-vector
networks", 1995; Smola and Scholkopf, "A tutorial on support vector regression", 2004). Only samples
at the margin or beyond it have $\beta_t \ne 0$: the support vectors. The optimisation is in `smo`.

The kernel matrix of the samples is held in memory: 8 n^2 bytes, of two classes at a time.
"""

import warnings
from collections.abc import Callable
from itertools import combinations
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.class_weights import sample_weights_of_classes
from groundup.classical.estimator import Classifier, Estimator, Regressor, require_fitted
from groundup.classical.kernel_functions import gamma_of, kernel_matrix
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.smo import MOST_STEPS, Dual, solve
from groundup.classical.validation import (
    check_fit_classes,
    check_fit_target,
    check_predict,
    check_sample_weight,
)
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Kernel = str | Callable[[Floats, Floats], Any]


class KernelMachine(Estimator):
    """What both machines share: the kernel, and the sum over the support vectors."""

    kernel: Kernel
    degree: int
    gamma: str | float
    coef0: float
    tol: float
    C: float
    max_steps: ClassVar[int] = MOST_STEPS
    """Steps after which a machine gives up, and warns."""
    support_: Integers
    support_vectors_: Floats
    dual_coef_: Floats
    intercept_: Floats
    n_iter_: Any
    kkt_residual_: float

    @property
    def coef_(self) -> Floats:
        """The plane in the space of the features, machines x f; of the linear kernel alone."""
        require_fitted(self, "support_")
        if self.kernel != "linear":
            raise AttributeError("coef_ is only available when using a linear kernel")
        planes: Floats = self.coefficients().T @ self.support_vectors_
        return planes

    def coefficients(self) -> Floats:
        """The factor of each support vector in each machine, vectors x machines."""
        return self.dual_coef_.T

    def start(self, X: Floats) -> None:
        """Check the parameters; fix the kernel's width."""
        if not 0 < self.C < np.inf:
            raise ValueError(f"C is {self.C}; it must be a number above 0")
        if not 0 < self.tol < np.inf:
            raise ValueError(f"tol is {self.tol}; it must be a number above 0")
        if not (isinstance(self.degree, int | np.integer) and self.degree >= 0):
            raise ValueError(f"degree is {self.degree!r}; it is a whole number from 0 up")
        if self.kernel == "precomputed" and X.shape[0] != X.shape[1]:
            raise ValueError(
                "Precomputed matrix must be a square matrix. Input is a "
                f"{X.shape[0]}x{X.shape[1]} matrix."
            )
        self._gamma = gamma_of(self.gamma, X)

    def matrix(self, X: Floats, Y: Floats) -> Floats:
        """The kernel of all pairs of rows, n x m."""
        return kernel_matrix(
            self.kernel, X, Y, gamma=self._gamma, coef0=self.coef0, degree=self.degree
        )

    def matrix_of_samples(self, X: Floats, rows: Integers) -> Floats:
        """The kernel of some of the samples among themselves."""
        if self.kernel == "precomputed":
            return np.asarray(X[np.ix_(rows, rows)])
        some = X[rows]
        return self.matrix(some, some)

    def keep_support(self, X: Floats, support: Integers) -> None:
        """Keep the support vectors; of a precomputed kernel their places."""
        self.support_ = support.astype(np.int32)
        precomputed = self.kernel == "precomputed"
        self.support_vectors_ = np.empty((0, 0)) if precomputed else X[support]

    def values(self, X: ArrayLike) -> Floats:
        """What each machine says of each row, n x machines."""
        rows = check_predict(self, X)
        if self.kernel == "precomputed" or not len(self.support_):
            products = rows[:, self.support_]
        else:
            products = self.matrix(rows, self.support_vectors_)
        values: Floats = products @ self.coefficients() + self.intercept_
        return values

    def warn_unless(self, duals: list[Dual]) -> None:
        """Keep the steps and the worst residual; warn where an optimisation gave up."""
        steps = np.array([dual.steps for dual in duals], np.int32)
        self.n_iter_ = steps if self.kind == "classifier" else int(steps[0])
        self.kkt_residual_ = max(dual.residual for dual in duals)
        if not all(dual.converged for dual in duals):
            warnings.warn(
                f"The machine stopped after {self.max_steps} steps with a residual of "
                f"{self.kkt_residual_:.3g}, above tol={self.tol:g}. Scale the features, lower C or "
                "raise tol.",
                as_caught_there(ConvergenceWarning),
                stacklevel=3,
            )


@replaceable
def shares_of_votes(values: Floats, n_classes: int) -> Floats:
    r"""Scores of k classes (n x k) from machines for each two of them (n x k (k - 1) / 2).

    A positive value of the machine for i and j is a vote for i. To the votes of a class the sum s
    of its values is added as $s / (3 (|s| + 1))$, which is below 1/3: it decides between classes of
    equal votes and no others.
    """
    votes, sums = np.zeros((len(values), n_classes)), np.zeros((len(values), n_classes))
    for machine, (i, j) in enumerate(combinations(range(n_classes), 2)):
        for_j = values[:, machine] < 0
        votes[:, i] += ~for_j
        votes[:, j] += for_j
        sums[:, i] += values[:, machine]
        sums[:, j] -= values[:, machine]
    return np.asarray(votes + sums / (3 * (np.abs(sums) + 1)))


class SVC(Classifier, KernelMachine):
    """A support vector machine that tells classes apart, one for each two of them.

    `C`: the price of being on the wrong side of the margin; `kernel`: linear, poly, rbf, sigmoid,
    laplacian, precomputed (X is then the kernel matrix), or a function of (X, Y); `degree`, `gamma`
    ("scale", "auto" or a number) and `coef0`: see `kernel_functions`; `tol`: of the residual of the
    Karush-Kuhn-Tucker conditions; `class_weight`: factors of C, see `class_weights`;
    `decision_function_shape`: "ovr" (a score a class) or "ovo" (a value for each two).

    Learns `support_`, `support_vectors_`, `n_support_`, `dual_coef_`, `intercept_`, `classes_`,
    `n_iter_` and `kkt_residual_`. Warns (ConvergenceWarning) after ten million steps. Samples of
    weight w have the price w C; those of weight 0 are left out.
    Left out: `probability` (calibrate instead), `shrinking`, `cache_size`, `break_ties`,
    `max_iter`.
    """

    n_support_: NDArray[np.int32]

    def __init__(
        self,
        *,
        C: float = 1.0,
        kernel: Kernel = "rbf",
        degree: int = 3,
        gamma: str | float = "scale",
        coef0: float = 0.0,
        tol: float = 1e-3,
        class_weight: Any = None,
        decision_function_shape: str = "ovr",
    ) -> None:
        self.C = C
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.class_weight = class_weight
        self.decision_function_shape = decision_function_shape

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the machines of rows X (n x f) and their classes y (n,)."""
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        if self.decision_function_shape not in ("ovr", "ovo"):
            raise ValueError(
                f"decision_function_shape is {self.decision_function_shape!r}; it is ovr or ovo"
            )
        self.start(rows)
        bounds = self.C * weights
        bounds *= sample_weights_of_classes(self.class_weight, self.classes_, numbers)
        if len(np.unique(numbers[bounds > 0])) < len(self.classes_):
            raise ValueError(
                "Invalid input - all samples of some class have zero or negative weights."
            )
        self._fit_pairs(rows, numbers, bounds)
        return self

    def _fit_pairs(self, X: Floats, numbers: Integers, bounds: Floats) -> None:
        pairs = list(combinations(range(len(self.classes_)), 2))
        machines, duals = np.zeros((len(X), len(pairs))), []
        for place, (i, j) in enumerate(pairs):
            some = np.flatnonzero(((numbers == i) | (numbers == j)) & (bounds > 0))
            signs = np.where(numbers[some] == i, 1.0, -1.0)
            K = self.matrix_of_samples(X, some)
            dual = solve(K, signs, signs, bounds[some], self.tol, self.max_steps)
            machines[some, place] = signs * dual.alpha
            duals.append(dual)
        support = np.flatnonzero(machines.any(axis=1))
        support = support[np.argsort(numbers[support], kind="stable")]
        self.keep_support(X, support)
        self.n_support_ = np.bincount(numbers[support], minlength=len(self.classes_)).astype(
            np.int32
        )
        self._machines = machines[support]
        self.intercept_ = np.array([dual.intercept for dual in duals])
        if len(pairs) == 1:  # of two classes the second has the positive side
            self._machines, self.intercept_ = -self._machines, -self.intercept_
        self.dual_coef_ = self._compact(numbers[support], pairs)
        self.warn_unless(duals)

    def _compact(self, numbers: Integers, pairs: list[tuple[int, int]]) -> Floats:
        """LIBSVM's form, (k - 1) x vectors: each vector is in the k - 1 machines of its class."""
        compact = np.zeros((len(self.classes_) - 1, len(numbers)))
        for place, (i, j) in enumerate(pairs):
            compact[j - 1, numbers == i] = self._machines[numbers == i, place]
            compact[i, numbers == j] = self._machines[numbers == j, place]
        return compact

    def coefficients(self) -> Floats:
        """The factor of each support vector in each machine, vectors x machines."""
        return self._machines

    def decision_function(self, X: ArrayLike) -> Floats:
        """Of two classes the value of the machine (n,), positive for the second class.

        Of more, scores n x k, or for "ovo" the values of the machines, n x k (k - 1) / 2.
        """
        values = self.values(X)
        if values.shape[1] == 1:
            return values[:, 0]
        if self.decision_function_shape == "ovo":
            return values
        return shares_of_votes(values, len(self.classes_))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the most votes, the first of equals."""
        values = self.values(X)
        if values.shape[1] == 1:
            best = (values[:, 0] > 0).astype(np.int64)
        else:
            scores = shares_of_votes(values, len(self.classes_))
            best = np.rint(scores).argmax(axis=1)  # the votes: what is added is below a third
        chosen: NDArray[Any] = self.classes_[best]
        return chosen


class SVR(Regressor, KernelMachine):
    """A support vector machine that predicts numbers.

    `epsilon`: how far off is no error; `C`: the price of what is farther off; others as `SVC`'s.
    Learns `support_`, `support_vectors_`, `dual_coef_` (1 x vectors), `intercept_`, `n_iter_` and
    `kkt_residual_`. Left out: `shrinking`, `cache_size`, `max_iter`.
    """

    def __init__(
        self,
        *,
        kernel: Kernel = "rbf",
        degree: int = 3,
        gamma: str | float = "scale",
        coef0: float = 0.0,
        tol: float = 1e-3,
        C: float = 1.0,
        epsilon: float = 0.1,
    ) -> None:
        self.kernel = kernel
        self.degree = degree
        self.gamma = gamma
        self.coef0 = coef0
        self.tol = tol
        self.C = C
        self.epsilon = epsilon

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Find the machine of rows X (n x f) and numbers y (n,).

        Each sample has two variables: one pulls f up at it, the other down.
        """
        rows, target = check_fit_target(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        if not 0 <= self.epsilon < np.inf:
            raise ValueError(f"epsilon is {self.epsilon}; it must be a number from 0 up")
        self.start(rows)
        some = np.flatnonzero(weights > 0)
        signs = np.repeat([1.0, -1.0], len(some))
        scores = np.concatenate([target[some] - self.epsilon, target[some] + self.epsilon])
        bounds = np.tile(self.C * weights[some], 2)
        K = self.matrix_of_samples(rows, some)
        dual = solve(K, signs, scores, bounds, self.tol, self.max_steps)
        up, down = np.split(dual.alpha, 2)
        factors = up - down
        self.keep_support(rows, some[factors != 0])
        self.dual_coef_ = factors[factors != 0][None, :]
        self.n_support_ = np.array([len(self.support_)], np.int32)
        self.intercept_ = np.array([dual.intercept])
        self.warn_unless([dual])
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The value of the machine at each row, (n,)."""
        return self.values(X)[:, 0]
