"""How much two labellings agree beyond chance: the correlation of Matthews, Cohen's kappa.

Accuracy of 99 % means nothing where 99 % are of one class; these are 0 for guessing, whatever the
classes' shares. Two people who judge the same answers are compared this way too.
"""

import numpy as np
from numpy.typing import ArrayLike

from groundup.classical.classification_metrics import confusion_matrix
from groundup.classical.metric_targets import warn_undefined
from groundup.swap import replaceable


@replaceable
def matthews_corrcoef(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""The correlation of true and predicted classes, in [-1, 1]; 0 where either is constant.

    From the confusion matrix C with n in all, row sums t and column sums p:
    $(n\,\mathrm{tr} C - t \cdot p) / \sqrt{(n^2 - p \cdot p)(n^2 - t \cdot t)}$. Matthews (1975);
    for many classes Gorodkin (2004).
    """
    matrix = confusion_matrix(y_true, y_pred, sample_weight=sample_weight).astype(np.float64)
    matrix /= matrix.sum()
    actual, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    if np.count_nonzero(actual) < 2 or np.count_nonzero(predicted) < 2:
        return 0.0
    together = np.trace(matrix) - actual @ predicted
    spread = (1 - predicted @ predicted) * (1 - actual @ actual)
    return float(together / np.sqrt(spread))


@replaceable
def cohen_kappa_score(
    y1: ArrayLike,
    y2: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    weights: str | None = None,
    sample_weight: ArrayLike | None = None,
    replace_undefined_by: float = np.nan,
) -> float:
    r"""$(p_o - p_e) / (1 - p_e)$: agreement beyond that of two independent judges.

    1 is full agreement, 0 what chance gives. `weights` "linear" or "quadratic" make near misses of
    ordered labels cheaper: $1 - \sum w_{ij} C_{ij} / \sum w_{ij} E_{ij}$ with the table E expected
    of independent judges. Not defined (a warning, and `replace_undefined_by`) where both know one
    label only. Cohen (1960, 1968).
    """
    observed = confusion_matrix(y1, y2, labels=labels, sample_weight=sample_weight)
    first, second = observed.sum(axis=1), observed.sum(axis=0)
    size = len(observed)
    apart = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    costs = {None: apart > 0, "linear": apart, "quadratic": apart**2}
    if weights not in costs:
        raise ValueError(f"weights is {weights!r}; wanted None, 'linear' or 'quadratic'")
    cost = costs[weights]
    expected = np.outer(first, second) / max(float(observed.sum()), 1e-300)
    disagreement = float((cost * expected).sum())
    if disagreement == 0:
        warn_undefined(
            "kappa is 0 / 0: the two have only one label in common, or none; "
            f"replace_undefined_by gives {replace_undefined_by}"
        )
        return replace_undefined_by
    return float(1 - (cost * observed).sum() / disagreement)
