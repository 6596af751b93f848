"""The training loop.

`train` is the loop; what one line of it means stands in the file it comes from: batches in `data`,
the loss in `objectives`, its gradient in `accumulate`, the rate in `optimizers.schedules`, the
update in `optimizers`. A run is a function of its config, its data and its plan: stopped at any
moment and called again with the same arguments, it ends with the very same weights.

Left out: more than one process (`groundup.parallel`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from groundup.observe.progress import Progress, silent
from groundup.optimizers import groups
from groundup.optimizers.clipping import clip_gradients
from groundup.train.objectives import Batches, Objective, next_token
from groundup.train.precision import choose_device
from groundup.train.reproducible import reproducible
from groundup.train.run import Run
from groundup.train.settings import TrainConfig as TrainConfig
from groundup.train.stability import interruptible, refuse_not_finite

Watch = Callable[[int, dict[str, Any]], dict[str, Any] | None]
"""Called after each update with the step and its numbers (`loss`, `lr`, `grad_norm`, `tokens`,
`tokens_per_second`; after an evaluation `validation_loss` too). What it returns, a sample of text
say, joins the row in the metrics file."""


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """How a training run ended."""

    steps: int
    """Updates in all."""
    tokens: int
    """Tokens the model has seen."""
    loss: float
    """Of the last update's batch, in nats per token."""
    validation_loss: float | None
    """At the end, in nats per token; None without validation batches."""
    seconds: float
    """Time spent, summed over the sessions of a run that was interrupted."""
    precision: str
    """What the products were computed in: `float32` or `bfloat16`."""
    device: str
    """`cpu` or `cuda`."""
    resumed_from: int | None
    """The step this session went on from."""
    notes: tuple[str, ...]
    """One sentence for each thing that is not as one might expect."""


def train(
    model: nn.Module,
    batches: Batches,
    config: TrainConfig,
    folder: Path,
    *,
    objective: Objective = next_token,
    validation: Batches | None = None,
    watch: Watch = lambda step, metrics: None,
    progress: Progress = silent,
) -> TrainResult:
    """Train `model` in place, or go on with what `folder` holds; afterwards it holds the result.

    `folder` gets `plan.json`, `metrics.jsonl` and `checkpoints/`. Raises ValueError for batches
    that are not as the config says and for a folder of another run; NotFiniteError (a ValueError)
    before an update that would spoil the weights; OSError when a checkpoint cannot be written;
    KeyboardInterrupt after Ctrl-C, when the step is done and saved.
    """
    with reproducible(choose_device(config.device), config.threads):
        run = Run(model, batches, config, Path(folder), objective=objective, validation=validation)
        plan = run.plan
        todo = progress("training", total=plan.steps, unit="steps", done=run.begin)
        with todo as advance, interruptible() as interrupt, run:
            for step in range(run.begin, plan.steps):
                share_of_peak = run.rate(step)
                groups.set_rate(run.optimizers, share_of_peak)
                batch = run.computation.fetch(batches, step)
                loss = run.computation.backward(batch)
                norm = clip_gradients(model.parameters(), config.clip)
                refuse_not_finite(step, loss, norm, run.saved_at)
                run.computation.update(run.optimizers)
                row = run.measure(
                    loss=float(loss), grad_norm=float(norm), lr=share_of_peak * config.optimizer.lr
                )
                if run.is_time_to_evaluate(step):
                    row["validation_loss"] = run.evaluate()
                run.metrics.write(step, **row, **(watch(step, row) or {}))
                advance(1, f"loss {row['loss']:.3f}")
                if interrupt.asked or run.is_time_to_save(step):
                    run.save(step + 1)
                if interrupt.asked:
                    raise KeyboardInterrupt(
                        f"stopped after step {step}; run again to go on from there"
                    )
    return TrainResult(
        steps=plan.steps,
        tokens=run.facts["tokens"],
        loss=run.facts["loss"],
        validation_loss=run.facts.get("validation_loss"),
        seconds=run.facts["seconds"],
        precision=plan.precision,
        device=plan.device,
        resumed_from=run.resumed_from,
        notes=(*plan.notes, *run.store.warnings),
    )
