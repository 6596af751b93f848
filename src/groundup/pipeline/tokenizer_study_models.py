"""The stages of the tokenizer study that plan the training, train a model, and score it."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from groundup.data.batches import Batches
from groundup.data.shards import Shard, open_shard
from groundup.evaluate.bits_per_byte import score_model
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.observe import metrics
from groundup.observe.progress import Progress, silent
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.stage import Work
from groundup.pipeline.tokenizer_study_tokens import Spelling, spell
from groundup.scaling.flops import training_flops
from groundup.tokenizers.load import load
from groundup.train.loop import TrainResult, train
from groundup.train.objectives import next_token
from groundup.train.precision import choose_device
from groundup.train.prepare import Computation, seconds_per_step
from groundup.train.reproducible import reproducible
from groundup.train.settings import TrainConfig

_FOR_TRAINING = 0.8  # share of the minutes; the rest is for tokenizing, scoring and the start


@dataclass(frozen=True, kw_only=True)
class PlanConfig:
    """How much each model reads."""

    bytes: int | None = None
    """Bytes of text that each model is trained on (none: what fits into the minutes)."""
    minutes: float = 8.0
    """Time for all models together, measured once on this machine; not used with bytes given."""
    bytes_per_update: int = 8192
    """Bytes of text in one update, about."""

    def __post_init__(self) -> None:
        if not self.minutes > 0 or self.bytes_per_update < 1 or (self.bytes or 1) < 1:
            raise ValueError(
                f"minutes is {self.minutes}, bytes {self.bytes}, "
                f"bytes_per_update {self.bytes_per_update}; all must be above 0"
            )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """The model that all contenders share, and how it is trained and scored."""

    model: GPTConfig
    """Its shape; the vocabulary's size is taken from each tokenizer."""
    train: TrainConfig
    """How it is trained; steps and batch size follow from the plan."""
    seed: int = 0
    """Of the initial weights and of the order of the data."""
    curve_bytes: int = 40_000
    """Held-out bytes that are scored on the way, for the curve."""


@dataclass(frozen=True, kw_only=True)
class PlanStage:
    """What the plan depends on."""

    plan: PlanConfig
    """How much."""
    model: ModelConfig
    """Of what speed."""


def plan(work: Work) -> None:
    """Turn minutes into bytes, once: how much text the models together read in that time."""
    settings: PlanStage = work.config
    amount = settings.plan.bytes
    if amount is None:
        per_byte = 0.0
        with work.progress("timing models", total=len(work.inputs), unit="models") as advance:
            for folder in work.inputs.values():
                run = _Run.of(folder, settings.model, settings.plan.bytes_per_update)
                per_byte += run.seconds_per_byte(settings.plan.minutes)
                advance(1)
        amount = int(_FOR_TRAINING * 60 * settings.plan.minutes / per_byte)
    amount = max(amount, settings.plan.bytes_per_update)
    data = {"bytes": amount, "bytes_per_update": settings.plan.bytes_per_update}
    write_text_atomically(work.folder / "plan.json", json.dumps(data, indent=2) + "\n")
    work.say(f"plan: each model reads {amount / 1e6:.2f} MB of text")


@dataclass(frozen=True, kw_only=True)
class _Run:
    """One contender's model and data, before it is trained."""

    facts: dict[str, Any]
    model: GPT
    batches: Batches
    config: TrainConfig
    bytes_per_update: float

    @classmethod
    def of(cls, folder: Path, shared: ModelConfig, bytes_per_update: int) -> "_Run":
        """From the folder of a `tokens` stage."""
        facts = json.loads((folder / "facts.json").read_text(encoding="utf-8"))
        row = shared.train.context * facts["bytes_per_token"]
        rows = max(1, round(bytes_per_update / row))
        config = replace(shared.train, batch_size=rows)
        network = GPT(replace(shared.model, vocab_size=facts["vocab_size"]))
        network.initialize(torch.Generator().manual_seed(shared.seed))
        batches = Batches(folder / "shards" / "train", rows, config.context, shared.seed)
        return cls(
            facts=facts, model=network, batches=batches, config=config, bytes_per_update=rows * row
        )

    def seconds_per_byte(self, minutes: float) -> float:
        """As measured here and now; changes the weights."""
        device = choose_device(self.config.device)
        self.model.to(device).train()
        timing = replace(self.config, minutes=minutes / 20)
        with reproducible(device, timing.threads):
            computation = Computation(self.model, next_token, timing, device)
            return seconds_per_step(computation, self.batches, timing) / self.bytes_per_update

    def bits_per_byte(
        self,
        shard: Shard,
        spelling: Spelling,
        *,
        stride: int | None = None,
        progress: Progress = silent,
    ) -> float:
        """Of the first documents held out, as many as the shard has; unknown text spelled out."""
        context = self.config.context
        found = score_model(self.model, shard, context=context, stride=stride, progress=progress)
        spelled = sum(spelling.bits[: len(shard.starts) - 1])
        return (found.bits + spelled) / shard.bytes


