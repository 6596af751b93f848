"""Nearest neighbours with scikit-learn's conventions: what is near is alike.

Nothing is learned but where the samples are; all work is in the search (Cover and Hart, "Nearest
neighbor pattern classification", 1967: with ever more samples one neighbour is wrong at most twice
as often as the best possible rule). Features should be on one scale first.

Equally near samples come in the order of the training set, by either algorithm.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Classifier, Estimator, Regressor, require_fitted
from groundup.classical.kd_tree import KDTree
from groundup.classical.neighbor_search import find_nearest, within
from groundup.classical.validation import (
    check_fit,
    check_fit_classes,
    check_fit_target,
    check_predict,
)
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
METRICS = {"euclidean": 2.0, "manhattan": 1.0, "cityblock": 1.0, "chebyshev": np.inf}
"""Names of Minkowski's distances and their exponents."""
MOST_FEATURES = 15
"""In more dimensions than this nearly all boxes of a k-d tree are near, and it is no help."""


@replaceable
def inverse_distances(distances: Floats) -> Floats:
    """Weights 1 / d (n x k); in a row that has distances of 0, 1 for those and 0 for the others."""
    is_same = distances == 0
    weights = 1.0 / np.where(is_same, 1.0, distances)
    return np.where(is_same.any(axis=1, keepdims=True), is_same.astype(np.float64), weights)


class Neighbors(Estimator):
    """What all members share: the samples, and the search among them."""

    n_neighbors: int
    algorithm: str
    leaf_size: int
    p: float
    metric: str
    n_features_in_: int
    n_samples_fit_: int
    effective_metric_: str

    def remember(self, X: Floats) -> None:
        """Keep the rows X (n x f), in a k-d tree where that helps."""
        if self.algorithm not in ("auto", "brute", "kd_tree"):
            raise ValueError(f"algorithm is {self.algorithm!r}; known are: auto, brute and kd_tree")
        _check_count(self.n_neighbors)
        self._samples, self._exponent = X, self._exponent_of_metric()
        self.n_samples_fit_, self.effective_metric_ = len(X), self.metric
        helps = X.shape[1] <= MOST_FEATURES and self.n_neighbors < len(X) // 2
        wants_tree = self.algorithm == "kd_tree" or (self.algorithm == "auto" and helps)
        self._tree = KDTree(X, self.leaf_size, self._exponent) if wants_tree else None
        self._fit_method = "kd_tree" if wants_tree else "brute"

    def _exponent_of_metric(self) -> float:
        if self.metric == "minkowski":
            if not self.p >= 1:
                raise ValueError(f"p is {self.p}; Minkowski's distance needs at least 1")
            return float(self.p)
        if self.metric not in METRICS:
            raise ValueError(
                f"metric is {self.metric!r}; known are: minkowski, {', '.join(METRICS)}"
            )
        return METRICS[self.metric]

    def kneighbors(
        self,
        X: ArrayLike | None = None,
        n_neighbors: int | None = None,
        return_distance: bool = True,
    ) -> Any:
        """Distances and numbers (n x k) of the nearest samples; of the samples themselves for None.

        A sample is not its own neighbour. Raises ValueError for more neighbours than there are.
        """
        require_fitted(self)
        k = self.n_neighbors if n_neighbors is None else n_neighbors
        _check_count(k)
        needed = k + (X is None)
        if needed > self.n_samples_fit_:
            raise ValueError(
                f"Expected n_neighbors {'<' if X is None else '<='} n_samples_fit, but "
                f"n_neighbors = {k}, n_samples_fit = {self.n_samples_fit_}"
            )
        rows = self._samples if X is None else check_predict(self, X)
        distances, numbers = self._search(rows, needed)
        if X is None:
            distances, numbers = _without_self(distances, numbers)
        return (distances, numbers) if return_distance else numbers

    def _search(self, rows: Floats, k: int) -> tuple[Floats, Integers]:
        if self._tree is None:
            return find_nearest(rows, self._samples, k, self._exponent)
        found: Any = self._tree.query(rows, k)
        return found[0], found[1]


def _check_count(k: Any) -> None:
    if not isinstance(k, int | np.integer) or isinstance(k, bool):
        raise TypeError(f"n_neighbors does not take {type(k)} value, enter integer value")
    if k < 1:
        raise ValueError(f"Expected n_neighbors > 0. Got {k}")


