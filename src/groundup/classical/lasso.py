r"""Lasso and elastic net: linear regression that sets coefficients to zero.

$\min_{w,b} \frac{1}{2n} \sum_i s_i (y_i - w \cdot x_i - b)^2 + \alpha \rho \|w\|_1 +
\frac{\alpha (1 - \rho)}{2} \|w\|^2$, with weights $s_i$ of mean 1. The lasso ($\rho = 1$;
Tibshirani, "Regression shrinkage and selection via the lasso", 1996) selects features: the L1 ball
has corners, and minima lie on corners. Of features that say the same it keeps any one; the elastic
net ($\rho < 1$; Zou and Hastie, "Regularization and variable selection via the elastic net", 2005)
keeps them together.

How the minimum is found is in `groundup.classical.coordinate_descent`.
"""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.coordinate_descent import Descent, elastic_net_descent
from groundup.classical.linear import LinearModel, centre, weigh
from groundup.classical.scikit_learn import as_caught_there
from groundup.classical.validation import check_array, check_fit_target, check_sample_weight
from groundup.maths.convergence import ConvergenceWarning
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def alpha_max(X: Floats, y: Floats, l1_ratio: float = 1.0) -> float:
    r"""The least alpha at which all coefficients are zero: $\max_j |x_j \cdot y| / (n \rho)$.

    Zero is the minimum as long as no correlation with the targets exceeds the kink. X (n x f) and
    y (n,) should be centred if an intercept will be fitted. Raises ValueError for
    l1_ratio = 0, which never makes zeros.
    """
    if not 0 < l1_ratio <= 1:
        raise ValueError(f"l1_ratio is {l1_ratio}; zeros need one in (0, 1]")
    return float(np.abs(X.T @ y).max()) / (len(X) * l1_ratio)


def elastic_net_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    l1_ratio: float = 0.5,
    eps: float = 1e-3,
    alphas: int | ArrayLike = 100,
    max_iter: int = 1000,
    tol: float = 1e-4,
) -> tuple[Floats, Floats, Floats]:
    """Coefficients as the penalty falls: the alphas (a,), coefs (f x a), duality gaps (a,).

    `alphas`: penalties (they are used in falling order), or how many, spaced evenly on a log scale
    from `alpha_max` down to eps times it. Each minimum is the start of the next search, which makes
    the path hardly dearer than its end. No intercept: centre X and y first.
    """
    rows = check_array(X)
    target = np.asarray(y, np.float64)
    if target.shape != (len(rows),):
        raise ValueError(f"y has the shape {target.shape}; one target a row is wanted: {len(rows)}")
    _check_effort(max_iter, tol)
    if isinstance(alphas, int):
        largest = alpha_max(rows, target, l1_ratio)
        penalties = np.geomspace(largest, largest * eps, alphas) if largest else np.zeros(alphas)
    else:
        penalties = np.sort(np.asarray(alphas, np.float64).reshape(-1))[::-1]
    coef = np.zeros(rows.shape[1])
    coefs, gaps = np.empty((len(coef), len(penalties))), np.empty(len(penalties))
    columns = np.ascontiguousarray(rows.T)
    for place, alpha in enumerate(penalties):
        both = _penalties(float(alpha), l1_ratio, len(rows))
        found = elastic_net_descent(columns, target, coef, both, tol=tol, max_iter=max_iter)
        _warn(found, float(alpha), max_iter, tol)
        coef = coefs[:, place] = found.coef
        gaps[place] = found.gap / len(rows)
    return penalties, coefs, gaps


def lasso_path(
    X: ArrayLike,
    y: ArrayLike,
    *,
    eps: float = 1e-3,
    alphas: int | ArrayLike = 100,
    max_iter: int = 1000,
    tol: float = 1e-4,
) -> tuple[Floats, Floats, Floats]:
    """`elastic_net_path` with l1_ratio 1: which features come in, one after another."""
    return elastic_net_path(X, y, l1_ratio=1.0, eps=eps, alphas=alphas, max_iter=max_iter, tol=tol)


def _check_effort(max_iter: int, tol: float) -> None:
    if max_iter < 1:
        raise ValueError(f"max_iter is {max_iter}; at least 1 pass is needed")
    if not tol >= 0:
        raise ValueError(f"tol is {tol}; the duality gap to stop at is at least 0")


