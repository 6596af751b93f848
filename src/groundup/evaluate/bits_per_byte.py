"""Bits per byte: how well a model predicts text, in a unit that no tokenizer can flatter.

    bits per byte = sum over tokens of -log2 p(token | tokens before it in the document) / bytes

Bytes are those of the documents in UTF-8. The first token of a document is predicted after
`<|endoftext|>`; that a document ends is not predicted (compressors of one long stream do not say it
either). It is the loss in nats a token, divided by ln 2 and by the mean number of bytes a token.

A perplexity a token compares models of one tokenizer only: exp(nats a token).
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from groundup.data.shards import Shard
from groundup.models.ngram import NGram, bits
from groundup.observe.progress import Progress, silent
from groundup.swap import replaceable

_IGNORED = -100


@dataclass(frozen=True, kw_only=True)
class Score:
    """What a model needs for a set of documents."""

    bits: float
    """Sum of -log2 p over all tokens."""
    tokens: int
    bytes: int

    @property
    def bits_per_byte(self) -> float:
        """Bits of code for each byte of text."""
        return self.bits / self.bytes

    @property
    def nats_per_token(self) -> float:
        """The loss as training reports it."""
        return self.bits * math.log(2) / self.tokens


@dataclass(frozen=True)
class Window:
    """A stretch of tokens that the model reads at once, and what of it counts."""

    tokens: NDArray[Any]
    """Inputs and, one place on, targets."""
    skip: int
    """The first targets are not counted: an earlier window predicted them already."""


@replaceable
def windows(tokens: NDArray[Any], context: int, stride: int) -> list[Window]:
    """Windows over one document that together predict each of its tokens once.

    `tokens` starts with `<|endoftext|>`. Each window has at most `context` inputs and starts
    `stride` tokens after the one before. So after the first window every token is predicted from
    at least context - stride tokens before it.
    """
    out = []
    counted = 0
    for begin in range(0, len(tokens) - 1, stride):
        end = min(begin + context, len(tokens) - 1)
        out.append(Window(tokens[begin : end + 1], counted - begin))
        counted = end
        if end == len(tokens) - 1:
            break
    return out


def score_model(
    model: nn.Module,
    shard: Shard,
    *,
    context: int,
    stride: int | None = None,
    batch_size: int = 16,
    progress: Progress = silent,
) -> Score:
    """Bits that a language model (tokens_BT -> logits_BTV) needs for a shard's documents.

    Without a stride, half the context. Raises ValueError for a stride outside 1 .. context and for
    a shard without text.
    """
    stride = stride or max(1, context // 2)
    if not 1 <= stride <= context:
        raise ValueError(f"stride is {stride}; it must be from 1 to the context, {context}")
    every = [
        window for document in _with_start(shard) for window in windows(document, context, stride)
    ]
    # windows of like length together, so that little of a batch is padding; long ones first, so
    # that too little memory is noticed at once
    every.sort(key=lambda window: -len(window.tokens))
    nats = 0.0
    with (
        progress("scoring", total=len(every), unit="windows") as advance,
        _reading(model) as device,
    ):
        for first in range(0, len(every), batch_size):
            group = every[first : first + batch_size]
            nats += _nats(model, group, device)
            advance(len(group))
    return _score(nats / math.log(2), shard)


def score_ngram(model: NGram, shard: Shard, *, progress: Progress = silent) -> Score:
    """Bits that an n-gram model needs for a shard's documents."""
    total = 0.0
    documents = len(shard.starts) - 1
    with progress("scoring", total=documents, unit="documents") as advance:
        for tokens in _with_start(shard):
            total += bits(model.log_probabilities(tokens))
            advance(1)
    return _score(total, shard)


def _score(total: float, shard: Shard) -> Score:
    tokens = len(shard.tokens) - (len(shard.starts) - 1)
    if not tokens or not shard.bytes:
        raise ValueError("the shard holds no text, so there is nothing to score")
    return Score(bits=total, tokens=tokens, bytes=shard.bytes)


def _with_start(shard: Shard) -> Iterable[NDArray[Any]]:
    for document in shard.documents():
        yield np.concatenate([[shard.end_of_text], document.astype(np.int64)])


@contextmanager
def _reading(model: nn.Module) -> Iterator[torch.device]:
    """The model in evaluation mode and without gradients; gives its device."""
    was_training = model.training
    model.eval()
    parameter = next(model.parameters(), None)
    try:
        with torch.no_grad():
            yield parameter.device if parameter is not None else torch.device("cpu")
    finally:
        model.train(was_training)


def _nats(model: nn.Module, group: Sequence[Window], device: torch.device) -> float:
    """The sum of -ln p over the counted targets of a batch of windows, padded on the right.

    tokens: (B, T + 1); targets: (B, T); logits: (B, T, V).
    """
    longest = max(len(window.tokens) for window in group)
    tokens = np.zeros((len(group), longest), dtype=np.int64)
    targets = np.full((len(group), longest - 1), _IGNORED, dtype=np.int64)
    for row, window in enumerate(group):
        length = len(window.tokens)
        tokens[row, :length] = window.tokens
        targets[row, window.skip : length - 1] = window.tokens[window.skip + 1 :]
    logits: Tensor = model(torch.from_numpy(tokens[:, :-1].copy()).to(device))
    loss = nn.functional.cross_entropy(
        logits.float().flatten(0, 1),
        torch.from_numpy(targets).to(device).flatten(),
        ignore_index=_IGNORED,
        reduction="none",
    )
    return float(loss.double().sum())
