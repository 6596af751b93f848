r"""Mutual information of each column with the target, estimated from near neighbours.

$I(x; y) = \int p(x, y) \ln \frac{p(x, y)}{p(x) p(y)}$, in nats: 0 if and only if independent, and
it finds any dependence, not lines alone. Densities are not estimated: what counts is how many
points lie nearer than the k-th neighbour, which a k-d tree finds.

Sources: Kraskov, Stoegbauer and Grassberger, "Estimating mutual information" (2004), eq. 8; Ross,
"Mutual information between discrete and continuous data sets" (2014), eq. 5. At an integer seed the
noise is scikit-learn's and so are the values, except that its search compares rounded squares, so
that against classes it now and then counts the k-th neighbour itself as nearer than the k-th
neighbour. Left out: sparse matrices, parallel jobs.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.clustering_metrics import mutual_info_score
from groundup.classical.kd_tree import KDTree
from groundup.classical.random_states import random_state_of
from groundup.classical.validation import as_numbers, check_array, refuse_non_finite
from groundup.maths.gamma_functions import digamma
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def continuous_information(x: Floats, y: Floats, n_neighbors: int = 3) -> float:
    r"""Of two continuous variables: $\psi(n) + \psi(k) - \langle \psi(n_x) + \psi(n_y) \rangle$.

    $d_i$ is the distance of point i to its k-th neighbour, the larger of those in x and in y, and
    $n_x$ counts the points (itself too) that are nearer than $d_i$ in x alone. $\psi$ is the
    digamma function. An estimate below 0 becomes 0.
    """
    radius = _joint_distances(x, y, n_neighbors)
    near_x = count_nearer(np.sort(x), x, radius)
    near_y = count_nearer(np.sort(y), y, radius)
    counts = digamma(near_x) + digamma(near_y)
    return max(0.0, float(digamma(len(x)) + digamma(n_neighbors) - counts.mean()))


@replaceable
def mixed_information(values: Floats, classes: NDArray[Any], n_neighbors: int = 3) -> float:
    r"""Of a continuous variable and classes.

    $\psi(n) + \langle \psi(k) - \psi(n_c) - \psi(m) \rangle$, where
    $d_i$ is the distance of point i to its k-th neighbour of the same class, of which there are
    $n_c$, and m counts the points of all classes (itself too) that are nearer. A class of one point
    is left out, and k is at most $n_c - 1$.
    """
    radius, size, k = (np.zeros(len(values)) for _ in range(3))
    for label in np.unique(classes):
        mine = classes == label
        count = int(mine.sum())
        size[mine] = count
        if count > 1:
            k[mine] = min(n_neighbors, count - 1)
            radius[mine] = kth_distances(values[mine], min(n_neighbors, count - 1))
    kept = size > 1
    if not kept.any():
        return 0.0
    known = values[kept]
    near = count_nearer(np.sort(known), known, radius[kept])
    mean = (digamma(k[kept]) - digamma(size[kept]) - digamma(near)).mean()
    return max(0.0, float(digamma(len(known)) + mean))


def kth_distances(values: Floats, k: int) -> Floats:
    """How far the k-th nearest other value is from each: the narrowest of k + 1 windows around it.

    The k nearest of sorted values and the value itself stand in a row, so one of the k + 1 rows of
    neighbours that hold it reaches least far.
    """
    order = np.argsort(values, kind="stable")
    padded = np.concatenate([np.full(k, -np.inf), values[order], np.full(k, np.inf)])
    n = len(values)
    middle = padded[k : k + n]
    reach = [
        np.maximum(middle - padded[k - j : k - j + n], padded[2 * k - j : 2 * k - j + n] - middle)
        for j in range(k + 1)
    ]
    distances = np.empty(n)
    distances[order] = np.min(reach, axis=0)
    return distances


def count_nearer(rising: Floats, points: Floats, radius: Floats) -> NDArray[np.int64]:
    """How many of the rising values are strictly nearer to each point than its radius, at least 1.

    The ends found by search may be off by the rounding of point +- radius; they are moved in until
    the very difference is below the radius.
    """
    low = np.searchsorted(rising, np.nextafter(points - radius, -np.inf), side="left")
    high = np.searchsorted(rising, np.nextafter(points + radius, np.inf), side="right")
    last = len(rising) - 1
    while (far := (low < high) & (points - rising[np.minimum(low, last)] >= radius)).any():
        low += far
    while (far := (low < high) & (rising[np.maximum(high - 1, 0)] - points >= radius)).any():
        high -= far
    counts: NDArray[np.int64] = np.maximum(high - low, 1)
    return counts


def _joint_distances(x: Floats, y: Floats, k: int) -> Floats:
    """The distance of each point to its k-th nearest other one, the larger of those in x and y."""
    points = np.column_stack([x, y])
    distances = KDTree(points, p=np.inf).query(points, k + 1)[0]  # the nearest is the point itself
    farthest: Floats = np.asarray(distances)[:, k]
    return farthest


def mutual_info_classif(
    X: ArrayLike,
    y: ArrayLike,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    random_state: Any = None,
) -> Floats:
    """The information, in nats, of each column of X (n x f) about the classes y.

    `discrete_features`: which columns are categories: True, False ("auto"), a mask, or numbers of
    columns. Continuous ones are scaled, and a little noise (1e-10) breaks ties.
    """
    return _information(X, np.asarray(y), True, (discrete_features, n_neighbors, random_state))


def mutual_info_regression(
    X: ArrayLike,
    y: ArrayLike,
    *,
    discrete_features: Any = "auto",
    n_neighbors: int = 3,
    random_state: Any = None,
) -> Floats:
    """The information, in nats, of each column of X (n x f) about the numbers y."""
    target = as_numbers(np.asarray(y), "y", np.float64)
    refuse_non_finite(target, "y")
    return _information(X, target, False, (discrete_features, n_neighbors, random_state))


def _information(
    X: ArrayLike, y: NDArray[Any], is_classes: bool, settings: tuple[Any, int, Any]
) -> Floats:
    discrete_features, n_neighbors, random_state = settings
    array = check_array(X).copy()
    if y.ndim != 1 or len(y) != len(array):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: [{len(array)}, {y.size}]"
        )
    is_discrete = _discrete_mask(discrete_features, array.shape[1])
    is_number = isinstance(n_neighbors, int | np.integer)
    if not is_number or not 1 <= n_neighbors < len(array):
        raise ValueError(
            f"n_neighbors is {n_neighbors!r}; it must be a whole number from 1 to the number of "
            f"samples less one ({len(array) - 1})"
        )
    draws = random_state_of(random_state)
    smooth = ~is_discrete
    if smooth.any():
        array[:, smooth] = _blurred(array[:, smooth], draws)
    if not is_classes:
        y = _blurred(y[:, None], draws)[:, 0]
    return np.array(
        [
            _one_column(column, y, bool(discrete), is_classes, n_neighbors)
            for column, discrete in zip(array.T, is_discrete, strict=True)
        ]
    )


def _one_column(x: Floats, y: NDArray[Any], x_discrete: bool, y_discrete: bool, k: int) -> float:
    if x_discrete and y_discrete:
        return mutual_info_score(*(np.unique(z, return_inverse=True)[1] for z in (x, y)))
    if x_discrete:
        return mixed_information(y, x, k)
    return mixed_information(x, y, k) if y_discrete else continuous_information(x, y, k)


def _blurred(columns: Floats, draws: np.random.RandomState) -> Floats:
    deviation = columns.std(axis=0)
    is_constant = columns.max(axis=0) == columns.min(axis=0)
    scaled = columns / np.where(is_constant | (deviation == 0), 1.0, deviation)
    size = np.maximum(1, np.abs(scaled).mean(axis=0))
    blurred: Floats = scaled + 1e-10 * size * draws.standard_normal(size=columns.shape)
    return blurred


def _discrete_mask(discrete: Any, n_features: int) -> NDArray[np.bool_]:
    if isinstance(discrete, str):
        if discrete != "auto":
            raise ValueError(f"Invalid string value for discrete_features: {discrete!r}")
        return np.zeros(n_features, bool)
    if isinstance(discrete, bool | np.bool_):
        return np.full(n_features, bool(discrete))
    chosen = np.asarray(discrete)
    if chosen.dtype.kind == "b":
        return chosen
    mask = np.zeros(n_features, bool)
    mask[chosen.astype(np.int64)] = True
    return mask
