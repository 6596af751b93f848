"""Looking inside a trained model for the report: where each token looks, and which lie close.

Attention maps come from `models.probe`, which computes them with the plain formula. Neighbours are
rows of the embedding table with the largest cosine, cos(a, b) = a.b / (|a| |b|) (as Mikolov et al.,
2013, looked at word vectors). Left out: attribution; a weight says where a head looks, not what
follows from it.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.models.gpt import GPT
from groundup.models.probe import attention_weights
from groundup.pipeline.instruct import answer
from groundup.pipeline.report_facts import visible
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.chat_template import CHATML, ChatTemplate, Message


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Where every head of every layer looks, for one text."""

    tokens: tuple[str, ...]
    """The text's tokens."""
    layers: int
    heads: int
    weights: str
    """base64 of one byte a weight, round(255 w): layer, head, query, then keys up to the query."""
    habits: tuple[tuple[tuple[float, float, float], ...], ...]
    """By layer and head: the mean weight on the token itself, the one before, and the first."""


@dataclass(frozen=True, kw_only=True)
class Neighbours:
    """A token and the tokens whose embeddings point the same way."""

    token: str
    close: tuple[tuple[str, float], ...]
    """Token and cosine, closest first."""


def attention(model: GPT, tokenizer: BPE, text: str, *, most: int = 40) -> Attention:
    """Attention of the first `most` tokens of `text` in every layer and head.

    The text stands as a document stands in training: after `<|endoftext|>`, where there is one.
    """
    begin = tokenizer.special_tokens.get("<|endoftext|>")
    ids = ([] if begin is None else [begin]) + tokenizer.encode(text)
    ids = ids[: min(most, model.config.context)]
    maps = torch.stack([w.float() for w in attention_weights(model, torch.tensor(ids))])
    layers, heads = maps.shape[:2]
    causal = torch.ones(len(ids), len(ids), dtype=torch.bool).tril()
    weights = (255 * maps).round().to(torch.uint8)[:, :, causal]
    return Attention(
        tokens=tuple(visible(tokenizer.token_bytes(i)) for i in ids),
        layers=layers,
        heads=heads,
        weights=base64.b64encode(weights.numpy().tobytes()).decode(),
        habits=tuple(tuple(_habit(head) for head in layer) for layer in maps),
    )


def _habit(weights: Tensor) -> tuple[float, float, float]:
    """Means over the queries from the third on; the first two have hardly a choice.

    weights: query by key.
    """
    start = min(2, weights.shape[0] - 1)
    itself, before, first = weights.diagonal()[start:], weights.diagonal(-1), weights[start:, 0]
    before_from_start = before[max(0, start - 1) :]
    mean_before = before_from_start.mean().item() if len(before_from_start) else 0.0
    return round(itself.mean().item(), 3), round(mean_before, 3), round(first.mean().item(), 3)


def neighbours(
    model: GPT, tokenizer: BPE, words: Sequence[str], *, close: int = 6, most: int = 8
) -> tuple[Neighbours, ...]:
    """The nearest neighbours of those words that are one token each.

    When fewer than `most` of them are, whole words with the lowest ids fill up: those the
    tokenizer's training met most often. Special tokens are left out.
    """
    table = model.embedding.weight.detach()[: tokenizer.vocab_size].float()
    unit = table / table.norm(dim=1, keepdim=True).clamp_min(1e-12)
    special = sorted(tokenizer.special_tokens.values())
    chosen = _one_token_words(tokenizer, words, most=most)
    out = []
    for token in chosen:
        cosine = unit @ unit[token]
        cosine[[token, *special]] = -2.0
        values, ids = cosine.topk(min(close, len(cosine) - len(special) - 1))
        found = zip(ids.tolist(), values.tolist(), strict=True)
        pairs = tuple((visible(tokenizer.token_bytes(i)), round(c, 3)) for i, c in found)
        out.append(Neighbours(token=visible(tokenizer.token_bytes(token)), close=pairs))
    return tuple(out)


def asked(
    model: GPT,
    tokenizer: BPE,
    held_out: Sequence[Sequence[Message]],
    *,
    most: int,
    tokens: int = 90,
) -> tuple[tuple[str, str], ...]:
    """Questions and the model's likeliest answers: to the first `most` of `held_out`.

    tokens: the longest answer.
    """
    template = ChatTemplate(tokenizer.chat_template or CHATML)
    questions = [
        next(message["content"] for message in messages if message["role"] == "user")
        for messages in held_out[:most]
    ]
    return tuple((it, answer(model, tokenizer, template, it, tokens)) for it in questions)


def _one_token_words(tokenizer: BPE, words: Sequence[str], *, most: int) -> list[int]:
    encoded = [tokenizer.encode(word) for word in words]
    chosen = [ids[0] for ids in encoded if len(ids) == 1]
    for token in range(tokenizer.vocab_size):
        if len(chosen) >= most:
            break
        text = tokenizer.token_bytes(token).decode("utf-8", errors="replace")
        is_word = len(text) >= 4 and text[0] == " " and text[1:].isalpha()
        if is_word and token not in chosen:
            chosen.append(token)
    return list(dict.fromkeys(chosen))[:most]
