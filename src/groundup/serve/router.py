"""Which of several replicas a request goes to: decisions on plain data, no socket, no clock.

- round robin: each in turn;
- least loaded: the one with the fewest requests in flight;
- prefix: requests that begin alike go to the same replica, whose prefix cache then knows the
  beginning. Replicas stand at many points of a ring of hashes; a request goes to the first one
  clockwise from its own hash that is not too busy: at most ceil(c (m + 1) / n) requests in flight
  there, of m on all n healthy replicas. A replica that comes or goes moves its own share only.

A replica is passed over while its readiness probe says no, and for a while after several failures
in a row (ejected; twice as long each time it fails again, up to a limit; then one request tries
it). A failed request goes to another replica only as long as no byte of an answer was passed on, so
no token is ever sent twice.

Source: Karger et al., "Consistent hashing and random trees" (1997); Mirrokni, Thorup and
Zadimoghaddam, "Consistent hashing with bounded loads" (2018). Left out: weights, a view of what the
replicas' caches really hold.
"""

import bisect
import hashlib
import itertools
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Policy = Literal["round-robin", "least-loaded", "prefix"]
Move = Literal["pass", "retry", "give up"]

RETRIED = frozenset({429, 502, 503, 504})
"""Statuses that another replica may not have: busy, draining, or its own upstream is gone."""


