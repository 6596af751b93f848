r"""How far predicted numbers are from the true ones.

y_true and y_pred are (samples,) or samples x outputs. Each output has its own value; `multioutput`
"raw_values" returns them (outputs,), "uniform_average" their mean, an array their mean by these
weights. The metric one trains on decides what is predicted: squared errors the mean, absolute ones
the median, pinball loss a quantile. Names and conventions are scikit-learn's. Source: Gneiting,
"Making and evaluating point forecasts" (2011). Left out: Tweedie deviances other than Poisson's.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from groundup.classical.metric_targets import (
    Floats,
    as_scores,
    refuse_lengths,
    warn_undefined,
    weights_or_none,
)
from groundup.swap import replaceable

Multioutput = str | ArrayLike
EPS = float(np.finfo(np.float64).eps)


def number_pair(
    y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[Floats, Floats, Floats | None]:
    """Both as samples x outputs, and the weights; ValueError unless they are alike and finite."""
    true = as_scores(y_true, "y_true", dimensions=(1, 2))
    predicted = as_scores(y_pred, "y_pred", dimensions=(1, 2))
    refuse_lengths(true, predicted)
    true, predicted = (a[:, None] if a.ndim == 1 else a for a in (true, predicted))
    if true.shape != predicted.shape:
        raise ValueError(
            f"y_true and y_pred have different number of output "
            f"({true.shape[1]}!={predicted.shape[1]})"
        )
    return true, predicted, weights_or_none(sample_weight, true)


def over_outputs(values: Floats, multioutput: Multioutput, spread: Floats | None = None) -> Any:
    """The outputs' values (outputs,) as `multioutput` wants them."""
    if isinstance(multioutput, str):
        if multioutput == "raw_values":
            return values
        if multioutput == "uniform_average":
            return float(values.mean())
        if multioutput == "variance_weighted" and spread is not None:
            return float(np.average(values, weights=spread if spread.any() else None))
        raise ValueError(
            f"multioutput is {multioutput!r}; wanted 'raw_values', 'uniform_average'"
            + ("" if spread is None else ", 'variance_weighted'")
            + " or weights"
        )
    weights = as_scores(multioutput, "multioutput")
    if len(weights) != len(values) or not weights.any():
        raise ValueError(f"multioutput has {len(weights)} weights; wanted {len(values)}, not all 0")
    return float(np.average(values, weights=weights))


@replaceable
def mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    r"""The mean of $(y - \hat y)^2$, least for the mean of y. In the square of y's unit."""
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    errors = np.average((true - predicted) ** 2, axis=0, weights=weights)
    return over_outputs(errors, multioutput)


@replaceable
def root_mean_squared_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    """The root of each output's mean squared error: in y's unit."""
    errors = mean_squared_error(
        y_true, y_pred, sample_weight=sample_weight, multioutput="raw_values"
    )
    return over_outputs(np.sqrt(errors), multioutput)


@replaceable
def mean_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    r"""The mean of $|y - \hat y|$, least for the median of y; outliers are not squared."""
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    return over_outputs(np.average(np.abs(true - predicted), axis=0, weights=weights), multioutput)


def mean_absolute_percentage_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    r"""The mean of $|y - \hat y| / |y|$, 0.1 for ten percent; |y| is at least 2.2e-16, so that a
    zero among the true values gives something huge instead of infinity. It favours low guesses.
    """
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    shares = np.abs(true - predicted) / np.maximum(np.abs(true), EPS)
    return over_outputs(np.average(shares, axis=0, weights=weights), multioutput)


def mean_squared_log_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    """The mean squared error of ln(1 + y): for what grows by factors. ValueError for y <= -1."""
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    if (true <= -1).any() or (predicted <= -1).any():
        raise ValueError(
            "Mean Squared Logarithmic Error cannot be used when targets contain values less than "
            "or equal to -1."
        )
    errors = (np.log1p(true) - np.log1p(predicted)) ** 2
    return over_outputs(np.average(errors, axis=0, weights=weights), multioutput)


@replaceable
def median_absolute_error(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    multioutput: Multioutput = "uniform_average",
    sample_weight: ArrayLike | None = None,
) -> Any:
    r"""The median of $|y - \hat y|$: half of the samples may be arbitrarily wrong.

    With weights, the value up to which half of the weight lies; where that is exactly half, the
    mean of it and the next one.
    """
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    errors = np.abs(true - predicted)
    if weights is None:
        return over_outputs(np.median(errors, axis=0), multioutput)
    return over_outputs(np.array([weighted_median(e, weights) for e in errors.T]), multioutput)


