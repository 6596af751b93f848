"""The project "backpropagation from scratch": two spirals, told apart by a network we can read.

    data -> scalar -> network -> signals -> summary

`scalar` trains with the engine of one page, number by number; `network` does the same with tensors,
and holds both gradients together, and beside differences. `signals` shows what becomes of gradients
in a deep network under different beginnings. Everything runs on the NumPy engine.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from groundup.autograd.gradient_check import gradcheck
from groundup.autograd.losses import binary_cross_entropy
from groundup.autograd.scalar import Value
from groundup.autograd.signals import signals
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import ArrayTraining, batch_of, evaluate, fit
from groundup.models.mlp import INITIALIZATIONS, MLP
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.backpropagation_summary import SummaryConfig, summary
from groundup.pipeline.stage import Stage, Work, refuse_bad_name
from groundup.train.allocator import keep_freed_memory


@dataclass(frozen=True, kw_only=True)
class SpiralsConfig:
    """Two arms that wind around each other: no line parts them."""

    points: int = 600
    """In both arms together; a fifth is held out."""
    turns: float = 1.5
    """How often each arm goes round."""
    noise: float = 0.03
    """Standard deviation of a point around its arm."""
    seed: int = 0
    """Of the noise and of what is held out."""

    def __post_init__(self) -> None:
        if self.points < 20 or not self.noise >= 0:
            raise ValueError(
                f"points is {self.points}, noise {self.noise}; wanted 20 and 0 or more"
            )


@dataclass(frozen=True, kw_only=True)
class ScalarConfig:
    """The network of single numbers, on few points: it is slow, and all there."""

    hidden: int = 8
    """Neurons in its one hidden layer."""
    points: int = 20
    """Of the spirals that it learns."""
    steps: int = 150
    """Updates, each over all its points."""
    lr: float = 2.0
    """Learning rate."""


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The network of tensors."""

    hidden: tuple[int, ...] = (32, 32)
    """Neurons in each hidden layer."""
    activation: str = "tanh"
    """Between the layers."""
    train: ArrayTraining = field(default_factory=lambda: ArrayTraining(steps=1500, lr=1e-2))
    """How it is trained."""


@dataclass(frozen=True, kw_only=True)
class SignalsConfig:
    """The deep networks whose gradients are looked at."""

    depth: int = 20
    """Hidden layers."""
    width: int = 64
    """Neurons in each."""


@dataclass(frozen=True, kw_only=True)
class BackpropagationConfig:
    """The whole project."""

    name: str
    """The run's folder below `runs/`."""
    data: SpiralsConfig = field(default_factory=SpiralsConfig)
    """What is learnt."""
    scalar: ScalarConfig = field(default_factory=ScalarConfig)
    """Number by number."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """With tensors."""
    signals: SignalsConfig = field(default_factory=SignalsConfig)
    """Gradients in depth."""

    def __post_init__(self) -> None:
        refuse_bad_name(self.name)


def stages(config: BackpropagationConfig) -> list[Stage]:
    """The stages in order, each with what decides its result."""
    rooms = ("autograd", "models", "optimizers")

    def stage(name: str, settings: Any, run: Callable[[Work], None], *needs: str) -> Stage:
        parts = rooms if needs else ()
        return Stage(name=name, config=settings, run=run, needs=needs, rooms=parts)

    return [
        stage("data", config.data, data),
        stage("scalar", config.scalar, scalar, "data"),
        stage("network", config.network, network, "data"),
        stage("signals", config.signals, deep_signals, "data"),
        stage("summary", SummaryConfig(), summary, "data", "scalar", "network", "signals"),
    ]


def spirals(config: SpiralsConfig) -> tuple[Any, Any]:
    """Points N x 2 in about [-1, 1], and which arm each is on, N x 1 of 0 and 1; shuffled."""
    rng = np.random.default_rng(config.seed)
    half = config.points // 2
    share = np.sqrt(rng.random((2, half)))  # as dense outside as inside
    angle = 2 * np.pi * config.turns * share + np.array([[0.0], [np.pi]])
    arms = share[..., None] * np.stack([np.cos(angle), np.sin(angle)], -1)
    points = (arms + config.noise * rng.standard_normal(arms.shape)).reshape(-1, 2)
    labels = np.repeat([0.0, 1.0], half)[:, None]
    order = rng.permutation(2 * half)
    return points[order].astype(np.float32), labels[order].astype(np.float32)


def data(work: Work) -> None:
    """Write the points, the last fifth of them to be held out."""
    points, labels = spirals(work.config)
    save_file({"points": points, "labels": labels}, work.folder / "spirals.safetensors")
    work.say(f"data: {len(points)} points on two spirals, {len(points) // 5} held out")


def read_data(work: Work) -> tuple[Any, Any, int]:
    """Points, labels, and how many come before those held out."""
    arrays = load_file(work.inputs["data"] / "spirals.safetensors")
    return arrays["points"], arrays["labels"], len(arrays["points"]) - len(arrays["points"]) // 5


def scalar(work: Work) -> None:
    """Train number by number; write `result.json`, with how far the tensors' gradients are off."""
    config: ScalarConfig = work.config
    points, labels, _ = read_data(work)
    points, labels = points[: config.points], labels[: config.points, 0]
    model = MLP([2, config.hidden, 1], rng=np.random.default_rng(0), activation="tanh")
    weights = [[[Value(w) for w in row] for row in layer.weight.data] for layer in model.layers]
    biases = [[Value(0.0) for _ in rows] for rows in weights]
    losses, apart = [], 0.0
    with work.progress("number by number", total=config.steps, unit="steps") as advance:
        for step in range(config.steps):
            loss = scalar_loss(weights, biases, points, labels)
            loss.backward()
            if step == 0:
                apart = _distance(model, weights, points, labels)
            losses.append(loss.data)
            for value in _all(weights) + _all(biases):
                value.data -= config.lr * value.grad
                value.grad = 0.0
            advance(1, note=f"loss {loss.data:.3f}")
    result = {"losses": losses, "apart_from_tensors": apart, "points": len(points)}
    write_text_atomically(work.folder / "result.json", json.dumps(result, indent=2) + "\n")
    work.say(
        f"scalar: loss {losses[0]:.3f} to {losses[-1]:.3f} on {len(points)} points; its gradients "
        f"and the tensors' differ by {apart:.0e}"
    )


