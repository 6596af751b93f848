r"""Agglomerative clustering: merge the two nearest clusters, again and again, into a tree.

A *linkage* says how far a merged cluster is from any other one. For the methods here the update of
Lance and Williams ("A general theory of classificatory sorting strategies", 1967) needs only the
distances of its two parts, and a merged cluster is never nearer to another than its nearer part was
("reducible"). So pairs that are each other's nearest may be merged in any order, and following
nearest neighbours in a chain finds such pairs in O(n^2) steps in all (Murtagh, "A survey of recent
advances in hierarchical clustering algorithms", 1983; Muellner, "Modern hierarchical,
agglomerative clustering algorithms", 2011, section 3.2). Memory is n^2 distances.

The tree has SciPy's form: row t of Z is (a, b, height, size): clusters a < b, of `size` rows
together, merged at that height into cluster n + t. Left out: centroid and median linkage, whose
heights may fall; constraints on which rows may be merged.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import pairwise_distances
from groundup.classical.validation import check_array
from groundup.swap import replaceable

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
METHODS = ("ward", "complete", "average", "weighted", "single")
"""Ways to measure the distance between clusters."""


@replaceable
def merged_distances(
    method: str, to_a: Floats, to_b: Floats, between: float, sizes: tuple[float, float, Floats]
) -> Floats:
    r"""The distances of all clusters c from the merger of a and b (Lance and Williams).

    single: $\min(d_{ca}, d_{cb})$; complete: $\max$; weighted: their mean; average: their mean
    weighted by sizes; ward: $\sqrt{((n_c + n_a) d_{ca}^2 + (n_c + n_b) d_{cb}^2 - n_c d_{ab}^2)
    / (n_a + n_b + n_c)}$, which for Euclidean distances is the root of twice what merging adds to
    the sum of squares (Ward, "Hierarchical grouping to optimize an objective function", 1963).
    `to_a`, `to_b`: (n,); `between`: d_ab; `sizes`: n_a, n_b and all n_c.
    """
    a, b, c = sizes
    if method == "single":
        return np.minimum(to_a, to_b)
    if method == "complete":
        return np.maximum(to_a, to_b)
    if method == "weighted":
        return (to_a + to_b) / 2
    if method == "average":
        return (a * to_a + b * to_b) / (a + b)
    squared = ((c + a) * to_a**2 + (c + b) * to_b**2 - c * between**2) / (a + b + c)
    return np.sqrt(np.maximum(squared, 0.0))


def linkage(X: ArrayLike, method: str = "ward", metric: str = "euclidean") -> Floats:
    """The tree Z ((n - 1) x 4) of the rows of X (n x f).

    `method`: one of METHODS; `metric`: one that `pairwise_distances` knows, or "precomputed", for
    which X is a symmetric n x n matrix of distances. Raises ValueError for an unknown method, ward
    with other than Euclidean distances, fewer than two rows, and a matrix that is no distances.
    """
    if method not in METHODS:
        raise ValueError(f"the linkage is {method!r}; known are: {', '.join(METHODS)}")
    if method == "ward" and metric not in ("euclidean", "precomputed"):
        raise ValueError(f"ward needs Euclidean distances; metric is {metric!r}")
    if metric == "precomputed":
        distances = check_distances(X)
    else:
        distances = pairwise_distances(check_array(X, min_samples=2), metric=metric)
    return sorted_tree(nearest_neighbour_chain(distances, method))


def check_distances(X: ArrayLike) -> Floats:
    """A copy of X as distances of at least two things: symmetric, not negative, zero diagonal."""
    distances: Floats = check_array(X, min_samples=2).copy()
    if distances.shape[0] != distances.shape[1]:
        raise ValueError(f"Distance matrix should be square, got matrix of shape {distances.shape}")
    largest = float(np.abs(distances).max())
    if np.abs(distances - distances.T).max() > 1e-8 * largest or (distances < 0).any():
        raise ValueError("distances must be symmetric and none negative")
    if np.diag(distances).any():
        raise ValueError("the distance of a row from itself, on the diagonal, must be zero")
    return distances


@replaceable
def nearest_neighbour_chain(distances: Floats, method: str) -> Floats:
    """All merges as (a, b, height, size), in the order found; a and b are rows of the clusters.

    From a cluster go to its nearest, from there to that one's nearest, ...: the distances fall, so
    the chain ends in two that are each other's nearest. They are merged, and what is left of the
    chain goes on. A cluster lives in the place of one of its rows; `distances` (n x n) is used up.
    """
    n = len(distances)
    np.fill_diagonal(distances, np.inf)
    size = np.ones(n)
    merges = np.empty((n - 1, 4))
    chain: list[int] = []
    for t in range(n - 1):
        if not chain:
            chain.append(int(np.argmax(size > 0)))
        while True:
            tip = chain[-1]
            nearest = int(np.argmin(distances[tip]))
            if len(chain) > 1 and distances[tip, chain[-2]] <= distances[tip, nearest]:
                break  # the one before is as near: of equals it is preferred, or chains may circle
            chain.append(nearest)
        b, a = chain.pop(), chain.pop()
        height = distances[a, b]
        merges[t] = a, b, height, size[a] + size[b]
        alive = size > 0
        to_merged = merged_distances(
            method,
            distances[a, alive],
            distances[b, alive],
            height,
            (size[a], size[b], size[alive]),
        )
        distances[b, alive] = distances[alive, b] = to_merged
        distances[a] = distances[:, a] = distances[b, b] = np.inf
        size[b] += size[a]
        size[a] = 0
    return merges


@replaceable
def sorted_tree(merges: Floats) -> Floats:
    """Merges between rows, in any order, as SciPy's Z: by height, clusters by their numbers."""
    n = len(merges) + 1
    tree = merges[np.argsort(merges[:, 2], kind="stable")]
    parent = list(range(2 * n - 1))

    def find(row: int) -> int:
        root = row
        while parent[root] != root:
            root = parent[root]
        while parent[row] != root:  # all on the way point to the root from now on
            parent[row], row = root, parent[row]
        return root

    for t in range(n - 1):
        a, b = sorted((find(int(tree[t, 0])), find(int(tree[t, 1]))))
        parent[a] = parent[b] = n + t
        tree[t, :2] = a, b
    return tree


