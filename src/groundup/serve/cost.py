"""What answers cost: tokens and seconds of the engine, at a given price of the machine.

A machine costs its price whether or not it works, so there are two prices of a million tokens:

    now   = price an hour / 3600 * seconds since the start / million tokens
    full  = price an hour / 3600 * seconds in steps        / million tokens

the second is what the first would be if the engine were never idle with the batches it had. The
machine's price is shared out by tokens, prompts' and answers' alike: a step computes both at once.

Left out: prices of prompts and answers apart, energy, idle replicas.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from groundup.serve.observer import Life, Silent

HOUR = 3600.0


@dataclass(kw_only=True)
class Usage:
    """What was used."""

    requests: int = 0
    """Sequences that ended."""
    prompt_tokens: int = 0
    """Tokens of prompts, cached ones among them."""
    cached_tokens: int = 0
    """Those that the prefix cache had."""
    generated_tokens: int = 0
    """Tokens of answers."""

    @property
    def tokens(self) -> int:
        """All, as they are charged."""
        return self.prompt_tokens + self.generated_tokens

    def add(self, life: Life) -> None:
        """One more sequence has ended."""
        was_read = life.scheduled_at is not None
        self.requests += 1
        self.prompt_tokens += life.prompt_tokens if was_read else 0
        self.cached_tokens += life.cached_tokens
        self.generated_tokens += life.generated_tokens


@dataclass(frozen=True, kw_only=True)
class Bill:
    """The costs of a time."""

    seconds: float
    """Since the server began."""
    busy_seconds: float
    """Of them, in steps of the engines."""
    price_per_hour: float
    """Of the machine, in whatever currency it was given."""
    usage: Usage
    """Of all."""
    by_key: dict[str, Usage] = field(default_factory=dict)
    """By the names of the keys; without keys under ""."""

    @property
    def cost(self) -> float:
        """Of the machine, so far."""
        return self.price_per_hour * self.seconds / HOUR

    @property
    def per_million(self) -> float | None:
        """Price of a million tokens, as things are; None before the first."""
        return _per_million(self.cost, self.usage.tokens)

    @property
    def per_million_busy(self) -> float | None:
        """The same, if the engine were never idle."""
        return _per_million(self.price_per_hour * self.busy_seconds / HOUR, self.usage.tokens)

    def share(self, key: str) -> float:
        """What a key costs: its share of the tokens, in money."""
        used = self.by_key[key].tokens if key in self.by_key else 0
        return self.cost * used / self.usage.tokens if self.usage.tokens else 0.0


def _per_million(cost: float, tokens: int) -> float | None:
    return cost / tokens * 1e6 if tokens else None


class Costs(Silent):
    """An `Observer` that adds up what is used."""

    def __init__(
        self, price_per_hour: float = 0.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not price_per_hour >= 0:
            raise ValueError(f"price_per_hour is {price_per_hour}; it must be 0 or more")
        self._price = price_per_hour
        self._clock = clock
        self._began = clock()
        self._busy = 0.0
        self._all = Usage()
        self._by_key: dict[str, Usage] = {}

    def finished(self, life: Life) -> None:
        """Add a sequence's tokens, also to its key's."""
        self._all.add(life)
        self._by_key.setdefault(life.asked.key, Usage()).add(life)

    def stepped(self, model: str, stats: Any, seconds: float) -> None:
        """Add a step's time."""
        self._busy += seconds

    def bill(self) -> Bill:
        """What it comes to by now."""
        return Bill(
            seconds=self._clock() - self._began,
            busy_seconds=self._busy,
            price_per_hour=self._price,
            usage=self._all,
            by_key=dict(self._by_key),
        )