def scalar_loss(weights: Any, biases: Any, points: Any, labels: Any) -> Value:
    r"""The mean of $\ln(1 + e^{-s z})$, s = 1 or -1 for the arms, z the network's output."""
    total = Value(0.0)
    for point, label in zip(points, labels, strict=True):
        signal = [Value(x) for x in point]
        for number, (rows, shifts) in enumerate(zip(weights, biases, strict=True)):
            sums = [
                sum((w * x for w, x in zip(row, signal, strict=True)), shift)
                for row, shift in zip(rows, shifts, strict=True)
            ]
            signal = sums if number == len(weights) - 1 else [value.tanh() for value in sums]
        sign = -1.0 if label > 0.5 else 1.0
        total = total + ((signal[0] * sign).exp() + 1).log()
    return total / len(points)


def _all(nested: Any) -> list[Value]:
    return [nested] if isinstance(nested, Value) else [v for part in nested for v in _all(part)]


def _distance(model: MLP, weights: Any, points: Any, labels: Any) -> float:
    """The largest difference between the scalar engine's gradients and the tensors'."""
    model.to(np.float64)
    inputs, wanted = Tensor(points.astype(np.float64)), Tensor(labels[:, None].astype(np.float64))
    binary_cross_entropy(model(inputs), wanted).backward()
    gaps = [0.0]
    for layer, rows in zip(model.layers, weights, strict=True):
        assert layer.weight.grad is not None, "every weight is used"
        known = np.array([[value.grad for value in row] for row in rows])
        gaps.append(float(np.abs(layer.weight.grad.data - known).max()))
    return max(gaps)


def network(work: Work) -> None:
    """Check the gradients, train, and write the weights, the curve and the accuracy."""
    keep_freed_memory()
    config: NetworkConfig = work.config
    points, labels, count = read_data(work)
    sizes = [2, *config.hidden, 1]
    model = MLP(sizes, rng=np.random.default_rng(config.train.seed), activation=config.activation)
    model.to(np.float64)
    gradcheck(lambda x: binary_cross_entropy(model(x), Tensor(labels[:16] + 0.0)), [points[:16]])
    model.to(np.float32)
    curve: list[tuple[int, float, float]] = []

    def loss(step: int) -> Tensor:
        rows = batch_of(count, config.train.batch_size, step, config.train.seed)
        result: Tensor = binary_cross_entropy(model(Tensor(points[rows])), Tensor(labels[rows]))
        return result

    def held_out() -> Any:
        return binary_cross_entropy(model(Tensor(points[count:])), Tensor(labels[count:]))

    def watch(step: int, row: dict[str, float]) -> None:
        if step % max(1, config.train.steps // 60) == 0:
            curve.append((step, row["loss"], evaluate(model, held_out)))

    fit(model, loss, config.train, watch=watch, progress=work.progress)
    accuracy = float(
        ((model.eval()(Tensor(points[count:])).data > 0) == (labels[count:] > 0.5)).mean()
    )
    save_file(model.state_dict(), work.folder / "model.safetensors")
    result = {
        "sizes": sizes,
        "activation": config.activation,
        "accuracy": accuracy,
        "curve": curve,
    }
    write_text_atomically(work.folder / "result.json", json.dumps(result, indent=2) + "\n")
    work.say(f"network: {100 * accuracy:.0f} % of the points held out are told right")


def deep_signals(work: Work) -> None:
    """Write the size of values and gradients at each layer, for each beginning of the weights."""
    config: SignalsConfig = work.config
    points, labels, _ = read_data(work)
    found = {}
    for name in INITIALIZATIONS:
        sizes = [2, *(config.width,) * config.depth, 1]
        model = MLP(sizes, rng=np.random.default_rng(0), activation="relu", initialization=name)
        linear = [step for step in model.steps() if step is not model.dropout]
        with np.errstate(over="ignore", invalid="ignore"):
            rows = signals(
                linear,
                Tensor(points),
                lambda y: (y - Tensor(labels)).square().mean(),
            )
        found[name] = [(row.value, row.gradient) for row in rows]
    write_text_atomically(work.folder / "result.json", json.dumps(found, indent=2) + "\n")
    work.say(f"signals: through {config.depth} layers under {len(found)} beginnings")
