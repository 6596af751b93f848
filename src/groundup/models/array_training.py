"""Training on the NumPy engine: the loop, and a state that a stopped run goes on from.

The batch of a step and what dropout drops in it are functions of the step alone, so that a run that
was stopped and goes on sees what one that was not would have seen.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from groundup.autograd.module import Module
from groundup.autograd.record import no_grad
from groundup.autograd.signals import clip_gradients
from groundup.autograd.tensor import Tensor
from groundup.observe.progress import Progress, silent
from groundup.optimizers.arrays import ArrayOptimizer
from groundup.optimizers.schedules import schedule

Watch = Callable[[int, dict[str, float]], None]
"""Called after every step with its number and what was measured."""


@dataclass(frozen=True, kw_only=True)
class ArrayTraining:
    """How a small network is trained."""

    steps: int = 1000
    """Updates in all."""
    batch_size: int = 64
    """Examples in one update."""
    lr: float = 3e-3
    """Learning rate at the start; it falls to zero along half a cosine."""
    optimizer: str = "adamw"
    """sgd, rmsprop, adam or adamw."""
    clip: float = 1.0
    """The gradient's norm is scaled down to this."""
    seed: int = 0
    """Of the initial weights, the order of the examples, and what dropout drops."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch_size < 1 or not self.lr > 0 or not self.clip > 0:
            raise ValueError(
                f"steps is {self.steps}, batch_size {self.batch_size}, lr {self.lr}, clip "
                f"{self.clip}; all must be above 0"
            )


@dataclass(kw_only=True)
class TrainingState:
    """Where a training stands: steps taken, and the optimizer with its averages."""

    optimizer: ArrayOptimizer
    done: int = 0
    losses: list[float] = field(default_factory=list)


def fit(
    model: Module,
    loss_of: Callable[[int], Tensor],
    config: ArrayTraining,
    *,
    state: TrainingState | None = None,
    watch: Watch | None = None,
    progress: Progress = silent,
) -> TrainingState:
    """Take the steps that are left. `loss_of(step)` computes the loss of the step's batch.

    Raises ValueError when the loss is not finite.
    """
    state = state or beginning(model, config)
    model.train()
    with progress("training", total=config.steps, unit="steps", done=state.done) as advance:
        while state.done < config.steps:
            state.optimizer.lr = config.lr * schedule(state.done, config.steps, kind="cosine")
            state.optimizer.zero_grad()
            draw_by_step(model, config.seed, state.done)
            loss = loss_of(state.done)
            if not np.isfinite(loss.data):
                raise ValueError(f"the loss is {loss.item()} at step {state.done}; lower the rate")
            loss.backward()
            norm = clip_gradients(model, config.clip)
            state.optimizer.step()
            state.done += 1
            state.losses.append(loss.item())
            if watch is not None:
                watch(state.done, {"loss": loss.item(), "norm": norm})
            advance(1, note=f"loss {loss.item():.3f}")
    return state


def beginning(model: Module, config: ArrayTraining) -> TrainingState:
    """The state before the first step."""
    optimizer = ArrayOptimizer(model.parameters(), config.optimizer, lr=config.lr)
    return TrainingState(optimizer=optimizer)


def draw_by_step(model: Module, seed: int, step: int) -> None:
    """Give the parts that draw (dropout) the generator of this step."""
    rng = np.random.default_rng([seed, step])
    for part in model.modules():
        if isinstance(getattr(part, "rng", None), np.random.Generator):
            part.rng = rng  # type: ignore[attr-defined]


def batch_of(count: int, size: int, step: int, seed: int) -> Any:
    """Which of `count` examples step `step` takes: each once an epoch, in an order of its own.

    The last batch of an epoch may be smaller. ValueError without examples.
    """
    if count < 1 or size < 1:
        raise ValueError(f"there are {count} examples for batches of {size}; both must be above 0")
    per_epoch = -(-count // size)
    epoch, place = divmod(step, per_epoch)
    order = np.random.default_rng([seed, epoch]).permutation(count)
    return order[place * size : (place + 1) * size]


def evaluate(model: Module, loss_of: Callable[[], Tensor]) -> float:
    """A loss without training: nothing is recorded, dropout and batch statistics rest."""
    with in_evaluation(model):
        return float(loss_of().item())


@contextmanager
def in_evaluation(model: Module) -> Iterator[None]:
    """Evaluation without a record for a while; then each part is in the mode it was in."""
    modes = [(part, part.training) for part in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for part, mode in modes:
            part.training = mode


def state_arrays(model: Module, state: TrainingState) -> dict[str, Any]:
    """All numbers a stopped run needs, as arrays by name."""
    arrays = {f"model.{name}": array for name, array in model.state_dict().items()}
    for i, group in enumerate(state.optimizer.averages):
        for j, averages in enumerate(group):
            arrays |= {f"average.{i}.{j}.{k}": array for k, array in enumerate(averages)}
    arrays["done"] = np.array(state.done)
    arrays["losses"] = np.array(state.losses)
    return arrays


def restored(model: Module, config: ArrayTraining, arrays: Mapping[str, Any]) -> TrainingState:
    """The state that `state_arrays` wrote; the model takes its weights."""
    weights = {
        name.removeprefix("model."): array
        for name, array in arrays.items()
        if name.startswith("model.")
    }
    model.load_state_dict(weights)
    state = beginning(model, config)
    for i, group in enumerate(state.optimizer.averages):
        for j, averages in enumerate(group):
            averages[:] = [arrays[f"average.{i}.{j}.{k}"].copy() for k in range(len(averages))]
    state.done = state.optimizer.step_count = int(arrays["done"])
    state.losses = np.asarray(arrays["losses"]).tolist()
    return state
