"""Data for the tests of trees and of what is made of trees."""

import numpy as np

from groundup.classical.impurity import CRITERIA
from groundup.classical.tree_structure import GrowthRules


def table(seed, n=200, f=4):
    """Rows that float32 can hold, as scikit-learn's trees round to it."""
    return np.random.default_rng(seed).normal(size=(n, f)).astype(np.float32).astype(np.float64)


def classes(X, k=2, seed=0):
    """k classes that hang together with X, but not wholly."""
    noise = np.random.default_rng(seed).normal(size=len(X))
    score = X[:, 0] * X[:, 1 % X.shape[1]] + X[:, -1] + 0.5 * noise
    return np.digitize(score, np.quantile(score, np.arange(1, k) / k))


def numbers(X, seed=0):
    """A target that hangs together with X, but not wholly."""
    noise = np.random.default_rng(seed).normal(size=len(X))
    return X[:, 0] * X[:, 1 % X.shape[1]] + np.sin(2 * X[:, -1]) + 0.3 * noise


def rules(criterion="gini", **changed):
    """Rules without any limit."""
    free = GrowthRules(
        criterion=CRITERIA.index(criterion),
        n_classes=1 if criterion == "squared_error" else 3,
        max_depth=1000,
        min_samples_split=2,
        min_samples_leaf=1,
        max_features=1000,
        min_impurity_decrease=0.0,
        random_thresholds=False,
    )
    return free._replace(**changed)
