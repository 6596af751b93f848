"""Numbers cut into bins: equal widths, equal counts, or clusters; and one cut at a threshold.

A bin for each range lets a linear model take any step function. Left out: sparse results (one-hot
bins are dense), sample weights, other rules for quantiles.
"""

import warnings
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.encoding import one_hot
from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import KeepsNames, Names, input_names
from groundup.classical.lloyd import lloyd
from groundup.classical.random_states import random_state_of
from groundup.classical.validation import check_array, check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_THINNEST = 1e-8


@replaceable
def bin_edges(column: Floats, n_bins: int, strategy: str) -> Floats:
    """The n_bins + 1 edges of a column's bins, rising; fewer where bins would be thinner than 1e-8.

    "uniform": equal widths. "quantile": equal counts, an edge between two values where the share
    falls between them (the averaged inverted distribution function). "kmeans": halfway between the
    centres of one-dimensional k-means that starts from the uniform bins.
    """
    low, high = column.min(), column.max()
    uniform = np.linspace(low, high, n_bins + 1)
    if strategy == "uniform":
        return uniform
    if strategy == "quantile":
        levels = np.linspace(0, 100, n_bins + 1)
        edges = np.percentile(column, levels, method="averaged_inverted_cdf")
    else:
        start = (uniform[1:] + uniform[:-1])[:, None] / 2
        centers = np.sort(_centers(column, start))
        edges = np.concatenate([[low], (centers[1:] + centers[:-1]) / 2, [high]])
    wide: Floats = edges[np.ediff1d(edges, to_begin=np.inf) > _THINNEST]
    return wide


def _centers(column: Floats, start: Floats) -> Floats:
    tolerance = 1e-4 * column.var()
    run = lloyd(column[:, None], np.ones(len(column)), start, tol=tolerance)
    centers: Floats = run.centers[:, 0]
    return centers


class KBinsDiscretizer(Transformer):
    """The number of each value's bin, or one column for each bin.

    `n_bins`: for all columns, or one number for each. `encode`: "onehot" or "onehot-dense" (the
    same here: dense), or "ordinal". `strategy`: see `bin_edges`. `subsample`: of more rows so many
    are drawn, with replacement. Learned: `bin_edges_`, one array a column, and `n_bins_`. A
    constant column is one bin, with a warning. Values beyond the edges fall into the last bins.
    """

    def __init__(
        self,
        n_bins: Any = 5,
        *,
        encode: str = "onehot",
        strategy: str = "quantile",
        subsample: int | None = 200_000,
        random_state: Any = None,
    ) -> None:
        self.n_bins = n_bins
        self.encode = encode
        self.strategy = strategy
        self.subsample = subsample
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the edges for each column of X (samples x features). `y` is ignored."""
        if self.encode not in ("onehot", "onehot-dense", "ordinal"):
            raise ValueError(f"encode is {self.encode!r}; it may be 'onehot' or 'ordinal'")
        if self.strategy not in ("uniform", "quantile", "kmeans"):
            raise ValueError(
                f"strategy is {self.strategy!r}; it may be 'uniform', 'quantile' or 'kmeans'"
            )
        array = check_fit(self, X)
        if self.subsample is not None and len(array) > self.subsample:
            draws = random_state_of(self.random_state)
            array = array[draws.randint(0, len(array), size=self.subsample)]
        wanted = self._wanted_bins(array.shape[1])
        self.bin_edges_ = np.empty(len(wanted), dtype=object)
        for i, count in enumerate(wanted):
            self.bin_edges_[i] = self._edges(array[:, i], count, i)
        self.n_bins_ = np.array([len(edges) - 1 for edges in self.bin_edges_], np.int64)
        return self

    def _wanted_bins(self, n_features: int) -> list[int]:
        counts = np.asarray(self.n_bins)
        if counts.ndim == 0:
            counts = np.full(n_features, counts)
        if counts.shape != (n_features,):
            raise ValueError("n_bins must be a scalar or array of shape (n_features,).")
        if counts.dtype.kind not in "iu" or (counts < 2).any():
            raise ValueError(
                f"KBinsDiscretizer received an invalid number of bins: {self.n_bins!r}. Number of "
                "bins must be at least 2, and must be an int."
            )
        return [int(count) for count in counts]

    def _edges(self, column: Floats, count: int, place: int) -> Floats:
        if column.min() == column.max():
            warnings.warn(f"Feature {place} is constant and will be replaced with 0.", stacklevel=3)
            return np.array([-np.inf, np.inf])
        edges = bin_edges(column, count, self.strategy)
        if len(edges) < count + 1:
            warnings.warn(
                f"Bins whose width are too small (i.e., <= 1e-8) in feature {place} are removed. "
                "Consider decreasing the number of bins.",
                stacklevel=3,
            )
        return edges

    def transform(self, X: ArrayLike) -> Floats:
        """The bins of the values of X."""
        array = check_predict(self, X)
        numbers = [
            np.searchsorted(edges[1:-1], column, side="right")
            for column, edges in zip(array.T, self.bin_edges_, strict=True)
        ]
        if self.encode == "ordinal":
            return np.stack(numbers, axis=1).astype(np.float64)
        return np.hstack(
            [one_hot(found, int(n)) for found, n in zip(numbers, self.n_bins_, strict=True)]
        )

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The middle of each bin."""
        require_fitted(self)
        rows = check_array(X)
        is_ordinal = self.encode == "ordinal"
        expected = len(self.n_bins_) if is_ordinal else int(self.n_bins_.sum())
        if rows.shape[1] != expected:
            raise ValueError(
                f"Incorrect number of features. Expecting {expected}, received {rows.shape[1]}."
            )
        if not is_ordinal:
            blocks = np.split(rows, np.cumsum(self.n_bins_)[:-1], axis=1)
            rows = np.stack([block.argmax(axis=1) for block in blocks], axis=1)
        middles = [(edges[1:] + edges[:-1]) / 2 for edges in self.bin_edges_]
        return np.stack(
            [middle[rows[:, i].astype(np.int64)] for i, middle in enumerate(middles)], axis=1
        )

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The columns' names, or name_bin for each bin: x0_0.0, x0_1.0, ..."""
        names = input_names(self, input_features)
        if self.encode == "ordinal":
            return names
        pairs = zip(names, self.n_bins_, strict=True)
        return np.array([f"{name}_{float(i)}" for name, n in pairs for i in range(n)], dtype=object)


class Binarizer(KeepsNames, Transformer):
    """1 where a value is above the threshold, else 0. Learns nothing."""

    tag_settings: ClassVar[dict[str, bool]] = {"requires_fit": False}

    def __init__(self, *, threshold: float = 0.0) -> None:
        self.threshold = threshold

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Check X; there is nothing to learn."""
        check_fit(self, X)
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """0 and 1 for the values of X."""
        is_fitted = hasattr(self, "n_features_in_")
        array = check_predict(self, X) if is_fitted else check_array(X)
        return (array > self.threshold).astype(np.float64)
