"""The report's sections as plain data: what each shows, before any of it is HTML.

A section whose stage left nothing is None, and the page says so in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from groundup.pipeline import report_charts as charts
from groundup.pipeline.artifact import Record
from groundup.pipeline.report_facts import Run, number, spread, training_points, visible
from groundup.pipeline.report_svg import Chart
from groundup.tokenizers.bpe import BPE

_SHAPE = {
    "model_type": "architecture",
    "num_hidden_layers": "layers",
    "hidden_size": "width",
    "num_attention_heads": "heads",
    "num_key_value_heads": "key and value heads",
    "head_dim": "head width",
    "intermediate_size": "hidden width of a feed-forward layer",
    "vocab_size": "vocabulary",
    "max_position_embeddings": "context, tokens",
    "tie_word_embeddings": "input and output embeddings shared",
}


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was built: the stages, and the model's shape by the names of its config.json."""

    stages: tuple[Record, ...]
    shape: tuple[tuple[str, Any], ...]


def built(run: Run) -> Built:
    """The stages in order and the shape of the pre-trained model."""
    config = run.data("pretrain/model/config.json")
    shape = tuple((name, config[key]) for key, name in _SHAPE.items() if key in config)
    return Built(stages=tuple(run.records.values()), shape=shape)


@dataclass(frozen=True, kw_only=True)
class Split:
    """One part of the corpus."""

    name: str
    documents: int
    bytes: int
    tokens: int | None
    """With one end-of-text token a document; None when it has not been tokenized yet."""


@dataclass(frozen=True, kw_only=True)
class Dropped:
    """Files left out for one reason."""

    reason: str
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """What went in and what was left out."""

    source: str
    licence: str
    splits: tuple[Split, ...]
    dropped: tuple[Dropped, ...]


def corpus(run: Run) -> Corpus | None:
    """Documents by split, and files left out by reason, the largest first."""
    manifest = run.data("corpus/manifest.json")
    if not manifest:
        return None
    shards = run.data("shards/manifest.json").get("splits", {})
    splits = tuple(
        Split(
            name=name,
            documents=documents,
            bytes=manifest["bytes"][name],
            tokens=shards.get(name, {}).get("tokens"),
        )
        for name, documents in manifest["documents"].items()
    )
    dropped = [Dropped(reason=reason, **row) for reason, row in manifest["dropped"].items()]
    return Corpus(
        source=manifest["source"],
        licence=manifest["licence"],
        splits=splits,
        dropped=tuple(sorted(dropped, key=lambda row: (-row.bytes, row.reason))),
    )


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What the tokenizer learnt."""

    size: int
    merges: tuple[tuple[str, str], ...]
    longest: tuple[str, ...]
    special: tuple[str, ...]
    lengths: Chart
    bytes_per_token: float | None
    """Of the training text; None when it has not been tokenized yet."""


def vocabulary(run: Run, tokenizer: BPE | None) -> Vocabulary | None:
    """The first merges, the longest tokens and how long tokens are."""
    if tokenizer is None:
        return None
    special = set(tokenizer.special_tokens.values())
    tokens = [tokenizer.token_bytes(i) for i in range(tokenizer.vocab_size) if i not in special]
    words = [token for token in tokens if token.strip()]
    longest = sorted(words, key=lambda token: (-len(token), token))[:24]
    widest = min(max(map(len, tokens), default=1), 24)
    counts = [sum(len(token) == width for token in tokens) for width in range(1, widest + 1)]
    return Vocabulary(
        size=tokenizer.vocab_size,
        merges=tuple((visible(left), visible(right)) for left, right in tokenizer.merges[:40]),
        longest=tuple(map(visible, longest)),
        special=tuple(tokenizer.special_tokens),
        lengths=charts.column_chart(
            counts, title="Lengths of the tokens", xlabel="length in bytes", ylabel="tokens"
        ),
        bytes_per_token=_bytes_per_token(run.data("shards/manifest.json")),
    )


def _bytes_per_token(shards: Mapping[str, Any]) -> float | None:
    """On the training text, its end-of-text tokens (one a document) not counted."""
    train = shards.get("splits", {}).get("train")
    return train["bytes"] / (train["tokens"] - train["documents"]) if train else None


@dataclass(frozen=True, kw_only=True)
class Training:
    """The curves of one training stage and what the model wrote on the way."""

    stage: str
    loss: Chart
    small: tuple[Chart, ...]
    prompt: str
    """What the samples go on from or answer to."""
    samples: tuple[tuple[int, str], ...]
    result: Mapping[str, Any]
    steps: int


def training(run: Run, stage: str, *, most_samples: int = 6) -> Training | None:
    """Loss, learning rate, gradient norm and speed over the steps; samples at several steps."""
    loss = training_points(run, stage, "loss")
    validation = training_points(run, stage, "validation_loss")
    if not loss and not validation:
        return None
    result = run.data(f"{stage}/result.json")
    small = []
    for key, title, unit in (
        ("lr", "Learning rate", "learning rate"),
        ("grad_norm", "Gradient norm", "norm before clipping"),
    ):
        if points := training_points(run, stage, key):
            small.append(charts.line_chart(points, title=title, unit=unit))
    if speeds := training_points(run, stage, "tokens_per_second"):
        small.append(
            charts.throughput_chart(
                speeds,
                title="Speed",
                flops_per_token=number(result, "flops_per_token"),
                peak_flops=number(result, "peak_flops"),
            )
        )
    samples = [(row["step"], str(row["sample"])) for row in run.rows(stage) if "sample" in row]
    return Training(
        stage=stage,
        loss=charts.loss_chart(loss, validation, title="Loss").within(stage),
        small=tuple(chart.within(stage) for chart in small),
        prompt=_prompt(run, stage),
        samples=tuple(spread(samples, most_samples)),
        result=result,
        steps=int(max(step for step, _ in [*loss, *validation])),
    )


def _prompt(run: Run, stage: str) -> str:
    settings = run.records[stage].config if stage in run.records else {}
    return str(settings.get("sample_question") or settings.get("sample_prompt") or "")


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """A part that a learner's function stood in for, and what that did to the loss."""

    stage: str
    part: str
    file: str
    name: str
    sha256: str
    loss: float | None
    reference_loss: float | None
    """Of the library's own function under the same settings; None when that never ran."""


def replaced(run: Run) -> tuple[Replaced, ...]:
    """The learner's functions that ran, stage by stage."""
    out = []
    for stage, record in run.records.items():
        result = run.data(f"{stage}/result.json")
        reference = number(result, "reference_loss")
        for use in record.uses:
            loss = number(result, "validation_loss")
            out.append(Replaced(stage=stage, loss=loss, reference_loss=reference, **use))
    return tuple(out)
