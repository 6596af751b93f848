"""What may be watched and refused while the server works: the hooks, and the facts they get.

A request of a client is one or several sequences of the engine (`n` answers, several prompts). A
`Life` is what happened to one sequence so far; the runner fills it in and shows it to an `Observer`
(metrics, traces, logs) at each turn. A `Gate` is asked before a request's sequences are submitted
(limits of a key). All hooks run in the event loop's thread, one after the other, so they need no
locks and must be quick; times are seconds of `time.monotonic`, taken in the engine's thread.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundup.inference.request import FinishReason


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A client's request, as far as is known before the engine sees it. Holds no text of it."""

    request_id: str
    """As in the answer's header `x-request-id`."""
    endpoint: str
    """The path, as "/v1/chat/completions"."""
    model: str
    """The model's name."""
    key: str = ""
    """Whose API key asked (its name, never the key); empty without keys."""
    prompt_tokens: int
    """Of all its prompts together."""
    max_tokens: int
    """The most that all its answers together may have."""
    sequences: int
    """How many sequences it becomes."""
    stream: bool = False
    """Whether the answer goes out piece by piece."""
    traceparent: str = ""
    """The client's W3C trace header; empty if there was none."""
    at: float
    """When it came."""


@dataclass(kw_only=True)
class Life:
    """One sequence, from its submission to its end; fields are filled in as they become known."""

    asked: Asked
    """The request it belongs to."""
    number: int
    """Unique in this process."""
    prompt_tokens: int
    """Its prompt's length."""
    max_tokens: int
    """The longest its answer may be."""
    submitted_at: float
    """When it was handed to the engine, where it may have to wait."""
    scheduled_at: float | None = None
    """When the first step that did something for it began."""
    first_at: float | None = None
    """When its first token was there."""
    last_at: float | None = None
    """When its latest token was there."""
    generated_tokens: int = 0
    """Tokens so far."""
    cached_tokens: int = 0
    """How many of its prompt's tokens the prefix cache had."""
    finished_at: float | None = None
    """When it ended."""
    finish_reason: FinishReason | None = None
    """Why it ended."""


class Observer(Protocol):
    """Who watches. A hook that raises is a defect: it is not caught."""

    def started(self, life: Life) -> None:
        """A sequence was handed to the engine."""
        ...

    def first_token(self, life: Life) -> None:
        """Its first token is there: `first_at - submitted_at` is the time to it."""
        ...

    def tokens(self, life: Life, count: int, seconds: float) -> None:
        """Later tokens, `count` of them (more than one where a speculation held), after so long."""
        ...

    def finished(self, life: Life) -> None:
        """It ended, however: `finish_reason` says why. Exactly once for each that started."""
        ...

    def refused(self, model: str, reason: str) -> None:
        """A request was not taken: "queue_full", "draining", "limit" or "invalid"."""
        ...

    def stepped(self, model: str, stats: Any, seconds: float) -> None:
        """The engine made a step that took so long; its `EngineStats` after it."""
        ...


class Gate(Protocol):
    """Who decides whether a request may go on to the engine."""

    def admit(self, asked: Asked) -> None:
        """Return, or raise `serve.errors.ApiError` (429 with `retry_after`, 403 ...)."""
        ...

    def left(self, asked: Asked, used: int) -> None:
        """It ended, or could not begin: exactly once for each that was admitted.

        `used`: the prompt's tokens, if they were read, and those of all answers.
        """
        ...


class Silent:
    """Watches nothing and lets everything through: an `Observer` and a `Gate`."""

    def started(self, life: Life) -> None:
        """Nothing."""

    def first_token(self, life: Life) -> None:
        """Nothing."""

    def tokens(self, life: Life, count: int, seconds: float) -> None:
        """Nothing."""

    def finished(self, life: Life) -> None:
        """Nothing."""

    def refused(self, model: str, reason: str) -> None:
        """Nothing."""

    def stepped(self, model: str, stats: Any, seconds: float) -> None:
        """Nothing."""

    def admit(self, asked: Asked) -> None:
        """Nothing stands in the way."""

    def left(self, asked: Asked, used: int) -> None:
        """Nothing."""


class Together:
    """Several observers as one, told in their order."""

    def __init__(self, observers: Sequence[Observer]) -> None:
        self._observers = tuple(observers)

    def started(self, life: Life) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.started(life)

    def first_token(self, life: Life) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.first_token(life)

    def tokens(self, life: Life, count: int, seconds: float) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.tokens(life, count, seconds)

    def finished(self, life: Life) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.finished(life)

    def refused(self, model: str, reason: str) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.refused(model, reason)

    def stepped(self, model: str, stats: Any, seconds: float) -> None:
        """Tell all."""
        for observer in self._observers:
            observer.stepped(model, stats, seconds)
