"""How far one model's predictions are from another's, token by token: what a quantisation costs.

    KL(p || q) = sum over the vocabulary of p (ln p - ln q)       p: the reference, q: the other

in nats, at each token of a text. Bits per byte say whether the text became harder to predict; the
divergence says how much the predictions moved, in whatever direction.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from groundup.data.shards import Shard
from groundup.observe.progress import Progress, silent

Model = Callable[[Tensor], Tensor]
"""Token ids (B x T) to logits (B x T x V), a GPT or what stands for one."""


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """Two models on the same tokens."""

    tokens: int
    """Predicted tokens."""
    kl: float
    """Mean KL divergence from the reference, in nats a token."""
    worst_kl: float
    """The largest of a token."""
    reference_nats: float
    """Mean -ln p of the token that stands in the text: the reference's loss."""
    nats: float
    """Mean -ln q of it: the other's."""
    logprob_error: float
    """Mean |ln p - ln q| of the token that stands in the text."""
    agreement: float
    """Share of tokens at which both hold the same token for the likeliest."""


def divergence(
    reference: Model,
    other: Model,
    shard: Shard,
    *,
    context: int,
    max_tokens: int | None = None,
    progress: Progress = silent,
) -> Divergence:
    """Compare two models on a shard's documents, in pieces of at most `context` tokens.

    Each piece starts anew, after `<|endoftext|>`; about `max_tokens` tokens are read. Raises
    ValueError if there is no text.
    """
    parts = pieces(shard, context, max_tokens)
    if not parts:
        raise ValueError("the shard holds no text, so there is nothing to compare")
    kl, pairs, same = [], [], []
    # tokens: (T + 1,); p and q, log-probabilities: (T, V)
    with (
        torch.inference_mode(),
        progress("comparing", total=sum(map(len, parts)), unit="tokens") as advance,
    ):
        for part in parts:
            tokens = torch.from_numpy(part)
            p = reference(tokens[None, :-1])[0].float().log_softmax(-1)
            q = other(tokens[None, :-1])[0].float().log_softmax(-1)
            kl.append((p.exp() * (p - q)).sum(-1))
            targets = tokens[1:, None]
            pairs.append(torch.cat([p.gather(-1, targets), q.gather(-1, targets)], -1))
            same.append(p.argmax(-1) == q.argmax(-1))
            advance(len(part))
    every = torch.cat(kl).double()
    p, q = torch.cat(pairs).double().T
    return Divergence(
        tokens=len(every),
        kl=float(every.mean()),
        worst_kl=float(every.max()),
        reference_nats=-float(p.mean()),
        nats=-float(q.mean()),
        logprob_error=float((p - q).abs().mean()),
        agreement=float(torch.cat(same).double().mean()),
    )


def pieces(
    shard: Shard, context: int, max_tokens: int | None = None
) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The documents in pieces of at most `context` inputs, each after `<|endoftext|>`."""
    found: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    size = 0
    for document in shard.documents():
        for begin in range(0, len(document), context):
            if max_tokens is not None and size >= max_tokens:
                return found
            part = document[begin : begin + context].astype(np.int64)
            if max_tokens is not None:
                part = part[: max_tokens - size]
            found.append(np.concatenate([[shard.end_of_text], part]).astype(np.int64))
            size += len(part)
    return found
