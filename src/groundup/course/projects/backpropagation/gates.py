"""Backpropagation from scratch: every rule measured, records of any shape, and a network trained.

The learner's engine of single numbers is held against differences of its own values, which need no
derivative at all, then trains a network number by number; with tensors, their `unbroadcast` does.
"""

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from groundup.autograd.scalar import Value
from groundup.autograd.tensor import Tensor
from groundup.course.project import Found, Gate, Part, Project, Work, worst
from groundup.course.project_build import built
from groundup.models.array_training import ArrayTraining
from groundup.pipeline.backpropagation_data import SpiralsConfig
from groundup.pipeline.backpropagation_scalar import ScalarConfig
from groundup.pipeline.backpropagation_study import (
    BackpropagationConfig,
    NetworkConfig,
    SignalsConfig,
)

EPS = float(np.finfo(np.float64).eps)
STEP = EPS ** (1 / 3)
"""Of central differences, whose error is least near it."""
NEAR = 100 * EPS ** (2 / 3)
"""Their error is of the order of eps^(2/3), 4e-11, times derivatives of about 1; with room."""
EQUAL = EPS**0.6
"""Two results of one formula in float64, summed in another order."""
LENGTH = 5000
"""Values in a chain; Python's own recursion ends near 1000."""
STUDY = BackpropagationConfig(
    name="study",
    data=SpiralsConfig(points=300),
    scalar=ScalarConfig(steps=150),
    network=NetworkConfig(train=ArrayTraining(steps=600, lr=1e-2)),
    signals=SignalsConfig(depth=6),
)

BACKPROPAGATION = Project(
    "backpropagation",
    number="P1",
    title="Backpropagation from scratch",
    parts=(
        Part(
            of="autograd.scalar:Value",
            methods=("__add__", "__mul__", "__pow__", "exp", "log", "tanh", "relu"),
        ),
        Part(of="autograd.scalar:topological_order"),
        Part(of="autograd.scalar:backpropagate"),
        Part(of="autograd.rule:unbroadcast"),
    ),
    gates=(
        Gate(
            name="the values are right",
            number="rules.value",
            at_most=EQUAL,
            look="The table of the step `rules` names the operation that computes another number "
            "than Python's own arithmetic.",
        ),
        Gate(
            name="every rule's slope is the measured one",
            number="rules.slope",
            at_most=NEAR,
            look="The table of the step `rules` names the operation: derive it again on paper and "
            "compare its slopes with what `Value` is given.",
        ),
        Gate(
            name="gradients add up over every path",
            number="records.slope",
            at_most=NEAR,
            look="A value used twice gets a share from each use: add, never assign, and visit a "
            "value only after all that were computed from it.",
        ),
        Gate(
            name="a second pass adds to the first",
            number="records.second_pass",
            at_most=EQUAL,
            look="`grad` collects the passes over several examples: one pass must not hand on what "
            "an earlier one left in `grad`.",
        ),
        Gate(
            name="a record of 5,000 values is walked through",
            number="long.apart",
            at_most=EQUAL,
            look="Python stops a function that calls itself some 1000 times deep: keep a stack of "
            "your own, and look at each value once.",
        ),
        Gate(
            name="gradients of tensors that broadcast are the measured ones",
            number="broadcast.slope",
            at_most=1e-7,
            look="Where an input was repeated, its gradient is the sum over the copies, in the "
            "input's own shape.",
        ),
        Gate(
            name="both engines agree on a network's gradients",
            number="training.apart",
            at_most=EQUAL,
            look="All rules are right and a network's gradient is not: look at the order in which "
            "the record is walked.",
        ),
        Gate(
            name="the network ends at the reference's loss",
            number="training.beside_reference",
            at_most=1e-6,
            look="The curves show from which step on the two part: at the first step it is a "
            "gradient, later something that is left over from the step before.",
        ),
        Gate(
            name="the network has learned",
            number="training.loss",
            at_most=0.55,
            look="ln 2 = 0.69 is what a guess costs. A loss that stays there gets no gradient.",
        ),
        Gate(
            name="with tensors it tells the spirals apart",
            number="training.accuracy",
            at_least=0.9,
            look="Of the points held out; a half is what guessing gives. Look at `unbroadcast`: "
            "biases get their gradients through it.",
        ),
    ),
)

Operation = Callable[..., Any]
_RULES: dict[str, tuple[Operation, Operation, int]] = {
    "a + b": (lambda a, b: a + b, lambda a, b: a + b, 2),
    "a * b": (lambda a, b: a * b, lambda a, b: a * b, 2),
    "a - b": (lambda a, b: a - b, lambda a, b: a - b, 2),
    "a / b": (lambda a, b: a / b, lambda a, b: a / b, 2),
    "a * a": (lambda a: a * a, lambda a: a * a, 1),
    "-a": (lambda a: -a, lambda a: -a, 1),
    "3 - a": (lambda a: 3 - a, lambda a: 3 - a, 1),
    "2 / a": (lambda a: 2 / a, lambda a: 2 / a, 1),
    "a ** 3": (lambda a: a**3, lambda a: a**3, 1),
    "a ** -0.5": (lambda a: a**-0.5, lambda a: a**-0.5, 1),
    "exp": (lambda a: a.exp(), math.exp, 1),
    "log": (lambda a: a.log(), math.log, 1),
    "tanh": (lambda a: a.tanh(), math.tanh, 1),
    "relu": (lambda a: a.relu(), lambda a: max(a, 0.0), 1),
    "relu of -a": (lambda a: (-a).relu(), lambda a: max(-a, 0.0), 1),
}
"""Of Values, the same of Python's numbers, and how many it takes."""


