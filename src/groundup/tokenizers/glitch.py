"""Under-trained ("glitch") tokens: in the vocabulary, but hardly ever in what a model learnt from.

A row of the unembedding that is never the answer is only ever pushed away, in the same direction
as the rows of tokens that cannot occur at all. So a token whose row lies near those is one that the
model hardly knows: asked to repeat it, the model says something else. With untied weights the input
embedding of such a token is pulled towards zero by weight decay, or left where it began.

Source: Land and Bartolo (2024), "Fishing for Magikarp". Leaves out the last step, to ask the model
to repeat each suspect (`groundup.inference`).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from groundup.observe.progress import Progress, silent
from groundup.tokenizers.tokenizer import Tokenizer

Rows: TypeAlias = NDArray[np.floating]
"""One row a token: (ids, width)."""
Indicator: TypeAlias = Literal["cosine", "euclidean", "norm"]
Trouble: TypeAlias = Literal["special", "none", "undecodable", "unreachable"]


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A token that looks under-trained."""

    token: int
    text: bytes
    score: float
    """The indicator; the lower, the more suspect."""
    count: int | None
    """How often it occurs in the corpus that was counted, if one was."""


def distances(
    unembedding: Rows, unused: Sequence[int], *, kind: Literal["cosine", "euclidean"] = "cosine"
) -> NDArray[np.float64]:
    """How far each row lies from the mean of the rows of tokens known to be unused.

    Euclidean: ‖uᵢ - ū‖. Cosine: 1 - cos(u'ᵢ, ū'), where u' is u less its part along the first
    principal direction of the rows, which all rows may share (the paper's equation 2).

    Raises ValueError if no token is known to be unused, or one has no row.
    """
    rows = _checked(unembedding)
    unused = list(unused)
    if not unused or not all(0 <= token < len(rows) for token in unused):
        raise ValueError(
            f"wanted ids of unused tokens from 0 to {len(rows) - 1}, got {unused[:5]}; "
            "`troubles` finds tokens that cannot occur, and rows beyond the vocabulary are unused"
        )
    if kind == "euclidean":
        return _lengths(rows - rows[unused].mean(axis=0))
    first = np.linalg.eigh(rows.T @ rows)[1][:, -1]
    rows = rows - np.outer(rows @ first, first)
    mean = rows[unused].mean(axis=0)
    lengths = _lengths(rows) * np.linalg.norm(mean)
    near = np.ones(len(rows))  # a row of zeros is as near as can be
    np.divide(rows @ mean, lengths, out=near, where=lengths > 1e-12)
    return 1 - near


def norms(embedding: Rows) -> NDArray[np.float64]:
    """The length ‖eᵢ‖ of each input embedding: for models whose weights are not tied."""
    return _lengths(_checked(embedding))


def troubles(tokenizer: Tokenizer) -> dict[int, Trouble]:
    """The ids that plain text never, or only in part, gives: why for each.

    special: a control token; none: no token at all; undecodable: bytes that are no whole text;
    unreachable: its own text is encoded otherwise. What is left could be under-trained for want of
    data alone.
    """
    found: dict[int, Trouble] = {}
    special = set(tokenizer.special_tokens.values())
    for token in range(tokenizer.vocab_size):
        if token in special:
            found[token] = "special"
        elif (trouble := _trouble(tokenizer, token)) is not None:
            found[token] = trouble
    return found


def count_tokens(
    tokenizer: Tokenizer, texts: Iterable[str], *, progress: Progress = silent
) -> Counter[int]:
    """How often each id occurs in a corpus; ids that are missing were never seen."""
    counts = Counter[int]()
    with progress("counting tokens", unit="characters") as advance:
        for text in texts:
            counts.update(tokenizer.encode(text))
            advance(len(text))
    return counts


def glitch_tokens(
    tokenizer: Tokenizer,
    rows: Rows,
    *,
    indicator: Indicator = "cosine",
    unused: Sequence[int] = (),
    counts: Counter[int] | None = None,
    most: int = 100,
) -> list[Suspect]:
    """The tokens that look least trained, the most suspect first.

    `rows` is the unembedding for "cosine" and "euclidean" (with the ids known to be `unused`), the
    input embedding for "norm". Special and unused tokens are not listed. The paper looks at the
    lowest 2 % of the vocabulary.

    Raises ValueError if there are fewer rows than ids, or as `distances` does.
    """
    if len(rows) < tokenizer.vocab_size:
        raise ValueError(
            f"there are {len(rows)} rows for {tokenizer.vocab_size} ids; "
            "give the matrix of the model this tokenizer belongs to"
        )
    scores = norms(rows) if indicator == "norm" else distances(rows, unused, kind=indicator)
    left_out = {*unused, *tokenizer.special_tokens.values()}
    order = np.argsort(scores[: tokenizer.vocab_size], kind="stable").tolist()
    suspects = [token for token in order if token not in left_out]
    return [
        Suspect(
            token=token,
            text=_text(tokenizer, token),
            score=float(scores[token]),
            count=None if counts is None else counts[token],
        )
        for token in suspects[:most]
    ]


def _checked(rows: Rows) -> NDArray[np.float64]:
    if rows.ndim != 2 or not rows.size or not np.isfinite(rows).all():
        raise ValueError(
            f"wanted a matrix of finite numbers with one row a token, got shape {rows.shape}"
        )
    return rows.astype(np.float64)


def _lengths(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths: NDArray[np.float64] = np.sqrt(np.square(rows).sum(axis=1))
    return lengths


def _trouble(tokenizer: Tokenizer, token: int) -> Trouble | None:
    try:
        text = tokenizer.token_bytes(token).decode()
    except UnicodeDecodeError:
        return "undecodable"
    except ValueError:
        return "none"
    return None if tokenizer.encode(text) == [token] else "unreachable"


def _text(tokenizer: Tokenizer, token: int) -> bytes:
    try:
        return tokenizer.token_bytes(token)
    except ValueError:
        return b""
