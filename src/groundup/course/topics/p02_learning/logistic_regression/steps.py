"""A line that answers yes or no, what being wrong costs, and three ways to the minimum."""

import math
import warnings

import numpy as np
from numpy.typing import NDArray

from groundup.classical.logistic import LogisticRegression
from groundup.classical.logistic_loss import (
    LogisticObjective,
    binary_loss,
    multinomial_loss,
    sigmoid,
)

Array = NDArray[np.float64]

# The problem


def exam() -> tuple[Array, Array]:
    """Hours of study of twelve people, and whether they passed"""
    hours = np.array([0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 12.0])
    passed = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    return hours, passed


def straight_line() -> list[dict[str, float]]:
    """The best straight line through 0 and 1, read as a chance to pass"""
    hours, passed = exam()
    columns = np.column_stack([hours, np.ones(12)])
    w, b = np.linalg.lstsq(columns, passed, rcond=None)[0]
    return [{"hours": h, "chance to pass": float(w * h + b)} for h in (0.0, 3.0, 6.0, 12.0)]


def odds() -> list[dict[str, float]]:
    """A chance, its odds, and the logarithm of the odds"""
    return [
        {"chance": p, "odds": p / (1 - p), "log-odds": math.log(p / (1 - p))}
        for p in (0.01, 0.25, 0.5, 0.75, 0.99)
    ]


def one_more() -> list[dict[str, float]]:
    """What 1 more in the score does to a chance, from different places"""
    scores = np.array([-4.0, 0.0, 4.0])
    before, after = sigmoid(scores), sigmoid(scores + 1)
    return [
        {
            "score": z,
            "chance": p,
            "one more": q,
            "odds multiplied by": (q / (1 - q)) / (p / (1 - p)),
        }
        for z, p, q in zip(scores.tolist(), before.tolist(), after.tolist(), strict=True)
    ]


# The loss


def pulls() -> list[dict[str, float]]:
    """The answer is yes; how hard do two losses pull at the score?"""
    rows = []
    for z in (-8.0, -2.0, 0.0, 2.0):
        p = float(sigmoid(np.array([z]))[0])
        rows.append(
            {"score": z, "chance": p, "log-loss": p - 1, "squared error": 2 * (p - 1) * p * (1 - p)}
        )
    return rows


def naive_loss() -> dict[str, Array]:
    """Minus the logarithm of the chance, for a yes, from the chance and from the score"""
    z = np.array([-800.0, -2.0, 40.0])
    with np.errstate(all="ignore"):
        from_chance = -np.log(1 / (1 + np.exp(-z)))
    return {"from the chance": from_chance, "from the score": binary_loss(z, np.ones(3))[0]}


# Three ways to the minimum


def objective(l2: float = 0.01) -> LogisticObjective:
    """The exam's loss, with a small penalty"""
    hours, passed = exam()
    weights = np.full(12, 1 / 12)
    return LogisticObjective(hours[:, None], passed[None], weights, l2, fit_intercept=True)


def by_hand() -> dict[str, object]:
    """Plain gradient descent: 3,000 small steps"""
    hours, passed = exam()
    w, b = 0.0, 0.0
    for _ in range(3000):
        slopes = sigmoid(w * hours + b) - passed  # predicted less happened
        w -= 0.1 * ((slopes * hours).mean() + 0.01 * w)
        b -= 0.1 * slopes.mean()
    return {"weight": w, "intercept": b, "hours for even odds": -b / w}


def newton() -> list[dict[str, float]]:
    """Newton's method: divide the slope by the curvature"""
    found = objective()
    x = np.zeros(2)
    rows = []
    for step in range(7):
        rows.append(
            {"step": step, "loss": found.value(x), "slope": np.abs(found.gradient(x)).max()}
        )
        x = x - np.linalg.solve(found.hessian(x), found.gradient(x))
    return rows


def ours() -> dict[str, object]:
    """The library's estimator on the same data and penalty"""
    hours, passed = exam()
    model = LogisticRegression(C=1 / (0.01 * 12), tol=1e-10).fit(hours[:, None], passed)
    w, b = float(model.coef_[0, 0]), float(model.intercept_[0])
    return {"weight": w, "intercept": b, "an hour multiplies the odds by": math.exp(w)}


def odds_of_an_hour() -> float:
    """By what an hour of study multiplies the odds"""
    return float(ours()["an hour multiplies the odds by"])  # type: ignore[arg-type]


# More than two


def three_classes() -> dict[str, Array]:
    """Scores of three classes for two samples (columns), losses, and slopes"""
    scores = np.array([[2.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
    targets = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    losses, slopes = multinomial_loss(scores, targets)
    return {"losses": losses, "slopes": slopes, "sum of each column": slopes.sum(axis=0)}


# What goes wrong


def separable() -> list[dict[str, float]]:
    """Data that a line separates: the weight after so many steps, without a penalty"""
    x, y = np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0])
    w, rows = 0.0, []
    for step in range(1, 100_001):
        w -= ((sigmoid(w * x) - y) * x).mean()
        if step in (10, 100, 1000, 10_000, 100_000):
            rows.append(
                {"steps": step, "weight": w, "loss": float(binary_loss(w * x, y)[0].mean())}
            )
    return rows


def scaled() -> list[dict[str, object]]:
    """Steps to the minimum: hours beside income in cents, as they are and scaled"""
    chance = np.random.default_rng(0)
    X = np.column_stack([chance.normal(3, 1, 200), chance.normal(3e5, 1e5, 200)])
    y = (X[:, 0] + X[:, 1] / 1e5 + chance.normal(size=200) > 6).astype(int)
    rows: list[dict[str, object]] = []
    for name, data in (("as they are", X), ("scaled", (X - X.mean(0)) / X.std(0))):
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            model = LogisticRegression(max_iter=30).fit(data, y)
        right = float((model.predict(data) == y).mean())
        rows.append({"features": name, "arrived": not said, "right": right})
    return rows


def rare() -> dict[str, float]:
    """One case in fifty is a yes: cut at a half, and at the share of yes"""
    chance = np.random.default_rng(0)
    y = (np.arange(5000) % 50 == 0).astype(int)
    X = chance.normal(size=(5000, 1)) + 1.5 * y[:, None]
    p = LogisticRegression().fit(X, y).predict_proba(X)[:, 1]
    return {
        "right by always saying no": float((y == 0).mean()),
        "yes found, cut at 0.5": float((p[y == 1] > 0.5).mean()),
        "yes found, cut at 0.02": float((p[y == 1] > 0.02).mean()),
        "mean chance given": float(p.mean()),
    }