def _penalties(alpha: float, l1_ratio: float, n: int) -> tuple[float, float]:
    if not (np.isfinite(alpha) and alpha >= 0):
        raise ValueError(f"alpha is {alpha}; a penalty must be finite and at least 0")
    if not 0 <= l1_ratio <= 1:
        raise ValueError(f"l1_ratio is {l1_ratio}; it must be in [0, 1]")
    return alpha * l1_ratio * n, alpha * (1 - l1_ratio) * n


def _warn(found: Descent, alpha: float, max_iter: int, tol: float) -> None:
    if not found.converged:
        advice = (
            "with alpha=0 use LinearRegression"
            if alpha == 0
            else "raise max_iter or alpha, or scale the features"
        )
        warnings.warn(
            f"Objective did not converge in max_iter={max_iter} passes: the duality gap is "
            f"{found.gap:.3g}, above tol={tol:g} times the targets' sum of squares; {advice}",
            as_caught_there(ConvergenceWarning),
            stacklevel=3,
        )


class ElasticNet(LinearModel):
    """Linear regression with an L1 and an L2 penalty, as scikit-learn's; outputs one by one.

    `alpha`: the penalty; `l1_ratio`: rho, the share of L1; `positive`: no coefficient below zero;
    `warm_start`: begin from the last coefficients; `tol`: the duality gap to stop at, relative to
    the centred targets' sum of squares.

    Learns `coef_`, `intercept_`, `dual_gap_` (in units of the objective), `n_iter_`; with k outputs
    one each. Warns (ConvergenceWarning) when `max_iter` passes were too few. Left out:
    `precompute`, `selection` (cyclic) with `random_state`, `copy_X`, sparse X.
    """

    n_iter_: Any
    dual_gap_: Any
    tag_settings: ClassVar[dict[str, bool]] = {"multi_output": True}

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive

    def share_of_l1(self) -> float:
        """The share that the L1 penalty has, rho."""
        return self.l1_ratio

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn from X (n x f) and y, (n,) or n x k."""
        rows, target = check_fit_target(self, X, y, multi_output=True)
        weights = check_sample_weight(sample_weight, rows)
        _check_effort(self.max_iter, self.tol)
        penalties = _penalties(self.alpha, self.share_of_l1(), len(rows))
        weights = weights * (len(weights) / weights.sum())
        rows, target, x_mean, y_mean = centre(rows, target, weights, self.fit_intercept)
        rows, outputs = weigh(rows, target.reshape(len(rows), -1), weights)
        columns = np.ascontiguousarray(rows.T)
        found = []
        for one, start in zip(outputs.T, self._starts(len(outputs.T), len(columns)), strict=True):
            found.append(
                elastic_net_descent(
                    columns,
                    np.ascontiguousarray(one),
                    start,
                    penalties,
                    positive=self.positive,
                    tol=self.tol,
                    max_iter=self.max_iter,
                )
            )
            _warn(found[-1], self.alpha, self.max_iter, self.tol)
        self._keep(found, len(rows))
        self.set_plane(self.coef_, x_mean, y_mean, self.fit_intercept)
        return self

    def _starts(self, outputs: int, features: int) -> Floats:
        before = getattr(self, "coef_", None)
        if self.warm_start and before is not None and before.size == outputs * features:
            return before.reshape(outputs, features)  # type: ignore[no-any-return]
        return np.zeros((outputs, features))

    def _keep(self, found: list[Descent], n: int) -> None:
        if len(found) == 1:
            self.coef_, self.n_iter_ = found[0].coef, found[0].passes
            self.dual_gap_ = found[0].gap / n
        else:
            self.coef_ = np.array([one.coef for one in found])
            self.n_iter_ = [one.passes for one in found]
            self.dual_gap_ = np.array([one.gap for one in found]) / n


class Lasso(ElasticNet):
    """Linear regression with an L1 penalty, as scikit-learn's: an elastic net with l1_ratio 1."""

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
    ) -> None:
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.warm_start = warm_start
        self.positive = positive

    def share_of_l1(self) -> float:
        """1: there is no L2 penalty."""
        return 1.0