@BACKPROPAGATION.step("rules")
def rules(work: Work) -> Found:
    """Every operation of single numbers: its value, and its slope beside a measured one."""
    rng = np.random.default_rng(1)
    rows = [("operation", "value off by", "slope off by")]
    found: dict[str, list[float]] = {"value": [], "slope": []}
    for name, (ours, plain, count) in _RULES.items():
        off: dict[str, list[float]] = {"value": [], "slope": []}
        for point in rng.uniform(0.4, 2.0, (6, count)).tolist():
            with work.own():
                values = [Value(x) for x in point]
                result = ours(*values)
                result.backward()
            off["value"].append(_apart(result.data, plain(*point)))
            for place, value in enumerate(values):
                off["slope"].append(_apart(value.grad, _slope(plain, point, place)))
        rows.append((name, f"{worst(off['value']):.1e}", f"{worst(off['slope']):.1e}"))
        for kind, numbers in off.items():
            found[kind] += numbers
    return Found(numbers={kind: worst(numbers) for kind, numbers in found.items()}, table=rows)


def _slope(function: Operation, point: Sequence[float], place: int) -> float:
    """The central difference of a function of Python's numbers."""
    ends = []
    for sign in (1, -1):
        moved = list(point)
        moved[place] += sign * STEP
        ends.append(function(*moved))
    return float((ends[0] - ends[1]) / (2 * STEP))


def _apart(got: float, wanted: float) -> float:
    return abs(got - wanted) / (1 + abs(wanted))


def _tangled(a: Any, b: Any, tanh: Operation) -> Any:
    """Values used again near and far: a diamond, a square, and what skips over them."""
    c = a * b + a
    d = c + c
    e = d * c + tanh(b * a)
    f = e * e - c / (b + 3)
    return f * a + d + f


@BACKPROPAGATION.step("records")
def records(work: Work) -> Found:
    """Records in which values are used again and again, and are gone through twice."""
    rng = np.random.default_rng(2)
    slopes, seconds = [], []
    for point in rng.uniform(-1, 1, (8, 2)).tolist():
        with work.own():
            values = [Value(x) for x in point]
            a, b = values
            result = _tangled(a, b, lambda value: value.tanh())
            result.backward()
            first = [value.grad for value in values]
            result.backward()
        for place, value in enumerate(values):
            measured = _slope(lambda a, b: _tangled(a, b, math.tanh), point, place)
            slopes.append(_apart(first[place], measured))
            seconds.append(_apart(value.grad, 2 * first[place]))
    return Found(numbers={"slope": worst(slopes), "second_pass": worst(seconds)})


@BACKPROPAGATION.step("long")
def long_record(work: Work) -> Found:
    """A chain of 5,000 products and sums."""
    with work.own():
        start = end = Value(1.0)
        for _ in range(LENGTH):
            end = end * 1.0 + 0.0
        end.backward()
    return Found(numbers={"apart": _apart(start.grad, 1.0)})


_SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...]]] = {
    "a row for every row": ((3, 4), (4,)),
    "a column for every column": ((3, 4), (3, 1)),
    "one number for all": ((3, 4), ()),
    "a batch of one for a batch": ((2, 3, 4), (1, 3, 4)),
    "both stretched": ((3, 1), (1, 4)),
    "nothing stretched": ((3, 4), (3, 4)),
}


@BACKPROPAGATION.step("broadcast")
def broadcast(work: Work) -> Found:
    """Tensors of different shapes together: their gradients beside measured ones."""
    rng = np.random.default_rng(3)
    rows, off = [("shapes", "slope off by")], []
    for name, shapes in _SHAPES.items():
        arrays = [rng.standard_normal(shape) for shape in shapes]
        with work.own():
            off.append(_tensor_apart(lambda a, b: (a * b + b).tanh(), arrays))
        rows.append((name, f"{off[-1]:.1e}"))
    return Found(numbers={"slope": worst(off)}, table=rows)


def _tensor_apart(function: Callable[..., Tensor], arrays: Sequence[Any]) -> float:
    """How far gradients of the sum are from central differences, number by number."""
    values = [Tensor(array, requires_grad=True) for array in arrays]
    total: Tensor = function(*values).sum()
    total.backward()
    off = []
    for place, (value, array) in enumerate(zip(values, arrays, strict=True)):
        assert value.grad is not None, "both tensors are used"
        if value.grad.shape != array.shape:
            return math.inf
        for index in np.ndindex(*array.shape):
            ends = []
            for sign in (1, -1):
                given = [Tensor(other.copy()) for other in arrays]
                given[place].data[index] += sign * STEP
                ends.append(float(function(*given).sum().item()))
            measured = (ends[0] - ends[1]) / (2 * STEP)
            off.append(_apart(float(value.grad.data[index]), measured))
    return worst(off)


@BACKPROPAGATION.step("training")
def training(work: Work) -> Found:
    """Two spirals: a network trained on your engine, beside the same on the library's."""
    ours, theirs = (built(work, STUDY, own=own) for own in (True, False))
    results = [
        json.loads((folder / "scalar" / "result.json").read_text(encoding="utf-8"))
        for folder in (ours, theirs)
    ]
    network = json.loads((ours / "network" / "result.json").read_text(encoding="utf-8"))
    losses, reference = results[0]["losses"], results[1]["losses"]
    numbers = {
        "loss": losses[-1],
        "reference_loss": reference[-1],
        "beside_reference": abs(losses[-1] - reference[-1]),
        "apart": results[0]["apart_from_tensors"],
        "accuracy": network["accuracy"],
    }
    curves = {"yours": list(enumerate(losses)), "the reference": list(enumerate(reference))}
    return Found(numbers=numbers, curves=curves, unit="loss, nats a point")
