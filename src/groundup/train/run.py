"""What the training loop carries along: plan, optimizers, files, and the numbers so far."""

import math
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from groundup.checkpoints.store import Store
from groundup.observe.metrics import Metrics
from groundup.optimizers import groups
from groundup.optimizers.schedules import schedule
from groundup.train import resume
from groundup.train.allocator import keep_freed_memory
from groundup.train.objectives import Batches, Objective, mean_loss
from groundup.train.precision import choose_device
from groundup.train.prepare import Computation, prepare
from groundup.train.settings import TrainConfig


class Run:
    """What the loop carries along: the plan, the optimizers, the files, the numbers so far."""

    def __init__(
        self,
        model: nn.Module,
        batches: Batches,
        config: TrainConfig,
        folder: Path,
        *,
        objective: Objective,
        validation: Batches | None,
    ) -> None:
        keep_freed_memory()
        self._session_began = self._clock = time.monotonic()
        device = choose_device(config.device)
        self.model = model.to(device).train()
        self.config = config
        self.validation = validation
        self.computation = Computation(model, objective, config, device)
        plan_path = folder / "plan.json"
        self.plan = prepare(self.computation, batches, config, plan_path, validation=validation)
        torch.manual_seed(config.seed)
        self.optimizers = groups.build(model, config.optimizer)
        self.store = Store(folder / "checkpoints", keep_last=config.keep_last)
        self.facts: dict[str, Any] = {"tokens": 0, "seconds": 0.0, "loss": math.nan}
        self.resumed_from: int | None = None
        if found := self.store.load():
            self.resumed_from, state = found
            self.facts = resume.restore(state, model, self.optimizers)
        self.begin = self.resumed_from or 0
        self.saved_at = self.resumed_from
        self._saved_clock = time.monotonic()
        self._seconds_before = self.facts["seconds"]
        self._is_best = False
        self.metrics = Metrics(folder / "metrics.jsonl", resume_at=self.begin)

    def __enter__(self) -> None:
        self._clock = time.monotonic()

    def __exit__(self, *problem: object) -> None:
        self.metrics.close()

    def rate(self, step: int) -> float:
        """The learning-rate multiplier of a step."""
        steps = self.plan.steps
        return schedule(
            step,
            steps,
            warmup=min(self.config.warmup, steps // 10),
            kind=self.config.schedule,
            decay=self.config.decay,
            floor=self.config.floor,
        )

    def measure(self, **values: float) -> dict[str, Any]:
        """The row of an update: the given values, the tokens so far and the speed."""
        tokens = self.config.batch_size * self.config.context
        now = time.monotonic()
        speed = tokens / max(now - self._clock, 1e-9)
        self._clock = now
        self.facts["tokens"] += tokens
        self.facts["loss"] = values["loss"]
        self.facts["seconds"] = self._seconds_before + now - self._session_began
        return {**values, "tokens": self.facts["tokens"], "tokens_per_second": round(speed, 1)}

    def is_time_to_evaluate(self, step: int) -> bool:
        """At the end, and at regular intervals before."""
        if self.validation is None:
            return False
        every = self.config.evaluate_every or max(1, self.plan.steps // 10)
        return step + 1 == self.plan.steps or (step + 1) % every == 0

    def evaluate(self) -> float:
        """The mean loss on the validation batches, which is remembered when it is the lowest."""
        assert self.validation is not None, "is_time_to_evaluate asks for validation batches"
        with self.computation.context():
            loss = mean_loss(
                self.model,
                self.validation,
                self.config.evaluate_batches,
                objective=self.computation.objective,
            )
        self.facts["validation_loss"] = loss
        if loss < self.facts.get("best_validation_loss", math.inf):
            self.facts["best_validation_loss"] = loss
            self._is_best = True
        return loss

    def is_time_to_save(self, step: int) -> bool:
        """At the end, after so many seconds or steps, and after the best evaluation so far."""
        config, done = self.config, step + 1
        return (
            done == self.plan.steps
            or time.monotonic() - self._saved_clock >= config.checkpoint_seconds
            or (config.checkpoint_every is not None and done % config.checkpoint_every == 0)
            or (config.keep_best and self._is_best)
        )

    def save(self, done: int) -> None:
        """Write the checkpoint after `done` updates."""
        state = resume.gather(self.model, self.optimizers, self.facts)
        self.store.save(done, state, best=self.config.keep_best and self._is_best)
        self.saved_at = done
        self._is_best = False
        self._saved_clock = self._clock = time.monotonic()
