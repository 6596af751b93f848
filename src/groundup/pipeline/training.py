"""What pre-training and instruction tuning share: fit, train, save the model, say how it went."""

import json
import shutil
import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from groundup.checkpoints import huggingface
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.observe import metrics
from groundup.observe.profile import matmul_flops
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.stage import Work
from groundup.scaling import flops, memory
from groundup.tokenizers.bpe import BPE
from groundup.train.loop import TrainResult, train
from groundup.train.objectives import Batches
from groundup.train.settings import TrainConfig

Sampler = Callable[[], str]
"""Lets the model, as it is now, write something."""


def refuse_what_does_not_fit(model: GPTConfig, config: TrainConfig) -> None:
    """Estimate the memory before any is taken. Raises ValueError with how much is needed."""
    needed = memory.estimate(
        model,
        sequences=config.micro_batch or config.batch_size,
        context=config.context,
        muon=config.optimizer.kind == "muon",
    )
    if not torch.cuda.is_available():
        memory.require_fit(needed, memory.available())


def run_training(
    work: Work,
    model: GPT,
    tokenizer: BPE,
    batches: Batches,
    config: TrainConfig,
    *,
    validation: Batches,
    sampler: Sampler,
) -> TrainResult:
    """Train, save the model in Hugging Face's format, write `result.json`, drop the checkpoints."""
    _follow_reference_plan(work)

    def watch(step: int, row: dict[str, Any]) -> dict[str, Any] | None:
        return {"sample": sampler()} if "validation_loss" in row else None

    result = train(
        model,
        batches,
        config,
        work.folder,
        validation=validation,
        watch=watch,
        progress=work.progress,
    )
    for note in result.notes:
        work.say(f"{work.folder.name}: {note}")
    huggingface.save(model, work.folder / "model", tokenizer)
    _write_result(work, model.config, config, result)
    shutil.rmtree(work.folder / "checkpoints")
    return result


def _follow_reference_plan(work: Work) -> None:
    """A learner's run takes as many steps as the reference it is held beside."""
    if work.reference is not None and not (work.folder / "plan.json").exists():
        shutil.copyfile(work.reference / "plan.json", work.folder / "plan.json")


def _write_result(work: Work, model: GPTConfig, config: TrainConfig, result: TrainResult) -> None:
    rows = metrics.read(work.folder / "metrics.jsonl")
    speed = statistics.median(row["tokens_per_second"] for row in rows)
    per_token = flops.training_flops(model, config.context)
    reference = _loss_of(work.reference)
    loss = result.validation_loss
    data = {
        "parameters": model.parameters(),
        "steps": result.steps,
        "tokens": result.tokens,
        "seconds": round(result.seconds, 1),
        "loss": result.loss,
        "validation_loss": loss,
        "reference_loss": reference,
        "tokens_per_second": speed,
        "flops_per_token": per_token,
        "precision": result.precision,
        "achieved_flops": per_token * speed,
        "peak_flops": matmul_flops(getattr(torch, result.precision), result.device),
        "notes": list(result.notes),
    }
    write_text_atomically(work.folder / "result.json", json.dumps(data, indent=2) + "\n")
    line = (
        f"{work.folder.name}: {result.tokens / 1e6:.2f}M tokens in {result.steps:,} steps, "
        f"validation loss {loss:.4f} nats a token"
    )
    if reference is not None and loss is not None:
        verdict = "the same" if abs(loss - reference) < 1e-4 else f"{loss - reference:+.4f}"
        line += f"; the library's own code ends at {reference:.4f} ({verdict})"
    work.say(line)


def _loss_of(folder: Path | None) -> float | None:
    if folder is None:
        return None
    data = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    loss: float | None = data["validation_loss"]
    return loss


def fitted(config: GPTConfig, tokenizer: BPE) -> GPTConfig:
    """The model's config with as many tokens as the tokenizer really has."""
    return replace(config, vocab_size=tokenizer.vocab_size)
