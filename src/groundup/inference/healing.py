"""Token healing: a prompt that stops in the middle of a token which the model would have written.

In the text a model learnt from, "def f():" was followed by a new line, and a tokenizer that joins
":" and the new line into one token has never shown the model ":" alone in that place. So the last
token of a prompt is taken back, and the first token drawn must begin with its bytes: ":" itself, or
one of the longer tokens that it begins. The idea is that of Lundberg and Ribeiro's "guidance"
(2023). Left out: a boundary that spans more than one token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from groundup.tokenizers.bpe import BPE


@dataclass(frozen=True, kw_only=True)
class Healed:
    """A prompt to go on from."""

    ids: list[int]
    """What the model reads."""
    first_ids: list[int] | None = None
    """What it may begin with; None: anything."""
    known: str = ""
    """How the first token's text begins: the end of the prompt, which is not to be repeated."""


def heal(ids: Sequence[int], tokenizer: BPE, start: int | None) -> Healed:
    """Take back the last token of a prompt's ids where a longer one could stand for it.

    Read as it is: a prompt whose last token is special or begins inside a character, one of a
    single token where no token `start` could stand before it, and one that no longer token fits.
    """
    whole = Healed(ids=list(ids))
    before = [*ids[:-1]] or ([] if start is None else [start])
    special = set(tokenizer.special_tokens.values())
    if not before or ids[-1] in special:
        return whole
    end = tokenizer.token_bytes(ids[-1])
    try:
        known = end.decode("utf-8")
    except UnicodeDecodeError:
        return whole
    ordinary = tokenizer.definition.tokens.items()
    first_ids = [token for token, text in ordinary if text.startswith(end)]
    return whole if len(first_ids) == 1 else Healed(ids=before, first_ids=first_ids, known=known)
