r"""Two experiments on bias and variance, as data: the U of polynomial degrees, and double descent.

With more freedom bias falls and variance rises, so the error of ever higher polynomials goes down
and up again. Far beyond the point where a model can pass through every training row it may fall a
second time, if of all such models the smallest is taken (Belkin, Hsu, Ma and Mandal, "Reconciling
modern machine-learning practice and the classical bias-variance trade-off", 2019).
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.classical.bias_variance import repeated_predictions, squared_decomposition
from groundup.classical.linear import LinearRegression
from groundup.classical.pipeline import make_pipeline
from groundup.classical.polynomial import PolynomialFeatures
from groundup.classical.validation import random_generator
from groundup.swap import replaceable

Floats = NDArray[np.float64]


def wave(x: Floats) -> Floats:
    r"""$\sin(2 \pi x)$, the curve to be learned (Bishop, 2006, section 1.1)."""
    return np.sin(2 * np.pi * x)


def polynomial_errors(
    degrees: Sequence[int] = tuple(range(10)),
    *,
    n_samples: int = 25,
    noise: float = 0.3,
    repeats: int = 200,
    truth: Callable[[Floats], Floats] = wave,
    random_state: Any = None,
) -> list[dict[str, float]]:
    """For each degree: `degree`, `bias` (squared), `variance`, `noise`, `error`, `train_error`.

    x is uniform in [-1/2, 1/2], y = truth(x) + a normal error of deviation `noise`. All degrees see
    the same training sets. `error` is the sum of the parts; `train_error`, the mean squared
    residual on the training rows, falls all the way.
    """
    points = np.linspace(-0.5, 0.5, 101)
    seed = int(random_generator(random_state).integers(2**32))

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        x = rng.uniform(-0.5, 0.5, n_samples)
        return x[:, None], truth(x) + noise * rng.normal(size=n_samples)

    table = []
    for degree in degrees:
        model = make_pipeline(PolynomialFeatures(degree), LinearRegression())
        answers = repeated_predictions(
            model, draw, points[:, None], repeats=repeats, random_state=seed
        )
        parts = squared_decomposition(answers, truth(points), noise**2).means()
        rng = np.random.default_rng(seed)
        residuals = [_train_error(model, *draw(rng)) for _ in range(repeats)]
        table.append({"degree": degree, **parts, "train_error": float(np.mean(residuals))})
    return table


def _train_error(model: Any, X: Floats, y: Floats) -> float:
    return float(((model.fit(X, y).predict(X) - y) ** 2).mean())


@replaceable
def smallest_solution(A: Floats, b: Floats) -> Floats:
    """Of all w that make |A w - b| least, the one of least norm: $A^+ b$."""
    return np.asarray(np.linalg.lstsq(A, b, rcond=None)[0], np.float64)


def double_descent(
    widths: Sequence[int] = (5, 10, 20, 30, 36, 40, 44, 50, 80, 160, 400),
    *,
    n_samples: int = 40,
    n_inputs: int = 10,
    noise: float = 0.2,
    repeats: int = 20,
    random_state: Any = None,
) -> list[dict[str, float]]:
    r"""For each width: `width`, `error` on new points, `train_error`, `norm` of the weights.

    The model is $\sum_j w_j \max(0, u_j \cdot x)$ with random directions $u_j$ that are not
    learned; the truth is a random linear function. The error peaks where there are as many as rows:
    there the only solution passes through every noisy row with huge weights.
    """
    rng = random_generator(random_state)
    rows: dict[int, list[tuple[float, float, float]]] = {width: [] for width in widths}
    for _ in range(repeats):
        slope = rng.normal(size=n_inputs) / np.sqrt(n_inputs)
        X, points = rng.normal(size=(n_samples, n_inputs)), rng.normal(size=(500, n_inputs))
        y = X @ slope + noise * rng.normal(size=n_samples)
        directions = rng.normal(size=(n_inputs, max(widths))) / np.sqrt(n_inputs)
        for width in widths:
            features, tests = (np.maximum(0.0, Z @ directions[:, :width]) for Z in (X, points))
            weights = smallest_solution(features, y)
            missed = ((tests @ weights - points @ slope) ** 2).mean()
            train = ((features @ weights - y) ** 2).mean()
            rows[width].append((float(missed), float(train), float(np.linalg.norm(weights))))
    names = ("error", "train_error", "norm")
    return [
        {"width": width, **dict(zip(names, np.median(found, axis=0).tolist(), strict=True))}
        for width, found in rows.items()
    ]
