"""How far the neighbours on a map can be trusted to be neighbours in the data."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.distances import pairwise_distances
from groundup.classical.validation import check_array
from groundup.swap import replaceable


@replaceable
def trustworthiness(
    X: ArrayLike, embedding: ArrayLike, *, n_neighbors: int = 5, metric: str = "euclidean"
) -> float:
    r"""1 where each row's k nearest on the map are its k nearest in the data, towards 0 if not.

    $1 - \frac{2}{n k (2n - 3k - 1)} \sum_i \sum_{j \in N_i} \max(0, r(i, j) - k)$ with $N_i$ the k
    nearest points of i on the map (n x d), and $r(i, j)$ the rank of j among the neighbours of i
    in the data X (n x f, or n x n distances if `metric` is "precomputed"). Venna and Kaski,
    "Neighborhood preservation in nonlinear projection methods", 2001. Raises ValueError unless
    1 <= k < n / 2.
    """
    rows = check_array(X)
    points = check_array(embedding, name="embedding")
    n, k = len(rows), n_neighbors
    if len(points) != n:
        raise ValueError(f"X has {n} rows and the embedding {len(points)}; they must be as many")
    if not 1 <= k < n / 2:
        raise ValueError(
            f"n_neighbors ({k}) should be at least 1 and less than n_samples / 2 ({n / 2})"
        )
    distances = rows.copy() if metric == "precomputed" else pairwise_distances(rows, metric=metric)
    np.fill_diagonal(distances, np.inf)
    order = np.argsort(distances, axis=1, kind="stable")
    ranks: NDArray[np.int64] = np.empty((n, n), np.int64)
    ranks[np.arange(n)[:, None], order] = np.arange(1, n + 1)
    on_map = pairwise_distances(points)
    np.fill_diagonal(on_map, np.inf)
    nearest = np.argsort(on_map, axis=1, kind="stable")[:, :k]
    too_far = np.maximum(ranks[np.arange(n)[:, None], nearest] - k, 0)
    return float(1 - 2 * too_far.sum() / (n * k * (2 * n - 3 * k - 1)))