def weighted_median(values: Floats, weights: Floats) -> float:
    """The middle of values by weight; the mean of two where they share the middle."""
    order = np.argsort(values, kind="stable")
    order = order[weights[order] > 0]
    running = np.cumsum(weights[order])
    half = running[-1] / 2
    place = int(np.searchsorted(running, half))
    if running[place] == half:
        return float((values[order[place]] + values[order[place + 1]]) / 2)
    return float(values[order[place]])


def max_error(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    r"""The largest $|y - \hat y|$, of a single output."""
    true, predicted, _ = number_pair(y_true, y_pred, None)
    if true.shape[1] > 1:
        raise ValueError("Multioutput not supported in max_error")
    return float(np.abs(true - predicted).max())


@replaceable
def mean_pinball_loss(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    alpha: float = 0.5,
    multioutput: Multioutput = "uniform_average",
) -> Any:
    r"""The mean of $\max(\alpha d, (\alpha - 1) d)$, $d = y - \hat y$, least for a quantile of y.

    Koenker and Bassett, "Regression quantiles" (1978). At 1/2 it is half the absolute error.
    """
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha is {alpha}; wanted a quantile from 0 to 1")
    gap = true - predicted
    losses = np.maximum(alpha * gap, (alpha - 1) * gap)
    return over_outputs(np.average(losses, axis=0, weights=weights), multioutput)


# Compared with a constant prediction


def _share_explained(
    missed: Floats, spread: Floats, multioutput: Multioutput, force_finite: bool
) -> Any:
    """1 - missed / spread; where spread is 0, 1 for an exact prediction and 0 for any other."""
    if force_finite:
        exact = np.where(missed == 0, 1.0, 0.0)
        values = np.where(spread == 0, exact, 1 - missed / np.where(spread == 0, 1.0, spread))
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = 1 - missed / spread
    return over_outputs(values, multioutput, spread)


@replaceable
def r2_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
    force_finite: bool = True,
) -> Any:
    r"""$R^2 = 1 - \sum (y - \hat y)^2 / \sum (y - \bar y)^2$: the share of the variance explained.

    1 is perfect, 0 as good as the mean, negative is worse. `multioutput` may be
    "variance_weighted". Where y is constant: 1 if exact, else 0; with `force_finite` false nan or
    -inf. For a single sample nan, and a warning.
    """
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    if len(true) < 2:
        warn_undefined("R^2 score is not well-defined with less than two samples.")
        return float("nan")
    mean = np.average(true, axis=0, weights=weights)
    missed = np.average((true - predicted) ** 2, axis=0, weights=weights)
    spread = np.average((true - mean) ** 2, axis=0, weights=weights)
    return _share_explained(missed, spread, multioutput, force_finite)


@replaceable
def explained_variance_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    multioutput: Multioutput = "uniform_average",
    force_finite: bool = True,
) -> Any:
    r"""$1 - \mathrm{var}(y - \hat y) / \mathrm{var}(y)$: R^2 that forgives a constant offset."""
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    gap = true - predicted
    missed = np.average(
        (gap - np.average(gap, axis=0, weights=weights)) ** 2, axis=0, weights=weights
    )
    mean = np.average(true, axis=0, weights=weights)
    spread = np.average((true - mean) ** 2, axis=0, weights=weights)
    return _share_explained(missed, spread, multioutput, force_finite)


def mean_poisson_deviance(
    y_true: ArrayLike, y_pred: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    r"""The mean of $2 (y \ln (y / \hat y) - y + \hat y)$, for counts; 0 ln 0 is 0.

    ValueError for negative y and for predictions that are not above 0.
    """
    true, predicted, weights = number_pair(y_true, y_pred, sample_weight)
    if true.shape[1] > 1:
        raise ValueError("Multioutput not supported in mean_poisson_deviance")
    if (true < 0).any() or (predicted <= 0).any():
        raise ValueError("Poisson deviance wants y_true of at least 0 and y_pred above 0")
    logs = np.where(true > 0, true * np.log(np.where(true > 0, true, 1) / predicted), 0.0)
    return float(np.average(2 * (logs - true + predicted), axis=0, weights=weights)[0])
