"""Softmax, step by step: shares from scores, what overflows, and the logarithm kept whole."""

import math

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.autograd import reductions
from groundup.maths.vector_jacobian import softmax, softmax_jacobian

Array = NDArray[np.float64]
Table = list[dict[str, object]]

# The problem


def ways() -> dict[str, Array]:
    """Scores of three words, and three ways to make shares of them"""
    scores = np.array([2.0, 1.0, -1.0])
    return {
        "divided by their sum": scores / scores.sum(),
        "all to the largest": (scores == scores.max()).astype(float),
        "e to the score, divided by the sum": np.exp(scores) / np.exp(scores).sum(),
    }


def ratio() -> float:
    """Two scores that are 3 apart: the ratio of their shares"""
    shares = softmax([7.0, 4.0, 0.0])
    return float(shares[0] / shares[1])


# What overflows


def naive() -> dict[str, Array]:
    """The formula as it stands"""

    def shares(scores: list[float]) -> Array:
        with np.errstate(all="ignore"):  # NumPy would warn; a GPU says nothing
            powers = np.exp(np.array(scores))
            result: Array = powers / powers.sum()
        return result

    return {
        "2, 1, -1": shares([2.0, 1.0, -1.0]),
        "1002, 1001, 999": shares([1002.0, 1001.0, 999.0]),
        "-998, -999, -1001": shares([-998.0, -999.0, -1001.0]),
    }


def limits() -> Table:
    """The largest number of each type, and its logarithm: beyond that, e^x is infinite"""
    rows: Table = []
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        largest = torch.finfo(dtype).max
        name = str(dtype).removeprefix("torch.")
        rows.append(
            {"type": name, "largest": largest, "e^x is infinite from x =": math.log(largest)}
        )
    return rows


def half_limit() -> float:
    """The logarithm of the largest float16"""
    return math.log(torch.finfo(torch.float16).max)


def stable() -> dict[str, Array]:
    """The largest is subtracted first"""

    def shares(scores: list[float]) -> Array:
        powers = np.exp(np.array(scores) - max(scores))
        result: Array = powers / powers.sum()
        return result

    return {
        "2, 1, -1": shares([2.0, 1.0, -1.0]),
        "1002, 1001, 999": shares([1002.0, 1001.0, 999.0]),
        "-998, -999, -1001": shares([-998.0, -999.0, -1001.0]),
    }


def flow() -> Array:
    """The library's function at work: two rows of scores, a thousand apart"""
    return softmax([[2.0, 1.0, -1.0], [1002.0, 1001.0, 999.0]])


def one_largest_for_all() -> dict[str, Array]:
    """Two equal rows, one of them 800 lower: the largest of the array, or that of each row"""
    scores = np.array([[1.0, 0.0], [1.0 - 800, 0.0 - 800]])
    with np.errstate(all="ignore"):
        powers = np.exp(scores - scores.max())
        of_all = powers / powers.sum(-1, keepdims=True)
    return {"of the array": of_all, "of each row": softmax(scores)}


# The logarithm


def logarithms() -> dict[str, Array]:
    """Logarithms of the shares of scores 0, -20 and -1000, in three ways"""
    scores = np.array([0.0, -20.0, -1000.0])
    with np.errstate(divide="ignore"):
        after = np.log(softmax(scores))
    return {
        "ln(softmax)": after,
        "ln(softmax + 1e-12)": np.log(softmax(scores) + 1e-12),
        "log_softmax": reductions.log_softmax(scores, 0),
    }


def slopes() -> Table:
    """The loss of the last of these scores, and its gradient, in two ways"""
    rows: Table = []
    for name in ("-ln(softmax)", "-log_softmax"):
        scores = torch.tensor([0.0, -20.0, -1000.0], requires_grad=True)
        shares = scores.softmax(0).log() if name == "-ln(softmax)" else scores.log_softmax(0)
        loss = -shares[2]
        loss.backward()
        gradient = [] if scores.grad is None else scores.grad.tolist()
        rows.append({"loss": name, "value": float(loss.detach()), "gradient": str(gradient)})
    return rows


def flow_of_logarithm() -> Array:
    """Two rows: one is ordinary, of the other everything is masked"""
    scores = np.array([[2.0, 1.0, -np.inf], [-np.inf, -np.inf, -np.inf]])
    return reductions.logsumexp(scores, (1,), False)


def jacobian() -> dict[str, Array]:
    """How each share (row) moves with each score (column)"""
    scores = [2.0, 1.0, -1.0]
    return {"shares": softmax(scores), "slopes": softmax_jacobian(scores)}


# What goes wrong


def twice() -> Table:
    """Ten classes, ever better scores for the right one; the loss takes shares for scores"""
    rows: Table = []
    for lead in (0.0, 5.0, 10.0, 1000.0):
        scores = torch.zeros(1, 10)
        scores[0, 3] = lead
        right = torch.tensor([3])
        loss = torch.nn.functional.cross_entropy
        once, wrong = loss(scores, right), loss(scores.softmax(-1), right)
        rows.append({"lead": lead, "loss": float(once), "softmax in the model too": float(wrong)})
    return rows


def least_loss() -> float:
    """What a perfect model pays when softmax runs twice, with 10 classes"""
    return float(-np.log(softmax(np.eye(10)[0])[0]))


def half() -> dict[str, torch.Tensor]:
    """Scores of 12 and 11 in float16, without and with the subtraction"""
    scores = torch.tensor([12.0, 11.0], dtype=torch.float16)
    powers = scores.exp()
    return {
        "powers": powers,
        "naive": powers / powers.sum(),
        "stable": (scores - scores.max()).exp() / (scores - scores.max()).exp().sum(),
    }
