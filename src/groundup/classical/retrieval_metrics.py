r"""How good a ranked list is: gains discounted by rank, and where the first right answer stands.

y_true is queries x items, the relevance of each item; y_score, of the same shape, orders them. Also
`top_k_accuracy_score`, for classes. Sources: Jarvelin and Kekalainen, "Cumulated gain-based
evaluation of IR techniques" (2002); McSherry and Najork (2008) on ties.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.metric_targets import (
    Floats,
    as_labels,
    as_scores,
    average,
    refuse_lengths,
    warn_undefined,
    weights_or_none,
)
from groundup.swap import replaceable


def _lists(y_true: ArrayLike, y_score: ArrayLike) -> tuple[Floats, Floats]:
    true = as_scores(y_true, "y_true", dimensions=(2,))
    score = as_scores(y_score, "y_score", dimensions=(2,))
    if true.shape != score.shape:
        raise ValueError(
            f"y_true and y_score have shapes {true.shape} and {score.shape}; wanted both queries x "
            "items"
        )
    return true, score


def _discounts(items: int, k: int | None, log_base: float) -> Floats:
    """1 / log(rank + 1) for ranks from 1, and 0 beyond k."""
    if k is not None and k < 1:
        raise ValueError(f"k is {k}; wanted at least 1, or None for the whole list")
    discounts = np.log(log_base) / np.log(np.arange(items) + 2.0)
    discounts[items if k is None else k :] = 0
    return np.asarray(discounts)


@replaceable
def tie_averaged_gain(relevance: Floats, score: Floats, discounts: Floats) -> float:
    """The discounted gain of one list, averaged over all orders of items with equal scores.

    Items of a tie share the mean of their relevances; so no order of the input is favoured.
    """
    _, group, sizes = np.unique(-score, return_inverse=True, return_counts=True)
    means = np.bincount(group, relevance) / sizes
    ends = np.cumsum(sizes)
    running = np.append(0, np.cumsum(discounts))
    return float(means @ (running[ends] - running[ends - sizes]))


def _gains(true: Floats, score: Floats, discounts: Floats, ignore_ties: bool) -> Floats:
    if ignore_ties:
        order = np.argsort(score, axis=1)[:, ::-1]
        return np.asarray(np.take_along_axis(true, order, axis=1) @ discounts)
    pairs = zip(true, score, strict=True)
    return np.array([tie_averaged_gain(*pair, discounts) for pair in pairs])


@replaceable
def dcg_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    k: int | None = None,
    log_base: float = 2,
    sample_weight: ArrayLike | None = None,
    ignore_ties: bool = False,
) -> float:
    r"""The mean over queries of $\sum_{r \le k} rel_r / \log_2(r + 1)$ down the ranked list."""
    true, score = _lists(y_true, y_score)
    if log_base <= 0 or log_base == 1:
        raise ValueError(f"log_base is {log_base}; wanted above 0 and not 1, as 2")
    gains = _gains(true, score, _discounts(true.shape[1], k, log_base), ignore_ties)
    return average(gains, weights_or_none(sample_weight, true))


@replaceable
def ndcg_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    k: int | None = None,
    sample_weight: ArrayLike | None = None,
    ignore_ties: bool = False,
) -> float:
    """DCG over the DCG of the best order, averaged over queries, in [0, 1]; 0 if none is relevant.

    Raises ValueError for negative relevances and lists of one item.
    """
    true, score = _lists(y_true, y_score)
    if true.min() < 0:
        raise ValueError("ndcg_score should not be used on negative y_true values.")
    if true.shape[1] < 2:
        raise ValueError("a list of one item has one order only; wanted at least 2 items a query")
    discounts = _discounts(true.shape[1], k, 2)
    best = np.sort(true, axis=1)[:, ::-1] @ discounts
    gains = _gains(true, score, discounts, ignore_ties)
    shares = np.where(best == 0, 0.0, gains / np.where(best == 0, 1.0, best))
    return average(shares, weights_or_none(sample_weight, true))


@replaceable
def mean_reciprocal_rank(y_true: ArrayLike, y_score: ArrayLike) -> float:
    """The mean over queries of 1 / rank of the first relevant item (relevance above 0); 0 for none.

    Of items with equal scores the relevant ones are taken to come last: ties earn nothing.
    """
    true, score = _lists(y_true, y_score)
    relevant = true > 0
    best = np.where(relevant, score, -np.inf).max(axis=1)
    above = (score >= best[:, None]) & ~relevant
    ranks = 1 + above.sum(axis=1)
    return float(np.mean(np.where(relevant.any(axis=1), 1 / ranks, 0.0)))


@replaceable
def precision_at_k(y_true: ArrayLike, y_score: ArrayLike, k: int) -> float:
    """The mean share of relevant items among the first k of each list; earlier items win ties."""
    true, score = _lists(y_true, y_score)
    if not 1 <= k <= true.shape[1]:
        raise ValueError(f"k is {k}; wanted 1 to {true.shape[1]}, the items of a list")
    first = np.argsort(-score, axis=1, kind="stable")[:, :k]
    return float(np.mean(np.take_along_axis(true > 0, first, axis=1)))


@replaceable
def label_ranking_average_precision_score(
    y_true: ArrayLike, y_score: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """For each true label: the share of true ones among labels ranked at least as high; averaged.

    1 if all true labels stand first; also where none or all are true. y_true is zeros and ones,
    samples x labels. Tsoumakas, Katakis and Vlahavas, "Mining multi-label data" (2010).
    """
    true, score = _lists(y_true, y_score)
    if not np.isin(true, (0, 1)).all():
        raise ValueError("y_true must hold zeros and ones, samples x labels")
    values = np.ones(len(true))
    for i, (row, scores) in enumerate(zip(true == 1, score, strict=True)):
        if row.any() and not row.all():
            own = scores[row]
            at_least = scores >= own[:, None]
            values[i] = np.mean((at_least & row).sum(axis=1) / at_least.sum(axis=1))
    return average(values, weights_or_none(sample_weight, true))


@replaceable
def top_k_accuracy_score(
    y_true: ArrayLike,
    y_score: ArrayLike,
    *,
    k: int = 2,
    normalize: bool = True,
    sample_weight: ArrayLike | None = None,
    labels: ArrayLike | None = None,
) -> float:
    """The share (or weight) of samples whose class is among the k with the highest scores.

    Columns stand for the sorted classes; of equal scores later columns win. For two classes the
    scores may be one a sample: above 0.5 (or 0 if they are no probabilities) means the second.
    """
    true = as_labels(y_true, "y_true")
    score = as_scores(y_score, "y_score", dimensions=(1, 2))
    refuse_lengths(true, score)
    classes = np.unique(true) if labels is None else np.asarray(labels)
    columns = score.shape[1] if score.ndim == 2 and score.shape[1] > 1 else 2
    _refuse_classes(true, classes, columns)
    if k < 1:
        raise ValueError(f"k is {k}; wanted at least 1")
    if k >= len(classes):
        warn_undefined(f"k = {k} of {len(classes)} classes gives a perfect score to anything")
    if columns == 2 and (score.ndim == 1 or score.shape[1] == 1):
        second = score.ravel()
        level = 0.5 if second.min() >= 0 and second.max() <= 1 else 0.0
        score = np.column_stack([second <= level, second > level]).astype(np.float64)
    place = np.searchsorted(classes, true)
    first = np.argsort(score, axis=1, kind="stable")[:, ::-1][:, :k]
    return _counted((first == place[:, None]).any(axis=1), normalize, sample_weight)


def _refuse_classes(true: NDArray[np.generic], classes: NDArray[np.generic], columns: int) -> None:
    if not np.array_equal(np.unique(classes), classes):
        raise ValueError("labels must be unique and ordered")
    if len(classes) != columns:
        raise ValueError(
            f"Number of classes ({len(classes)}) not equal to the number of columns in 'y_score' "
            f"({columns}). Give all known classes as `labels`."
        )
    if not np.isin(true, classes).all():
        raise ValueError("'y_true' contains labels not in parameter 'labels'.")


def _counted(hits: NDArray[np.bool_], normalize: bool, sample_weight: ArrayLike | None) -> float:
    weights = weights_or_none(sample_weight, hits)
    if normalize:
        return average(hits, weights)
    return float(hits.sum() if weights is None else hits @ weights)
