"""Made-up data for lessons, tests and benchmarks, where the truth is known.

The names and shapes are scikit-learn's, the draws are our own: a seed gives other numbers there.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.validation import random_generator

Floats = NDArray[np.float64]
Labels = NDArray[np.int64]


def make_blobs(
    n_samples: int = 100,
    n_features: int = 2,
    *,
    centers: int | ArrayLike = 3,
    cluster_std: float = 1.0,
    center_box: tuple[float, float] = (-10.0, 10.0),
    random_state: Any = None,
) -> tuple[Floats, Labels]:
    """Normal clouds of equal size around centres that are given or drawn from a box: (X, y)."""
    rng = random_generator(random_state)
    if np.ndim(centers) == 0:
        places = rng.uniform(*center_box, size=(int(np.asarray(centers)), n_features))
    else:
        places = np.asarray(centers, np.float64)
    y = rng.permutation(np.arange(n_samples) % len(places))
    return places[y] + cluster_std * rng.normal(size=(n_samples, places.shape[1])), y


def make_moons(
    n_samples: int = 100, *, noise: float = 0.0, random_state: Any = None
) -> tuple[Floats, Labels]:
    """Two half circles that hook into each other: no straight line parts them."""
    rng = random_generator(random_state)
    y = np.arange(n_samples) % 2
    angle = rng.uniform(0, np.pi, n_samples)
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    X[y == 1] = [1.0, 0.5] - X[y == 1]
    return X + noise * rng.normal(size=X.shape), y


def make_circles(
    n_samples: int = 100, *, noise: float = 0.0, factor: float = 0.8, random_state: Any = None
) -> tuple[Floats, Labels]:
    """A circle of radius 1 (class 0) around one of radius `factor` (class 1)."""
    if not 0 <= factor < 1:
        raise ValueError(f"factor is {factor!r}; the inner circle's radius lies in [0, 1)")
    rng = random_generator(random_state)
    y = np.arange(n_samples) % 2
    angle = rng.uniform(0, 2 * np.pi, n_samples)
    X = np.column_stack([np.cos(angle), np.sin(angle)]) * np.where(y == 1, factor, 1.0)[:, None]
    return X + noise * rng.normal(size=X.shape), y


def make_regression(
    n_samples: int = 100,
    n_features: int = 100,
    *,
    n_informative: int = 10,
    noise: float = 0.0,
    bias: float = 0.0,
    random_state: Any = None,
) -> tuple[Floats, Floats, Floats]:
    """(X, y, coef): y = X coef + bias + noise, with `n_informative` of the coefficients not 0."""
    rng = random_generator(random_state)
    X = rng.normal(size=(n_samples, n_features))
    coef = np.zeros(n_features)
    chosen = rng.choice(n_features, min(n_informative, n_features), replace=False)
    coef[chosen] = rng.uniform(1, 100, len(chosen))
    return X, X @ coef + bias + noise * rng.normal(size=n_samples), coef


def make_classification(
    n_samples: int = 100,
    n_features: int = 20,
    *,
    n_informative: int = 2,
    n_redundant: int = 2,
    n_classes: int = 2,
    class_sep: float = 1.0,
    flip_y: float = 0.01,
    random_state: Any = None,
) -> tuple[Floats, Labels]:
    """Classes around corners of a cube, mixtures of those columns, and columns of noise: (X, y).

    The informative columns stand first, then `n_redundant` random mixtures of them, then noise. The
    corners lie at +-`class_sep`. A share `flip_y` of the labels is drawn anew.
    """
    if n_informative + n_redundant > n_features or n_classes > 2**n_informative:
        raise ValueError(
            f"{n_informative} informative and {n_redundant} redundant columns of {n_features} "
            f"cannot hold {n_classes} classes: their sum must fit, and 2^informative corners too"
        )
    rng = random_generator(random_state)
    y = rng.permutation(np.arange(n_samples) % n_classes)
    corners = rng.choice(2**n_informative, n_classes, replace=False)
    signs = (corners[:, None] >> np.arange(n_informative) & 1) * 2.0 - 1.0
    useful = class_sep * signs[y] + rng.normal(size=(n_samples, n_informative))
    mixed = useful @ rng.uniform(-1, 1, size=(n_informative, n_redundant))
    rest = rng.normal(size=(n_samples, n_features - n_informative - n_redundant))
    flipped = rng.random(n_samples) < flip_y
    labels = np.where(flipped, rng.integers(n_classes, size=n_samples), y)
    return np.hstack([useful, mixed, rest]), labels


def make_friedman1(
    n_samples: int = 100, n_features: int = 10, *, noise: float = 0.0, random_state: Any = None
) -> tuple[Floats, Floats]:
    r"""$y = 10 \sin(\pi x_1 x_2) + 20 (x_3 - 1/2)^2 + 10 x_4 + 5 x_5$ + noise, X uniform in [0, 1].

    Friedman, "Multivariate adaptive regression splines" (1991). Columns from the sixth on tell
    nothing.
    """
    if n_features < 5:
        raise ValueError(f"n_features is {n_features}; five or more are needed")
    rng = random_generator(random_state)
    X = rng.random((n_samples, n_features))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y += 10 * X[:, 3] + 5 * X[:, 4] + noise * rng.normal(size=n_samples)
    return X, y
