"""The evaluation of a pre-trained model: its figures beside those of what it has to beat.

bits per byte on the validation files: gzip, zstd, xz, an n-gram model, the model
sampled functions that parse:          the n-gram model, the model
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from groundup.data.corpus import Document, read_documents
from groundup.data.shards import Shard, open_shard
from groundup.evaluate.bits_per_byte import Score, score_model, score_ngram
from groundup.evaluate.compressors import compress_all
from groundup.evaluate.functions import (
    FunctionScore,
    Prompt,
    model_completer,
    ngram_completer,
    score_functions,
    signatures,
)
from groundup.models.gpt import GPT
from groundup.models.ngram import NGram
from groundup.observe.progress import Progress, silent
from groundup.tokenizers.bpe import BPE


@dataclass(frozen=True, kw_only=True)
class EvaluateConfig:
    """What is measured, and how much of it."""

    stride: int | None = None
    """Tokens from one scoring window to the next; by default half the model's context."""
    max_bytes: int | None = None
    """Score validation files, in an order that their hashes give, until they hold this much."""
    batch_size: int = 32
    """Sequences that are scored or generated together."""
    ngram_order: int = 5
    """Longest n-gram of the model that is compared with."""
    ngram_tokens: int | None = None
    """Train it on the first so many tokens of the training split; on all without it."""
    functions: int = 400
    """How many function signatures are completed, if there are as many; 0 leaves this out."""
    prompt_tokens: int = 256
    """How much of a file, up to the signature and with it, is read before it is completed."""
    function_tokens: int = 192
    """Longest completion of a signature, in tokens."""
    temperatures: tuple[float, ...] = (0.0, 0.8)
    """Each signature is completed once at each; 0 takes the likeliest token always."""
    seed: int = 0
    """Chooses the signatures and the samples."""

    def __post_init__(self) -> None:
        """Refuse amounts that cannot be."""
        for name in ("batch_size", "ngram_order", "prompt_tokens", "function_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        for name in ("stride", "max_bytes", "ngram_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1")
        if self.functions < 0:
            raise ValueError(f"functions is {self.functions}; it must be 0 or more")
        if any(temperature < 0 for temperature in self.temperatures):
            raise ValueError(f"temperatures are {self.temperatures}; none may be below 0")


@dataclass(frozen=True, kw_only=True)
class BitsRow:
    """One line of the table of bits per byte."""

    name: str
    """`gzip`, `zstd`, `xz`, `n-gram` or `model`."""
    detail: str
    """How it was run."""
    bits_per_byte: float
    """Compressors: of all files as one stream, their best case."""
    each_file: float | None = None
    """Compressors only: every file by itself, as a file is stored."""
    nats_per_token: float | None = None
    """Models only: their loss on the same tokens."""


@dataclass(frozen=True, kw_only=True)
class EvaluateResult:
    """What evaluation found; `groundup.config.write` stores it as result.json."""

    documents: int
    """Validation files."""
    bytes: int
    """Their UTF-8 bytes."""
    tokens: int
    """Their tokens."""
    bits_per_byte: tuple[BitsRow, ...]
    functions: tuple[FunctionScore, ...]
    """Empty when the corpus has no Python functions."""
    notes: tuple[str, ...]
    """What one must know to read the figures."""


def evaluate(
    model: GPT,
    tokenizer: BPE,
    *,
    corpus: Path,
    shards: Path,
    config: EvaluateConfig | None = None,
    progress: Progress = silent,
) -> EvaluateResult:
    """Measure a model on the validation split of the corpus and of the shards made from it.

    The same files, and so the same bytes, go to every row.
    """
    config = config or EvaluateConfig()
    every, whole = read_documents(corpus, "validation"), open_shard(shards / "validation")
    if whole.bytes != sum(document.size for document in every):
        raise ValueError(f"the shards at {shards} were not made from the corpus at {corpus}")
    documents, validation = _part(every, whole, config.max_bytes)
    rows = [
        BitsRow(
            name=found.name,
            detail=found.command,
            bits_per_byte=found.together,
            each_file=found.each,
        )
        for found in compress_all([d.text.encode() for d in documents], progress=progress)
    ]
    ngram = _fit(open_shard(shards / "train"), tokenizer, config, progress)
    found = score_ngram(ngram, validation, progress=progress)
    rows.append(_row("n-gram", f"order {ngram.order}, modified Kneser-Ney", found))
    context = model.config.context
    stride = config.stride or max(1, context // 2)
    found = score_model(
        model,
        validation,
        context=context,
        stride=stride,
        batch_size=config.batch_size,
        progress=progress,
    )
    rows.append(_row("model", f"windows of {context} tokens, {stride} apart", found))
    prompts = signatures(every, most=config.functions, seed=config.seed)
    return EvaluateResult(
        documents=len(documents),
        bytes=validation.bytes,
        tokens=found.tokens,
        bits_per_byte=tuple(rows),
        functions=_functions(model, ngram, tokenizer, prompts, config, progress=progress),
        notes=_notes(config, len(prompts)),
    )


def _part(
    documents: list[Document], shard: Shard, max_bytes: int | None
) -> tuple[list[Document], Shard]:
    """The documents that are scored, and a shard of just these."""
    if max_bytes is None:
        return documents, shard
    chosen, size = [], 0
    order = sorted(range(len(documents)), key=lambda i: (documents[i].sha256, documents[i].path))
    for i in order:
        if size >= max_bytes:
            break
        chosen.append(i)
        size += documents[i].size
    chosen.sort()
    parts = [shard.tokens[shard.starts[i] : shard.starts[i + 1]] for i in chosen]
    starts = np.cumsum([0, *map(len, parts)])
    return [documents[i] for i in chosen], Shard(
        np.concatenate(parts), starts, size, shard.end_of_text
    )


def _fit(train: Shard, tokenizer: BPE, config: EvaluateConfig, progress: Progress) -> NGram:
    return NGram.fit(
        train.tokens[: config.ngram_tokens],
        vocab_size=tokenizer.vocab_size,
        order=config.ngram_order,
        progress=progress,
    )


def _row(name: str, detail: str, score: Score) -> BitsRow:
    return BitsRow(
        name=name,
        detail=detail,
        bits_per_byte=score.bits_per_byte,
        nats_per_token=score.nats_per_token,
    )


def _functions(
    model: GPT,
    ngram: NGram,
    tokenizer: BPE,
    prompts: list[Prompt],
    config: EvaluateConfig,
    *,
    progress: Progress,
) -> tuple[FunctionScore, ...]:
    if not prompts:
        return ()
    completers = {
        "n-gram": ngram_completer(
            ngram,
            tokenizer,
            max_tokens=config.function_tokens,
            prompt_tokens=config.prompt_tokens,
            progress=progress,
        ),
        "model": model_completer(
            model,
            tokenizer,
            max_tokens=config.function_tokens,
            prompt_tokens=config.prompt_tokens,
            batch_size=config.batch_size,
            progress=progress,
        ),
    }
    return tuple(
        score_functions(name, complete, prompts, temperature=temperature, seed=config.seed)
        for name, complete in completers.items()
        for temperature in config.temperatures
    )


def _notes(config: EvaluateConfig, prompts: int) -> tuple[str, ...]:
    notes = [
        "Compressors are given all validation files as one stream, their best case, and start "
        "without having seen any other; the model itself is not counted in its bits.",
        "The first token of a file is predicted after <|endoftext|>; where a file ends is not "
        "counted for anyone.",
    ]
    if config.max_bytes is not None:
        notes.append(
            "Bits per byte are of a fixed part of the validation files, "
            f"about {config.max_bytes} bytes."
        )
    if config.ngram_tokens is not None:
        notes.append(f"The n-gram model saw the first {config.ngram_tokens} training tokens only.")
    if prompts:
        notes.append(
            f"A function is written after at most {config.prompt_tokens} tokens of its file and "
            "its signature; it is accepted if it parses and does something; one that reached "
            f"{config.function_tokens} tokens is judged as it stands there. "
            "Intervals are Wilson's at 95 %."
        )
    else:
        notes.append("No function was sampled: the validation files hold no Python function.")
    return tuple(notes)
