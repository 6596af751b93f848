"""Columns made uniform or normal by their ranks.

Ranks undo any rising distortion, tame any outlier and lose distances. Left out: sparse matrices.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer
from groundup.classical.feature_names import KeepsNames
from groundup.classical.random_states import random_state_of
from groundup.classical.validation import check_fit, check_predict
from groundup.maths.error_function import normal_cdf, normal_quantile
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_EDGE = 1e-7 - float(np.spacing(1.0))


@replaceable
def interpolated_ranks(values: Floats, quantiles: Floats, references: Floats) -> Floats:
    """The share of the training values at or below each value, between known quantiles linearly.

    Where several quantiles are equal, a run of ties, the middle of their shares is given: the mean
    of interpolating from the left and from the right.
    """
    upward = np.interp(values, quantiles, references)
    downward = -np.interp(-values, -quantiles[::-1], -references[::-1])
    return (upward + downward) / 2


class QuantileTransformer(KeepsNames, Transformer):
    """Each column's empirical distribution function, then, if "normal", the normal quantile.

    `n_quantiles` (at most the rows) are kept; of more than `subsample` rows so many are drawn.
    Values beyond the training range go to the ends, for the normal those of 1e-7 and 1 - 1e-7. NaN
    stays. Learned: `quantiles_` (n x features), `references_`, `n_quantiles_`.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"allow_nan": True}

    def __init__(
        self,
        *,
        n_quantiles: int = 1000,
        output_distribution: str = "uniform",
        subsample: int | None = 10_000,
        random_state: Any = None,
    ) -> None:
        self.n_quantiles = n_quantiles
        self.output_distribution = output_distribution
        self.subsample = subsample
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn the quantiles of the columns of X (samples x features). `y` is ignored."""
        if self.output_distribution not in ("uniform", "normal"):
            raise ValueError(
                f"output_distribution is {self.output_distribution!r}; it may be 'uniform' or "
                "'normal'"
            )
        if self.n_quantiles < 1 or (self.subsample is not None and self.subsample < 1):
            raise ValueError(
                f"n_quantiles is {self.n_quantiles} and subsample {self.subsample}; both must be 1 "
                "or more"
            )
        array = check_fit(self, X, allow_nan=True)
        self.n_quantiles_ = max(1, min(self.n_quantiles, len(array)))
        if self.subsample is not None and len(array) > self.subsample:
            draws = random_state_of(self.random_state)
            array = array[draws.permutation(len(array))[: self.subsample]]
        self.references_ = np.linspace(0, 1, self.n_quantiles_)
        self.quantiles_ = np.stack([_quantiles(column, self.references_) for column in array.T],
                                   axis=1)  # fmt: skip
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """The ranks of the values, as shares or as normal scores."""
        array = check_predict(self, X, allow_nan=True).copy()
        is_normal = self.output_distribution == "normal"
        margin = _EDGE if is_normal else 0.0
        for column, quantiles in zip(array.T, self.quantiles_.T, strict=True):
            present = ~np.isnan(column)
            values = column[present]
            ranks = interpolated_ranks(values, quantiles, self.references_)
            ranks[values + margin >= quantiles[-1]] = 1.0
            ranks[values - margin <= quantiles[0]] = 0.0
            if is_normal:
                ranks = normal_quantile(np.clip(ranks, _EDGE, 1 - _EDGE))
            column[present] = ranks
        return array

    def inverse_transform(self, X: ArrayLike) -> Floats:
        """The quantiles that those ranks stand for."""
        array = check_predict(self, X, allow_nan=True).copy()
        for column, quantiles in zip(array.T, self.quantiles_.T, strict=True):
            present = ~np.isnan(column)
            ranks = column[present]
            if self.output_distribution == "normal":
                ranks = normal_cdf(ranks)
                ranks[ranks <= _EDGE] = 0.0
                ranks[ranks >= 1 - _EDGE] = 1.0
            column[present] = np.interp(ranks, self.references_, quantiles)
        return array


def _quantiles(column: Floats, references: Floats) -> Floats:
    present = column[~np.isnan(column)]
    if len(present) == 0:
        return np.full(len(references), np.nan)
    rising: Floats = np.maximum.accumulate(np.percentile(present, references * 100))
    return rising