@replaceable
def cut(tree: Floats, n_clusters: int) -> Integers:
    """The labels (n,) when all but the last `n_clusters` - 1 merges are done.

    Clusters are numbered by their first rows. Raises ValueError unless 1 <= n_clusters <= n.
    """
    n = len(tree) + 1
    if not 1 <= n_clusters <= n:
        raise ValueError(f"n_clusters is {n_clusters}; {n} rows can be cut into 1 to {n}")
    owner = np.arange(2 * n - 1)
    for t in range(n - n_clusters - 1, -1, -1):  # from the top: a cluster hands down its owner
        a, b = tree[t, :2].astype(np.int64)
        owner[a] = owner[b] = owner[n + t]
    roots, first, labels = np.unique(owner[:n], return_index=True, return_inverse=True)
    rank = np.empty(len(roots), np.int64)
    rank[np.argsort(first)] = np.arange(len(roots))
    result: Integers = rank[labels]
    return result


def cut_at(tree: Floats, height: float) -> Integers:
    """The labels (n,) when all merges at most that high are done."""
    return cut(tree, int(np.count_nonzero(tree[:, 2] > height)) + 1)


def members(tree: Floats) -> list[Integers]:
    """The rows of each cluster 0 ... 2n - 2 of the tree, in the order of the leaves."""
    n = len(tree) + 1
    found: list[Integers] = [np.array([row], np.int64) for row in range(n)]
    for a, b in tree[:, :2].astype(np.int64):
        found.append(np.concatenate([found[a], found[b]]))
    return found


def leaf_order(tree: Floats) -> Integers:
    """The rows in an order in which no branches of the drawn tree cross: left parts first."""
    return members(tree)[-1]


@replaceable
def cophenetic_distances(tree: Floats) -> Floats:
    r"""For each pair of rows the height at which they come together, n x n.

    They satisfy $d(x, z) \le \max(d(x, y), d(y, z))$. Their correlation with the real distances
    says how well the tree tells them (Sokal and Rohlf, "The comparison of dendrograms", 1962).
    """
    n = len(tree) + 1
    result = np.zeros((n, n))
    rows = members(tree)
    for a, b, height in zip(*tree[:, :2].astype(np.int64).T, tree[:, 2], strict=True):
        result[np.ix_(rows[a], rows[b])] = height
        result[np.ix_(rows[b], rows[a])] = height
    return result


def cophenetic_correlation(tree: Floats, distances: Floats) -> float:
    """Pearson's correlation of the tree's distances with the real ones (n x n), over all pairs."""
    upper = np.triu_indices(len(distances), 1)
    return float(np.corrcoef(cophenetic_distances(tree)[upper], distances[upper])[0, 1])
