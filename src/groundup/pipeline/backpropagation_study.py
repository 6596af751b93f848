"""The project "backpropagation from scratch": two spirals, told apart by a network we can read.

    data -> scalar -> network -> signals -> summary

`scalar` trains with the engine of one page, number by number; `network` does the same with tensors,
and holds both gradients together, and beside differences. `signals` shows what becomes of gradients
in a deep network under different beginnings. Everything runs on the NumPy engine.
"""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from groundup.autograd.gradient_check import gradcheck
from groundup.autograd.losses import binary_cross_entropy
from groundup.autograd.signals import signals
from groundup.autograd.tensor import Tensor
from groundup.models.array_training import ArrayTraining, batch_of, evaluate, fit
from groundup.models.mlp import ACTIVATIONS, INITIALIZATIONS, MLP
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.backpropagation_data import SpiralsConfig, data, read_data
from groundup.pipeline.backpropagation_scalar import ScalarConfig, scalar
from groundup.pipeline.backpropagation_summary import SummaryConfig, summary
from groundup.pipeline.stage import Stage, Work, refuse_bad_name
from groundup.train.allocator import keep_freed_memory


@dataclass(frozen=True, kw_only=True)
class NetworkConfig:
    """The network of tensors."""

    hidden: tuple[int, ...] = (32, 32)
    """Neurons in each hidden layer."""
    activation: str = "tanh"
    """Between the layers."""
    train: ArrayTraining = field(default_factory=lambda: ArrayTraining(steps=1500, lr=1e-2))
    """How it is trained."""

    def __post_init__(self) -> None:
        if min(self.hidden, default=1) < 1 or self.activation not in ACTIVATIONS:
            raise ValueError(
                f"hidden is {self.hidden}, activation {self.activation!r}; wanted layers of 1 or "
                f"more neurons, and one of {', '.join(ACTIVATIONS)}"
            )


@dataclass(frozen=True, kw_only=True)
class SignalsConfig:
    """The deep networks whose gradients are looked at."""

    depth: int = 20
    """Hidden layers."""
    width: int = 64
    """Neurons in each."""

    def __post_init__(self) -> None:
        if min(self.depth, self.width) < 1:
            raise ValueError(f"depth is {self.depth}, width {self.width}; both must be above 0")


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

    with np.errstate(over="ignore", invalid="ignore"):  # fit refuses a loss that is not finite
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
    """Write the size of values and gradients at each layer, for each beginning of the weights.

    What is beyond a float32 becomes null: JSON has no infinity.
    """
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
        found[name] = [(_finite(row.value), _finite(row.gradient)) for row in rows]
    text = json.dumps(found, indent=2, allow_nan=False)
    write_text_atomically(work.folder / "result.json", text + "\n")
    work.say(f"signals: through {config.depth} layers under {len(found)} beginnings")


def _finite(number: float) -> float | None:
    return number if math.isfinite(number) else None
