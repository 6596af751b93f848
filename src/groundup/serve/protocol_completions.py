"""/v1/completions: its request and its answer, which is also the shape of a stream's chunks."""

from typing import Annotated, Literal

from pydantic import Field

from groundup.serve.protocol import (
    MOST_ALTERNATIVES,
    MOST_ANSWERS,
    Generation,
    TokenId,
    Told,
    Usage,
    Whole,
)

TokenIds = Annotated[list[TokenId], Field(min_length=1, fail_fast=True)]


class CompletionRequest(Generation):
    """Texts to continue."""

    prompt: (
        str
        | TokenIds
        | Annotated[list[str], Field(min_length=1, fail_fast=True)]
        | Annotated[list[TokenIds], Field(min_length=1, fail_fast=True)]
    ) = ""
    """A text, ids, or a list of them. Names of special tokens are read as these tokens; an empty
    text begins a document."""
    max_tokens: Annotated[int, Field(ge=0), Whole] | None = 16
    """Longest answer in tokens; 0 with `echo` reads the prompt only."""
    echo: bool | None = None
    """Whether the prompt is part of what comes back, its log-probabilities too."""
    logprobs: Annotated[int, Field(ge=0, le=MOST_ALTERNATIVES), Whole] | None = None
    """Tell each token's log-probability, and those of so many of the likeliest."""
    best_of: Annotated[int, Field(ge=1, le=MOST_ANSWERS), Whole] | None = None
    """Make so many answers and give the `n` with the highest log-probability a token."""
    suffix: None = None
    """What comes after the gap; no model here was taught to fill one, so it is refused."""
    add_special_tokens: bool = True
    """Whether the tokenizer adds what it puts before a text (vLLM's)."""


class CompletionLogprobs(Told):
    """Of the tokens of a text; of the prompt's first token there is none."""

    tokens: list[str]
    """Each token's text, or `bytes:\\xe2\\x82` where it is no whole character."""
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    """The likeliest tokens and the one that stands there."""
    text_offset: list[int]
    """Where in the text each token begins, in characters."""


class CompletionChoice(Told):
    """One of the answers."""

    index: int
    text: str
    logprobs: CompletionLogprobs | None = None
    finish_reason: Literal["stop", "length"] | None
    """Null in a chunk that is not the last."""
    stop_reason: str | int | None = None
    """The stop text or end token (vLLM's)."""


class Completion(Told):
    """The answers, or a chunk of them."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    choices: list[CompletionChoice]
    usage: Usage | None = None
    """Null in the chunks of a stream but the last, if it is asked for."""
    system_fingerprint: str | None = None
