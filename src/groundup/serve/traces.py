"""What the users of a load test do: seeded, so that two servers get the very same requests.

- chat: conversations of several turns under one system prompt; each user sends the next turn when
  the last was answered, and begins another conversation when one is over (a closed loop);
- poisson: single prompts that arrive independently, `rate` a second on average (an open loop: they
  come whether or not the server keeps up);
- burst: the same average, but all users at once each time.

Prompts are words drawn from a list; lengths are log-normal about their mean, as lengths of real
prompts roughly are. Plain data: no clock, no socket.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Trace = Literal["chat", "poisson", "burst"]

_WORDS = """
time year people way day man thing woman life child world school state family student group
country problem hand part place case week company system program question work government
number night point home water room mother area money story fact month lot right study book eye
job word business issue side kind head house service friend father power hour game line end
member law car city community name president team minute idea body information back parent
face others level office door health person art war history party result change morning reason
research girl guy moment air teacher force education green small large old new first good long
little other own young important few public bad same able ask need feel become leave put mean
keep let begin seem help talk turn start show hear play run move like live believe hold bring
"""
_SPREAD = 0.5
"""Standard deviation of the logarithm of a length."""


@dataclass(frozen=True, kw_only=True)
class TraceConfig:
    """Which requests, and when."""

    trace: Trace = "chat"
    """chat (conversations, a closed loop), poisson or burst (single prompts at a rate)."""
    users: int = 8
    """Users at the same time; with burst, how many come at once."""
    requests: int = 200
    """Requests in all."""
    rate: float = 2.0
    """Requests a second on average, of poisson and burst."""
    prompt_words: int = 40
    """Mean length of what a user says, in words."""
    system_words: int = 300
    """Length of the system prompt that all share, in words; 0: none."""
    turns: int = 3
    """Turns of a conversation, of chat."""
    max_tokens: int = 64
    """The longest answer."""
    seed: int = 0
    """Another one gives other requests."""

    def __post_init__(self) -> None:
        """Refuse what gives no requests."""
        for name in ("users", "requests", "prompt_words", "turns", "max_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if not 0 < self.rate < math.inf:
            raise ValueError(f"rate is {self.rate}; it must be above 0")
        if self.system_words < 0:
            raise ValueError(f"system_words is {self.system_words}; it must be 0 or more")


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """What one user says, turn by turn."""

    system: str
    """The system prompt; empty: none."""
    says: tuple[str, ...]
    """Each turn's message; the next is sent when the last was answered."""
    at: float | None = None
    """Seconds from the start to its first turn; None: as soon as a user is free."""


def conversations(config: TraceConfig) -> tuple[Conversation, ...]:
    """All there are, in the order in which they begin; their turns sum up to `requests`."""
    chance = random.Random(config.seed)
    system = words(chance, config.system_words)
    if config.trace == "chat":
        lengths = _turns(config.requests, config.turns)
        times: Sequence[float | None] = [None] * len(lengths)
    else:
        lengths = [1] * config.requests
        times = arrivals(config, chance)
    return tuple(
        Conversation(
            system=system,
            says=tuple(words(chance, _length(chance, config.prompt_words)) for _ in range(length)),
            at=at,
        )
        for length, at in zip(lengths, times, strict=True)
    )


def arrivals(config: TraceConfig, chance: random.Random) -> list[float]:
    """When the requests of poisson and burst come, in seconds from the start, ascending.

    The gaps of a Poisson process are exponential with mean 1 / rate; those of bursts of u users
    exponential with mean u / rate, so that both bring as many requests a second.
    """
    together = config.users if config.trace == "burst" else 1
    times: list[float] = []
    now = 0.0
    while len(times) < config.requests:
        times += [now] * min(together, config.requests - len(times))
        now += chance.expovariate(config.rate / together)
    return times


def words(chance: random.Random, count: int) -> str:
    """So many words, with a full stop after every dozen."""
    drawn = chance.choices(_WORDS.split(), k=count)
    return " ".join(f"{word}." if i % 12 == 11 else word for i, word in enumerate(drawn))


def _length(chance: random.Random, mean: int) -> int:
    # The mean of a log-normal is exp(mu + sigma^2 / 2).
    mu = math.log(mean) - _SPREAD**2 / 2
    return max(1, min(round(chance.lognormvariate(mu, _SPREAD)), 8 * mean))


def _turns(requests: int, turns: int) -> list[int]:
    rest = requests % turns
    return [turns] * (requests // turns) + ([rest] if rest else [])
