"""How much one API key may use: requests a minute, tokens a minute, requests at a time.

A minute's allowance is a token bucket: it holds at most a minute's worth, is full at first and is
refilled evenly,

    level(t) = min(capacity, level(s) + (t - s) capacity / 60).

A request takes 1 from the bucket of requests and its reserve (prompt + longest answer) from the
bucket of tokens; when it has ended, what it did not use is given back. One that reserves more than
a minute's worth waits for a full bucket and leaves a debt. Plain data: the time comes in as an
argument, in seconds of any clock that does not go back.

Left out: a fair share between keys (the scheduler's priorities), limits over several processes.
"""

from dataclasses import dataclass
from typing import Literal

MINUTE = 60.0

What = Literal["requests", "tokens", "concurrency"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is allowed; None: any amount."""

    requests_per_minute: int | None = None
    """Requests that may begin in a minute."""
    tokens_per_minute: int | None = None
    """Tokens, of prompts and answers together, in a minute."""
    concurrency: int | None = None
    """Requests that may run or wait at the same time."""

    def __post_init__(self) -> None:
        """Refuse a limit below 1: it would be a closed door, which is a key that is not given."""
        for name in ("requests_per_minute", "tokens_per_minute", "concurrency"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; it must be at least 1, or left out")


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Which limit stands in the way, and for how long."""

    what: What
    """The limit."""
    allowed: int
    """Its value."""
    wait: float
    """Seconds until the same request would pass, if nothing else comes in between."""

    def sentence(self) -> str:
        """For the client."""
        unit = "requests at a time" if self.what == "concurrency" else f"{self.what} a minute"
        return f"this key may use {self.allowed} {unit}; try again in {self.wait:.1f} s"


class Bucket:
    """An allowance a minute. `level` may be below 0: a debt."""

    def __init__(self, per_minute: int, *, now: float) -> None:
        self.capacity = per_minute
        self.level = float(per_minute)
        self._at = now

    def wait(self, amount: float, *, now: float) -> float:
        """Seconds until `amount` may be taken: 0 is now. More than all waits for all."""
        self._refill(now)
        missing = min(amount, self.capacity) - self.level
        return max(0.0, missing) * MINUTE / self.capacity

    def take(self, amount: float, *, now: float) -> None:
        """Take it, into debt if need be; a negative amount is given back."""
        self._refill(now)
        self.level = min(float(self.capacity), self.level - amount)

    def _refill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self.level = min(float(self.capacity), self.level + passed * self.capacity / MINUTE)
        self._at = max(self._at, now)


class Account:
    """One key's limits and what it uses."""

    def __init__(self, limits: Limits, *, now: float) -> None:
        self.limits = limits
        self.inside = 0
        self._requests = _bucket(limits.requests_per_minute, now)
        self._tokens = _bucket(limits.tokens_per_minute, now)

    def enter(self, reserve: int, *, now: float) -> Refusal | None:
        """Let a request in that may use up to `reserve` tokens; or say why not, changing nothing.

        Where several limits stand in the way, the one that lasts longest is told.
        """
        refusals = [r for r in (self._crowd(), *self._rates(reserve, now)) if r is not None]
        if refusals:
            return max(refusals, key=lambda refusal: refusal.wait)
        self.inside += 1
        if self._requests:
            self._requests.take(1, now=now)
        if self._tokens:
            self._tokens.take(reserve, now=now)
        return None

    def leave(self, reserve: int, used: int, *, now: float) -> None:
        """The request that entered with this reserve has ended and used so many tokens."""
        assert self.inside > 0, "only who has entered can leave"
        self.inside -= 1
        if self._tokens:
            self._tokens.take(used - reserve, now=now)

    def _crowd(self) -> Refusal | None:
        most = self.limits.concurrency
        if most is None or self.inside < most:
            return None
        # When the next one leaves is not known; a second is a polite guess.
        return Refusal(what="concurrency", allowed=most, wait=1.0)

    def _rates(self, reserve: int, now: float) -> list[Refusal | None]:
        return [
            _too_early("requests", self._requests, 1, now),
            _too_early("tokens", self._tokens, reserve, now),
        ]


def _bucket(per_minute: int | None, now: float) -> Bucket | None:
    return None if per_minute is None else Bucket(per_minute, now=now)


def _too_early(what: What, bucket: Bucket | None, amount: int, now: float) -> Refusal | None:
    # Below a microsecond it is rounding: whoever waited as told must pass.
    if bucket is None or (wait := bucket.wait(amount, now=now)) < 1e-6:
        return None
    return Refusal(what=what, allowed=bucket.capacity, wait=wait)
