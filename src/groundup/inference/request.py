"""What a person asks of the engine, and what comes back: plain data, no tensor, no clock.

A request is one sequence. Several answers to one prompt (`n`, `best_of`) are several requests; the
prefix cache makes the prompt's tokens cheap for all but the first.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from groundup.inference.sampling import Sampling

FinishReason = Literal["stop", "length", "cancelled", "error"]
"""Why an answer ended: an end token or stop text; a limit; its reader left; something failed."""


class Grammar(Protocol):
    """What an answer may look like, as an automaton over tokens. Stateful: one for each request."""

    def mask(self) -> NDArray[np.uint32]:
        """The tokens that may come next: bit `token % 32` of word `token // 32` is set.

        The end tokens are among them where the answer may end. Valid until the next call; tokens
        beyond the last word are refused. Raises ValueError if the grammar cannot go on.
        """
        ...

    def accept(self, token: int) -> None:
        """Go on to the state after this token. Raises ValueError if it was not allowed."""
        ...

    def is_finished(self) -> bool:
        """Whether nothing but an end token can follow."""
        ...


@dataclass(frozen=True, kw_only=True)
class Request:
    """One sequence to continue."""

    prompt: tuple[int, ...]
    """Token ids; at least one."""
    max_tokens: int
    """The longest answer; 0 reads the prompt only (for its log-probabilities)."""
    sampling: Sampling = field(default_factory=Sampling)
    """How the next token is chosen."""
    min_tokens: int = 0
    """No end token and no stop text before so many tokens."""
    stop: tuple[str, ...] = ()
    """Texts that end the answer; they are not part of it."""
    stop_ids: frozenset[int] = frozenset()
    """End tokens; they are not part of the answer."""
    first_ids: tuple[int, ...] | None = None
    """What the first token may be (a healed prompt); None: anything."""
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Pairs of a token and what is added to its logit."""
    logprobs: int | None = None
    """Of each drawn token its log-probability under the model, and those of so many likeliest."""
    prompt_logprobs: int | None = None
    """The same of the prompt's tokens, all but the first."""
    grammar: Grammar | None = None
    """What the answer may look like."""
    priority: int = 0
    """Smaller goes first; among equals, who came first."""
    index: int = 0
    """Which of the answers to one prompt this is: each draws its own random numbers."""
    salt: str = ""
    """Computed prefixes are shared with the same salt only (an adapter, a tenant)."""


@dataclass(frozen=True, kw_only=True)
class TokenLogprob:
    """Log-probabilities, natural, of one place: softmax of the model's own logits."""

    token: int
    """The token that stands there."""
    logprob: float
    """Its log-probability."""
    top: tuple[tuple[int, float], ...] = ()
    """The likeliest tokens there with theirs, from the likeliest down."""


@dataclass(frozen=True, kw_only=True)
class Delta:
    """What one step added to one request."""

    request_id: int
    """As `Engine.submit` gave it."""
    tokens: tuple[int, ...] = ()
    """New tokens: more than one where a speculation held."""
    text: str = ""
    """The text that is certain by now: whole characters, and nothing that may begin a stop text."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """One for each new token, if asked for."""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    """Of the prompt, once, with the first delta, if asked for."""
    vector: tuple[float, ...] = ()
    """A text's embedding, of length 1, if that was asked for."""
    finish_reason: FinishReason | None = None
    """Set in the last delta of a request."""
    stop_reason: str | int | None = None
    """The stop text or end token that ended it."""
    cached_tokens: int = 0
    """With the first delta: how many of the prompt's tokens the prefix cache had."""
    error: str = ""
    """What failed, if the reason is "error"."""