def model(work: Work) -> None:
    """Train one contender's model on the planned bytes, or go on with it, and score it."""
    shared: ModelConfig = work.config
    [folder] = [path for name, path in work.inputs.items() if name.startswith("tokens-")]
    planned = json.loads((work.inputs["plan"] / "plan.json").read_text(encoding="utf-8"))
    run = _Run.of(folder, shared, planned["bytes_per_update"])
    steps = max(1, round(planned["bytes"] / run.bytes_per_update))
    config = replace(run.config, steps=steps)
    held_out = open_shard(folder / "shards" / "validation")
    spelling = spell(load(folder), work.inputs["corpus"], learnt_bytes=planned["bytes"])
    some = first_documents(held_out, spelling.document_bytes, shared.curve_bytes)
    every = config.evaluate_every or max(1, steps // 12)

    def watch(step: int, row: dict[str, Any]) -> dict[str, Any] | None:
        if (step + 1) % every and step + 1 != steps:
            return None
        bits = run.bits_per_byte(some, spelling, stride=config.context)
        return {"bytes": round((step + 1) * run.bytes_per_update), "bits_per_byte": bits}

    with reproducible(choose_device(config.device), config.threads):
        result = train(
            run.model, run.batches, config, work.folder, watch=watch, progress=work.progress
        )
        data = _result(run, result, held_out, spelling, work)
    write_text_atomically(work.folder / "result.json", json.dumps(data, indent=2) + "\n")
    shutil.rmtree(work.folder / "checkpoints")
    name = work.folder.name.removeprefix("model-")
    work.say(f"{name}: {data['bits_per_byte']:.3f} bits per byte, {result.seconds:.0f} s")


def _result(
    run: _Run, result: TrainResult, held_out: Shard, spelling: Spelling, work: Work
) -> dict[str, Any]:
    shape, context = run.model.config, run.config.context
    rows = metrics.read(work.folder / "metrics.jsonl")
    documents = len(held_out.starts) - 1
    tokens = len(held_out.tokens) - documents
    return {
        "bits_per_byte": run.bits_per_byte(held_out, spelling, progress=work.progress),
        "spelling_bits_per_byte": sum(spelling.bits) / held_out.bytes,
        "unknown_share_of_tokens": sum(spelling.unknown) / tokens,
        "vocab_size": shape.vocab_size,
        "parameters": shape.parameters(),
        "embedding_parameters": shape.vocab_size * shape.width,
        "bytes_per_token": run.facts["bytes_per_token"],
        "context_bytes": context * run.facts["bytes_per_token"],
        "bytes": round(result.steps * run.bytes_per_update),
        "steps": result.steps,
        "tokens": result.tokens,
        "flops": training_flops(shape, context) * result.tokens,
        "seconds": round(result.seconds, 1),
        "held_out_bytes": held_out.bytes,
        "curve": [(row["bytes"], row["bits_per_byte"]) for row in rows if "bits_per_byte" in row],
    }


def first_documents(shard: Shard, sizes: Sequence[int], most: int) -> Shard:
    """The first documents that together reach so many bytes; `sizes`: bytes of each."""
    kept = total = 0
    while kept < len(sizes) and total < most:
        total += sizes[kept]
        kept += 1
    starts = shard.starts[: kept + 1]
    return Shard(shard.tokens[: starts[-1]], starts, total, shard.end_of_text)