@dataclass(frozen=True, kw_only=True)
class RouterConfig:
    """How requests are spread over replicas."""

    policy: Policy = "prefix"
    """round-robin, least-loaded or prefix (who begins alike shares a replica and its cache)."""
    prefix_characters: int = 512
    """So much of a prompt's beginning decides, with the policy prefix."""
    imbalance: float = 1.5
    """With the policy prefix a replica takes at most this many times its even share."""
    points: int = 128
    """Places of each replica on the ring: more are more even."""
    failures: int = 3
    """So many failures in a row eject a replica."""
    eject_seconds: float = 2.0
    """For so long at first; twice as long each time again."""
    eject_most_seconds: float = 60.0
    """And never longer than this."""
    retries: int = 2
    """How many other replicas a request may be sent to when one fails before its first byte."""

    def __post_init__(self) -> None:
        """Refuse numbers under which no request could be placed."""
        for name in ("prefix_characters", "points", "failures"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not self.imbalance >= 1:
            raise ValueError(f"imbalance is {self.imbalance}; it must be at least 1, an even share")
        if not 0 < self.eject_seconds <= self.eject_most_seconds:
            raise ValueError(
                f"eject_seconds is {self.eject_seconds}; it must be above 0 and at most "
                f"eject_most_seconds, {self.eject_most_seconds}"
            )
        if self.retries < 0:
            raise ValueError(f"retries is {self.retries}; it must be 0 or more")


@dataclass(kw_only=True)
class Replica:
    """One server, as the router sees it."""

    url: str
    """Where it is."""
    in_flight: int = 0
    """Requests it is answering for us."""
    ready: bool = True
    """What its readiness probe said last."""
    failed: int = 0
    """Failures in a row."""
    ejections: int = 0
    """How often it was ejected since it last answered."""
    ejected_until: float = 0.0
    """No request before this time."""
    answered: int = 0
    """Requests it has answered, in all."""
    broken: int = 0
    """Requests it has failed, in all."""

    def takes_requests(self, now: float) -> bool:
        """Whether it may be chosen. After an ejection one request tries it before others follow."""
        if not self.ready or now < self.ejected_until:
            return False
        return self.ejections == 0 or self.in_flight == 0


class Router:
    """The replicas and the policy."""

    def __init__(self, urls: Sequence[str], config: RouterConfig = RouterConfig()) -> None:
        """Raises ValueError for no replica, or the same one twice."""
        if not urls:
            raise ValueError("a router needs at least one replica")
        if len(set(urls)) != len(urls):
            raise ValueError(f"a replica stands there twice: {', '.join(sorted(urls))}")
        self.config = config
        self.replicas = {url: Replica(url=url) for url in urls}
        self._turn = 0
        self._ring = sorted(
            (_place(f"{url}#{point}".encode()), url)
            for url in urls
            for point in range(config.points)
        )

    def choose(self, prefix: bytes, *, now: float, tried: Collection[str] = ()) -> str | None:
        """The replica for a request that begins so; None: none can take it now.

        `prefix` empty: nothing to remember, the least loaded is taken under the policy prefix too.
        """
        healthy = self._healthy(tried, now)
        if not healthy:
            return None
        if self.config.policy == "prefix" and prefix:
            return self._clockwise(prefix, {replica.url: replica for replica in healthy})
        first = self._turn % len(healthy)
        self._turn += 1
        inturn = healthy[first:] + healthy[:first]
        if self.config.policy == "round-robin":
            return inturn[0].url
        return min(inturn, key=lambda replica: replica.in_flight).url

    def has_others(self, tried: Collection[str], *, now: float) -> bool:
        """Whether one that was not tried takes requests now."""
        return bool(self._healthy(tried, now))

    def _healthy(self, tried: Collection[str], now: float) -> list[Replica]:
        return [
            replica
            for url, replica in self.replicas.items()
            if url not in tried and replica.takes_requests(now)
        ]

    def _clockwise(self, prefix: bytes, healthy: Mapping[str, Replica]) -> str:
        total = sum(replica.in_flight for replica in healthy.values())
        most = math.ceil(self.config.imbalance * (total + 1) / len(healthy))
        begin = bisect.bisect_left(self._ring, (_place(prefix), ""))
        for _, url in itertools.chain(self._ring[begin:], self._ring[:begin]):
            if url in healthy and healthy[url].in_flight < most:
                return url
        raise AssertionError("not all replicas can hold more than an even share")

    def begin(self, url: str) -> None:
        """A request was sent to this replica."""
        self.replicas[url].in_flight += 1

    def end(self, url: str, *, ok: bool | None, now: float) -> None:
        """It is done there. `ok`: it answered, it failed, or (None) the client left first."""
        replica = self.replicas[url]
        assert replica.in_flight > 0, "only what has begun can end"
        replica.in_flight -= 1
        if ok is True:
            replica.answered += 1
            replica.failed = replica.ejections = 0
            replica.ejected_until = 0.0
        elif ok is False:
            replica.broken += 1
            replica.failed += 1
            # A trial after an ejection need not fail several times.
            if replica.failed >= self.config.failures or replica.ejections:
                self._eject(replica, now)

    def _eject(self, replica: Replica, now: float) -> None:
        config = self.config
        # The exponent is bounded so that it stays a number after years of failures.
        seconds = config.eject_seconds * 2.0 ** min(replica.ejections, 64)
        replica.ejected_until = now + min(seconds, config.eject_most_seconds)
        replica.ejections += 1
        replica.failed = 0

    def probed(self, url: str, *, ready: bool) -> None:
        """Its readiness probe answered. A replica that is ready again is taken back at once."""
        replica = self.replicas[url]
        if ready and not replica.ready:
            replica.failed = replica.ejections = 0
            replica.ejected_until = 0.0
        replica.ready = ready

    def wait(self, *, now: float) -> float:
        """Seconds until it may be worth asking again, for `Retry-After`."""
        left = [max(0.0, r.ejected_until - now) for r in self.replicas.values() if r.ready]
        return max(1.0, min(left, default=1.0))


def next_move(
    *, status: int | None, passed: bool, others_left: bool, attempt: int, retries: int
) -> Move:
    """What to do with an answer (`status`) or a broken connection (None) of attempt 0, 1, 2 ...

    `passed`: a byte of it was given to the client already; then nothing can be taken back.
    """
    if passed:
        return "pass" if status is not None else "give up"
    again = others_left and attempt < retries
    if status is None:
        return "retry" if again else "give up"
    return "retry" if status in RETRIED and again else "pass"


def prefix_of(path: str, body: Any, characters: int) -> bytes:
    """The beginning of a request's prompt: what a prefix cache could share; empty if none.

    Of a chat it is the messages up to the first of the user, so that a conversation keeps its
    replica as it grows. The model is part of it.
    """
    if not isinstance(body, dict):
        return b""
    if path.endswith("/chat/completions"):
        text = _opening(body.get("messages"))
    elif path.endswith("/completions"):
        prompt = body.get("prompt")
        if isinstance(prompt, list) and prompt and isinstance(prompt[0], str | list):
            prompt = prompt[0]
        text = _written(prompt)
    else:
        text = ""
    if not text:
        return b""
    return f"{_written(body.get('model'))}\0{text[:characters]}".encode("utf-8", "surrogatepass")


def _opening(messages: Any) -> str:
    if not isinstance(messages, list):
        return ""
    parts = []
    for message in messages:
        if not isinstance(message, dict):
            break
        parts.append(f"{_written(message.get('role'))}\0{_written(message.get('content'))}\0")
        if message.get("role") == "user":
            break
    return "".join(parts)


def _written(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "\0".join(map(_written, value))
    return "" if value is None else str(value)


def _place(key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "big")
