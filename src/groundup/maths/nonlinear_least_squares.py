r"""Fitting a curve: minimise half the sum of squared residuals, $f(x) = \frac12\|r(x)\|^2$.

The gradient is $J^\top r$ and the Hessian $J^\top J + \sum_i r_i \nabla^2 r_i$. Gauss and Newton
drop the second term, which is small where residuals are, so that every step is a linear
least-squares problem:

    Gauss-Newton           min_p |J p + r|^2,                then backtracking
    Levenberg-Marquardt    min_p |J p + r|^2 + mu |D p|^2,   mu adapted to how well that went

Both are solved by an orthogonal factorisation of J itself; $J^\top J$ would square the condition
number. With D the column norms seen so far, the path does not depend on the units of x. mu follows
Nielsen (1999). Sources: Levenberg (1944); Marquardt (1963); More, "The Levenberg-Marquardt
algorithm" (1978); Nocedal and Wright, "Numerical optimization" (2006), chapter 10. Left out:
bounds, robust losses.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from groundup.maths.convergence import Solution, told
from groundup.maths.finite import (
    Field,
    Floats,
    finite_vector,
    matrix_at,
    positive,
    real_array,
    vector_at,
)
from groundup.swap import replaceable


@dataclass
class _Fit:
    """Residuals and their Jacobian at a point."""

    x: Floats
    r: Floats
    J: Floats

    @property
    def value(self) -> float:
        return float(self.r @ self.r) / 2

    def settled(self, tolerance: float) -> bool:
        """Whether r is orthogonal to the columns of J: each cosine is within tolerance."""
        lengths = np.linalg.norm(self.J, axis=0) * np.linalg.norm(self.r)
        return bool((np.abs(self.J.T @ self.r) <= tolerance * lengths).all())


def _begin(residuals: Field, jacobian: Field, start: ArrayLike) -> _Fit:
    x = finite_vector(start, "start")
    r = real_array(residuals(x), "the residuals")
    if r.ndim != 1 or r.size == 0:
        raise ValueError(f"the residuals have shape {r.shape}; wanted one dimension, not empty")
    J = matrix_at(jacobian, x, "the Jacobian", r.size)
    if not (np.isfinite(r).all() and np.isfinite(J).all()):
        raise ValueError("residuals or Jacobian are not finite at the start; start elsewhere")
    return _Fit(x, r, J)


def _sum_at(residuals: Field, x: Floats, size: int) -> tuple[Floats, float]:
    r = vector_at(residuals, x, "the residuals", size)
    with np.errstate(over="ignore", invalid="ignore"):
        value = float(r @ r) / 2
    return r, value if np.isfinite(value) else np.inf


def _solution(fit: _Fit, trace: list[float], tolerance: float, message: str) -> Solution:
    arrived = fit.settled(tolerance) or message.startswith("arrived")
    return Solution(
        x=fit.x,
        value=fit.value,
        iterations=len(trace) - 1,
        converged=arrived,
        message="the residuals are orthogonal to the columns of J" if arrived else message,
        trace=np.array(trace),
    )


@replaceable
def gauss_newton(
    residuals: Field,
    jacobian: Field,
    start: ArrayLike,
    *,
    tolerance: float = 1e-8,
    steps: int = 200,
) -> Solution:
    r"""Minimise $\frac12\|r(x)\|^2$ by Gauss-Newton steps, halved until the sum falls (Armijo).

    `residuals` maps x, shape (n,), to (m,), `jacobian` to (m, n). Stops where every column of J is
    orthogonal to r, $|\cos| \le$ tolerance, or where a step no longer changes x. Returns a
    `Solution`; warns when it does not arrive. Raises ValueError for a bad start or wrong shapes.
    """
    fit = _begin(residuals, jacobian, start)
    positive(tolerance, "tolerance")
    trace = [fit.value]
    message = f"not settled after {steps} steps; raise steps, or use levenberg_marquardt"
    for _ in range(steps):
        if fit.settled(tolerance):
            break
        step = np.linalg.lstsq(fit.J, -fit.r, rcond=None)[0]
        slope, length = float(fit.r @ fit.J @ step), 1.0
        r, value = _sum_at(residuals, fit.x + step, fit.r.size)
        while value > fit.value + 1e-4 * length * slope and length > 1e-10:
            length /= 2
            r, value = _sum_at(residuals, fit.x + length * step, fit.r.size)
        if not value < fit.value:
            small = np.abs(step).max() <= tolerance * (1 + np.abs(fit.x).max())
            message = "arrived: steps no longer change x" if small else "stuck; check the Jacobian"
            break
        x = fit.x + length * step
        fit = _Fit(x, r, matrix_at(jacobian, x, "the Jacobian", r.size))
        trace.append(value)
    return told(_solution(fit, trace, tolerance, message))


@replaceable
def levenberg_marquardt(
    residuals: Field,
    jacobian: Field,
    start: ArrayLike,
    *,
    damping: float = 1e-3,
    tolerance: float = 1e-8,
    steps: int = 500,
) -> Solution:
    r"""Minimise $\frac12\|r(x)\|^2$, between Gauss-Newton ($\mu \to 0$) and short gradient steps.

    A step is taken if the sum falls. With $\rho$ the fall over the fall that the linear model
    promised, $\mu \leftarrow \mu\max(1/3, 1 - (2\rho-1)^3)$; otherwise $\mu \leftarrow \mu\nu$ and
    $\nu$ doubles. J may lack full rank. `damping` is the first $\mu$, against columns of length 1.
    Arguments, stopping and errors otherwise as `gauss_newton`.
    """
    fit = _begin(residuals, jacobian, start)
    positive(tolerance, "tolerance")
    mu, nu = positive(damping, "damping"), 2.0
    scale = np.linalg.norm(fit.J, axis=0)
    trace = [fit.value]
    message = f"not settled after {steps} steps; raise steps, or start closer"
    for _ in range(steps):
        if fit.settled(tolerance):
            break
        D = np.where(scale > 0, scale, 1.0)
        step = np.linalg.lstsq(
            np.vstack([fit.J, np.sqrt(mu) * np.diag(D)]),
            np.concatenate([-fit.r, np.zeros(D.size)]),
            rcond=None,
        )[0]
        r, value = _sum_at(residuals, fit.x + step, fit.r.size)
        linear = fit.J @ step
        promised = -float(fit.r @ linear) - float(linear @ linear) / 2
        if value < fit.value:
            rho = (fit.value - value) / max(promised, np.finfo(float).tiny)
            mu, nu = mu * max(1 / 3, 1 - (2 * min(rho, 1.0) - 1) ** 3), 2.0
            x = fit.x + step
            fit = _Fit(x, r, matrix_at(jacobian, x, "the Jacobian", r.size))
            scale = np.maximum(scale, np.linalg.norm(fit.J, axis=0))
            trace.append(value)
        elif np.abs(D * step).max() <= 1e-15 * (np.abs(D * fit.x).max() + np.abs(fit.r).max()):
            message = "arrived: steps no longer change x"
            break
        else:
            mu, nu = mu * nu, 2 * nu
    return told(_solution(fit, trace, tolerance, message))


@replaceable
def parameter_covariance(jacobian: ArrayLike, residuals: ArrayLike) -> Floats:
    r"""The covariance of fitted parameters, $\hat\sigma^2 (J^\top J)^{-1}$ with
    $\hat\sigma^2 = \|r\|^2/(m - n)$: shape (n, n).

    To first order in the noise, which must be independent and equal for all m residuals. Raises
    ValueError unless m > n, LinAlgError where J lacks full rank.
    """
    J, r = real_array(jacobian, "jacobian"), real_array(residuals, "residuals")
    if J.ndim != 2 or r.shape != J.shape[:1] or J.shape[0] <= J.shape[1]:
        raise ValueError(f"jacobian {J.shape} and residuals {r.shape}; wanted (m, n), (m,), m > n")
    _, sizes, right = np.linalg.svd(J, full_matrices=False)
    if sizes[-1] <= sizes[0] * max(J.shape) * np.finfo(float).eps:
        raise np.linalg.LinAlgError("J lacks full rank: some parameters are not determined")
    half = right.T / sizes
    covariance: Floats = half @ half.T * float(r @ r) / (J.shape[0] - J.shape[1])
    return covariance