def _without_self(distances: Floats, numbers: Integers) -> tuple[Floats, Integers]:
    """Take each row's own number out; where equal rows pushed it out, the last one."""
    is_self = numbers == np.arange(len(numbers))[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    shape = (len(numbers), numbers.shape[1] - 1)
    return distances[~is_self].reshape(shape), numbers[~is_self].reshape(shape)


class NearestNeighbors(Neighbors):
    """The search alone, as scikit-learn's.

    `n_neighbors`: how many `kneighbors` gives; `radius`: how far `radius_neighbors` looks;
    `algorithm`: brute, kd_tree, or auto (a tree in up to 15 dimensions); `leaf_size`: of the tree;
    `metric`: minkowski with exponent `p`, euclidean, manhattan or chebyshev.
    Left out: ball trees, other metrics, graphs, sparse X, `n_jobs`.
    """

    def __init__(
        self,
        *,
        n_neighbors: int = 5,
        radius: float = 1.0,
        algorithm: str = "auto",
        leaf_size: int = 30,
        metric: str = "minkowski",
        p: float = 2,
    ) -> None:
        self.n_neighbors = n_neighbors
        self.radius = radius
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.metric = metric
        self.p = p

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Remember the rows X (n x f). `y` is ignored."""
        self.remember(check_fit(self, X))
        return self

    def radius_neighbors(
        self,
        X: ArrayLike | None = None,
        radius: float | None = None,
        return_distance: bool = True,
        sort_results: bool = False,
    ) -> Any:
        """Distances and numbers, as arrays of arrays, of all samples within the radius of each row.

        For X None those of the samples themselves, without each one itself.
        """
        require_fitted(self)
        far = self.radius if radius is None else radius
        if not far >= 0:
            raise ValueError(f"radius is {far}; it must be at least 0")
        rows = self._samples if X is None else check_predict(self, X)
        tree = self._tree
        if tree is not None:
            found, away = tree.query_radius(rows, far, return_distance=True)
        else:
            counts, every, numbers = within(rows, self._samples, far, self._exponent)
            found, away = np.empty(len(rows), object), np.empty(len(rows), object)
            cuts = np.cumsum(counts)[:-1]
            found[:], away[:] = np.split(numbers, cuts), np.split(every, cuts)
        for row in range(len(rows)):
            keep = found[row] != (row if X is None else -1)
            found[row], away[row] = found[row][keep], away[row][keep]
            if sort_results:
                order = np.lexsort((found[row], away[row]))
                found[row], away[row] = found[row][order], away[row][order]
        return (away, found) if return_distance else found


class KNeighborsClassifier(Classifier, Neighbors):
    """The most frequent class among the k nearest samples, as scikit-learn's.

    `weights`: uniform, distance (a neighbour counts 1 / d), or a function from distances (n x k) to
    weights; the others are those of `NearestNeighbors`.
    Left out: several outputs, and what `NearestNeighbors` leaves out.
    """

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: str | Callable[[Floats], Floats] = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Remember the rows X (n x f) and their classes y (n,)."""
        _check_weights(self.weights)
        rows, self.classes_, self._y = check_fit_classes(self, X, y)
        self.remember(rows)
        return self

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Each class's share of the neighbours' weights, n x k."""
        distances, numbers = self.kneighbors(X)
        weights = weights_of(self.weights, distances)
        classes = self._y[numbers]
        shares = np.zeros((len(numbers), len(self.classes_)))
        for place in range(numbers.shape[1]):
            np.add.at(shares, (np.arange(len(numbers)), classes[:, place]), weights[:, place])
        total = shares.sum(axis=1, keepdims=True)
        if (total == 0).any():
            raise ValueError(
                "All neighbors of some sample is getting zero weights. Please modify 'weights' to "
                "avoid this case if you are using a user-defined function."
            )
        return np.asarray(shares / total)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of the largest share, the first of equals."""
        most = self.predict_proba(X).argmax(axis=1)
        chosen: NDArray[Any] = self.classes_[most]
        return chosen


class KNeighborsRegressor(Regressor, Neighbors):
    """The mean of the k nearest samples' targets, as scikit-learn's; y may have several outputs.

    Parameters are those of `KNeighborsClassifier`.
    """

    tag_settings = {"multi_output": True}  # noqa: RUF012

    def __init__(
        self,
        n_neighbors: int = 5,
        *,
        weights: str | Callable[[Floats], Floats] = "uniform",
        algorithm: str = "auto",
        leaf_size: int = 30,
        p: float = 2,
        metric: str = "minkowski",
    ) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.algorithm = algorithm
        self.leaf_size = leaf_size
        self.p = p
        self.metric = metric

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Remember the rows X (n x f) and their targets y, (n,) or n x outputs."""
        _check_weights(self.weights)
        rows, self._y = check_fit_target(self, X, y, multi_output=True)
        self.remember(rows)
        return self

    def predict(self, X: ArrayLike) -> Floats:
        """The weighted mean of the neighbours' targets, (n,) or n x outputs."""
        distances, numbers = self.kneighbors(X)
        weights = weights_of(self.weights, distances)
        targets = self._y[numbers]
        if targets.ndim == 3:
            weights = weights[:, :, None]
        return np.asarray((targets * weights).sum(axis=1) / weights.sum(axis=1))


def _check_weights(weights: Any) -> None:
    if not callable(weights) and weights not in ("uniform", "distance"):
        raise ValueError(f"weights is {weights!r}; it is uniform, distance, or a function")


def weights_of(weights: str | Callable[[Floats], Floats], distances: Floats) -> Floats:
    """How much each neighbour counts, n x k."""
    if callable(weights):
        return np.asarray(weights(distances), np.float64)
    return np.ones_like(distances) if weights == "uniform" else inverse_distances(distances)
