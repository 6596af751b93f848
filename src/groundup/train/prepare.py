"""Before the first step: the plan is read or measured, and the loss is compiled if it is to be."""

import contextlib
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import torch
from torch import Tensor, nn

from groundup import config as configs
from groundup.observe.profile import wait
from groundup.optimizers import groups
from groundup.optimizers.clipping import clip_gradients
from groundup.train import compile as compiling
from groundup.train.accumulate import Loss, accumulate
from groundup.train.objectives import Batches, Objective, mean_loss
from groundup.train.plan import Plan, read_plan, steps_within, write_plan
from groundup.train.precision import autocast, choose_precision
from groundup.train.settings import TrainConfig

_COMPILE_PAYS = 120.0
"""Seconds of training above which compiling, which takes some thirty, is worth trying."""


class Computation:
    """How a loss and its gradient are computed in one run: device, precision, micro-batches."""

    def __init__(
        self, model: nn.Module, objective: Objective, config: TrainConfig, device: torch.device
    ) -> None:
        self.device = device
        self.model = model
        self.objective = objective
        self.loss: Loss = compiling.bind(objective, model)
        self.precision = "float32"
        self._config = config

    def context(self) -> AbstractContextManager[object]:
        """Entered around each forward pass."""
        return autocast(self.precision, self.device)

    def fetch(self, batches: Batches, step: int) -> tuple[Tensor, Tensor]:
        """The batch of a step on the device, its shape checked against the config."""
        inputs_BT, targets_BT = batches.at(step)
        wanted = (self._config.batch_size, self._config.context)
        if inputs_BT.shape != wanted or targets_BT.shape != wanted:
            raise ValueError(
                f"the batch of step {step} has inputs {tuple(inputs_BT.shape)} and targets "
                f"{tuple(targets_BT.shape)}; the config says batch_size x context = {wanted}"
            )
        return inputs_BT.to(self.device), targets_BT.to(self.device)

    def backward(self, batch: tuple[Tensor, Tensor], loss: Loss | None = None) -> Tensor:
        """Gradients of the batch into `.grad`; its loss."""
        size = self._config.micro_batch
        return accumulate(loss or self.loss, batch, micro_batch=size, context=self.context)

    def update(self, optimizers: Iterable[torch.optim.Optimizer]) -> None:
        """One step of every optimizer; its matrix products are as precise as the forward pass."""
        with self.context():
            for optimizer in optimizers:
                optimizer.step()
                optimizer.zero_grad()

    def compile(self, batch: tuple[Tensor, Tensor]) -> str | None:
        """Compile the loss; why that was not possible, or None. The weights stay as they are."""
        reason = compiling.missing_compiler(self.device)
        if reason is None:
            self.loss, reason = compiling.compiled(
                self.loss, lambda loss: _forget_gradient(self.model, self.backward(batch, loss))
            )
        return reason


def prepare(
    computation: Computation,
    batches: Batches,
    config: TrainConfig,
    plan_path: Path,
    *,
    validation: Batches | None,
) -> Plan:
    """The plan of the run, and `computation` made as the plan says.

    Raises ValueError when a run that was begun compiled cannot be compiled now: going on without
    would be another computation, not the same run.
    """
    began = time.monotonic()
    fingerprint = configs.fingerprint(config)
    plan = read_plan(plan_path, config_fingerprint=fingerprint)
    if plan is not None:
        _follow(plan, computation, batches)
        return plan
    with untouched(computation.model):
        computation.precision = choose_precision(config.precision, computation.device)
        is_compiled, notes = _try_compiling(computation, batches, config)
        steps, per_step = config.steps, None
        if steps is None:
            per_step = seconds_per_step(computation, batches, config)
            steps = _steps(computation, config, validation, per_step=per_step, began=began)
    plan = Plan(
        steps=steps,
        precision=computation.precision,
        compile=is_compiled,
        device=computation.device.type,
        threads=torch.get_num_threads(),
        config_fingerprint=fingerprint,
        seconds_per_step=per_step,
        notes=tuple(notes),
    )
    write_plan(plan, plan_path)
    return plan


def _follow(plan: Plan, computation: Computation, batches: Batches) -> None:
    if plan.device != computation.device.type:
        raise ValueError(
            f"this run was begun on {plan.device} and the device is {computation.device.type} now; "
            "set the device, or train in another folder"
        )
    torch.set_num_threads(plan.threads)
    computation.precision = plan.precision
    if plan.compile and (reason := computation.compile(computation.fetch(batches, 0))):
        raise ValueError(
            f"this run was begun with a compiled loss, which cannot be compiled now: {reason}. "
            "Set compile to 'off' and train in another folder"
        )


def _try_compiling(
    computation: Computation, batches: Batches, config: TrainConfig
) -> tuple[bool, list[str]]:
    if config.compile == "off":
        return False, []
    batch = computation.fetch(batches, 0)
    if config.compile == "auto" and not _is_long(computation, batch, config):
        return False, []
    reason = computation.compile(batch)
    return reason is None, [f"training without compiling: {reason}"] if reason else []


def _is_long(computation: Computation, batch: tuple[Tensor, Tensor], config: TrainConfig) -> bool:
    if config.steps is None:
        return config.minutes * 60 >= _COMPILE_PAYS
    times = [
        _timed(
            lambda: _forget_gradient(computation.model, computation.backward(batch)),
            computation.device,
        )
        for _ in range(2)
    ]
    return config.steps * min(times) >= _COMPILE_PAYS


def _steps(
    computation: Computation,
    config: TrainConfig,
    validation: Batches | None,
    *,
    per_step: float,
    began: float,
) -> int:
    per_evaluation = 0.0
    if validation is not None:
        checked = validation

        def evaluate() -> None:
            with computation.context():
                mean_loss(computation.model, checked, 1, objective=computation.objective)

        evaluate()
        per_evaluation = config.evaluate_batches * _timed(evaluate, computation.device)
    budget = config.minutes * 60
    # Preparing may cost more than it should on a busy machine; a run of one step helps nobody.
    seconds = max(budget - (time.monotonic() - began), budget / 2)
    if config.evaluate_every is None:
        evaluations = 10
    else:
        per_step += per_evaluation / config.evaluate_every
        evaluations = 1
    return steps_within(
        seconds, per_step=per_step, per_evaluation=per_evaluation, evaluations=evaluations
    )


def seconds_per_step(computation: Computation, batches: Batches, config: TrainConfig) -> float:
    """The median time of whole updates with throw-away optimizers; changes the weights.

    Measures for one fiftieth of the time budget, at least three steps after one that is not
    counted.
    """
    optimizers = groups.build(computation.model, config.optimizer)
    groups.set_rate(optimizers, 1e-3)
    budget = config.minutes * 60 / 50
    times: list[float] = []
    while len(times) < 4 or sum(times) < budget:
        began = time.perf_counter()
        computation.backward(computation.fetch(batches, len(times)))
        clip_gradients(computation.model.parameters(), config.clip)
        computation.update(optimizers)
        wait(computation.device)
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


@contextlib.contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Inside, the model may be trained; after it, weights and random state are as before."""
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.random.fork_rng():
        try:
            yield
        finally:
            model.load_state_dict(weights)
            model.zero_grad()


def _forget_gradient(model: nn.Module, _loss: Tensor) -> None:
    model.zero_grad()


def _timed(work: Callable[[], None], device: torch.device) -> float:
    wait(device)
    began = time.perf_counter()
    work()
    wait(device)
    return time.perf_counter() - began
