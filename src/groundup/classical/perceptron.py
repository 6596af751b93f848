r"""The perceptron: the first machine that learnt from its mistakes.

A sample (x, y), y = -1 or 1, on the wrong side of the plane (or on it), $y (w \cdot x + b) \le 0$,
pulls the plane towards itself: $w \leftarrow w + \eta y x$, $b \leftarrow b + \eta y$ (Rosenblatt,
"The perceptron", 1958). If some plane separates the classes with a margin, the number of mistakes
is bounded, whatever the order and the number of features (`mistake_bound`): then it stops changing.
If none does, it never settles.
"""

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.batches import check_batch
from groundup.classical.class_weights import weights_against_rest, weights_of_classes
from groundup.classical.linear_classifier import LinearClassifier
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import (
    check_fit_classes,
    check_sample_weight,
    random_generator,
)
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import is_replaced, replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Epoch = Callable[[Floats, Floats, Floats, Floats, Integers, bool], tuple[float, int]]


@replaceable
def perceptron_epoch(
    X: Floats, signs: Floats, steps: Floats, plane: Floats, order: Integers, fit_intercept: bool
) -> tuple[float, int]:
    r"""Show each sample once; the sum of $\max(0, -y (w \cdot x + b))$, and the mistakes.

    `signs`: y (n,), -1 or 1; `steps`: eta for each sample (n,); `plane`: w and b (f + 1,), changed
    where it stands; `order`: row numbers. The fast twin is
    `groundup.kernels.perceptron.perceptron_epoch`.
    """
    loss, mistakes = 0.0, 0
    for i in order:
        margin = signs[i] * (float(X[i] @ plane[:-1]) + plane[-1])
        if margin <= 0:
            loss -= margin
            mistakes += 1
            plane[:-1] += steps[i] * signs[i] * X[i]
            if fit_intercept:
                plane[-1] += steps[i] * signs[i]
    return float(loss), mistakes


@replaceable
def mistake_bound(X: Floats, signs: Floats, separator: Floats) -> float:
    r"""$(R / \gamma)^2$, the most mistakes that a perceptron can make on these samples, ever.

    $R = \max_i \|(x_i, 1)\|$ and $\gamma = \min_i y_i (w \cdot x_i + b) / \|(w, b)\|$, the margin
    of any `separator` (w, b) (f + 1,). Why: each mistake moves the plane by at least gamma along
    the separator, while its squared length grows by at most R squared (Novikoff, "On convergence
    proofs on perceptrons", 1962). Raises ValueError for a plane that does not separate.
    """
    extended = np.column_stack([X, np.ones(len(X))])
    margin = float((signs * (extended @ separator)).min()) / float(np.linalg.norm(separator))
    if not margin > 0:
        raise ValueError(
            f"the margin is {margin:.3g}; give a plane with all samples on their own sides"
        )
    radius = float(np.linalg.norm(extended, axis=1).max())
    return (radius / margin) ** 2


class Perceptron(LinearClassifier):
    """The perceptron, as scikit-learn's; more than two classes are told one from the rest.

    `eta0`: the step (it scales the plane and changes nothing else); `tol`: it stops when the mean
    loss of an epoch has not fallen by that much for `n_iter_no_change` epochs; None: never before
    `max_iter`. `class_weight`: None, "balanced", or weights by class. `shuffle`: a new order each
    epoch, from `random_state`.

    Learns `coef_`, `intercept_`, `n_iter_` (epochs, the most of any class). Warns
    (ConvergenceWarning) when `max_iter` epochs were too few. Left out: penalties, `early_stopping`
    with `validation_fraction`, `warm_start` (use `partial_fit`), `n_jobs`, sparse X.
    """

    n_iter_: int

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        eta0: float = 1.0,
        random_state: Any = 0,
        n_iter_no_change: int = 5,
        class_weight: Any = None,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.eta0 = eta0
        self.random_state = random_state
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and the classes y (n,), from a plane of zeros."""
        self._check_settings()
        rows, self.classes_, numbers = check_fit_classes(self, X, y)
        weights = check_sample_weight(sample_weight, rows)
        self._zero(rows.shape[1])
        self.n_iter_, settled = self._learn(rows, numbers, weights, self.max_iter)
        if self.tol is not None and not settled:
            warnings.warn(
                f"Maximum number of iteration reached before convergence: raise max_iter="
                f"{self.max_iter} or tol, or accept that no plane separates the classes",
                as_caught_there(ConvergenceWarning),
                stacklevel=2,
            )
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """One epoch over one more batch; the first call must name all `classes` to come."""
        self._check_settings()
        rows, numbers, first = check_batch(self, X, y, classes)
        weights = check_sample_weight(sample_weight, rows)
        if first:
            self._zero(rows.shape[1])
        self.n_iter_, _ = self._learn(rows, numbers, weights, 1)
        return self

    def _check_settings(self) -> None:
        if self.max_iter < 1 or self.n_iter_no_change < 1:
            raise ValueError(
                f"max_iter is {self.max_iter} and n_iter_no_change {self.n_iter_no_change}; "
                "both must be at least 1"
            )
        if not (np.isfinite(self.eta0) and self.eta0 > 0):
            raise ValueError(f"eta0 is {self.eta0}; the step must be finite and above 0")

    def _zero(self, features: int) -> None:
        planes = len(self.classes_) if len(self.classes_) > 2 else 1
        self.coef_, self.intercept_ = np.zeros((planes, features)), np.zeros(planes)

    def _learn(
        self, X: Floats, numbers: Integers, weights: Floats, epochs: int
    ) -> tuple[int, bool]:
        """Train each class's plane; the most epochs any took, and whether all settled."""
        of_class = weights_of_classes(self.class_weight, self.classes_, numbers)
        rng = random_generator(self.random_state)
        most, all_settled = 0, True
        for place in range(len(self.coef_)):
            k = place if len(self.coef_) > 1 else 1
            signs = np.where(numbers == k, 1.0, -1.0)
            steps = self.eta0 * weights * weights_against_rest(of_class, numbers, k)
            plane = np.append(self.coef_[place], self.intercept_[place])
            taken, settled = self._train(X, signs, steps, plane, rng, epochs)
            self.coef_[place], self.intercept_[place] = plane[:-1], plane[-1]
            most, all_settled = max(most, taken), all_settled and settled
        return most, all_settled

    def _train(
        self,
        X: Floats,
        signs: Floats,
        steps: Floats,
        plane: Floats,
        rng: np.random.Generator,
        epochs: int,
    ) -> tuple[int, bool]:
        run = chosen_epoch()
        order, best, idle = np.arange(len(X)), np.inf, 0
        for epoch in range(1, epochs + 1):
            if self.shuffle:
                order = rng.permutation(len(X))
            loss, _ = run(X, signs, steps, plane, order, self.fit_intercept)
            if self.tol is not None:
                idle = idle + 1 if loss > best - self.tol * len(X) else 0
                best = min(best, loss)
                if idle >= self.n_iter_no_change:
                    return epoch, True
        return epochs, False


def chosen_epoch() -> Epoch:
    """The compiled `perceptron_epoch`, or a learner's own where one stands in."""
    if is_replaced(perceptron_epoch):
        return perceptron_epoch
    from groundup.kernels import perceptron as fast  # compiles on first use, so not on import

    return fast.perceptron_epoch  # type: ignore[no-any-return]
