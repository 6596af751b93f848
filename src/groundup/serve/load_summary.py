"""What the times of a load test sum up to.

As percentiles: time to first token (from sending the request to the first piece of text), between
tokens (from one piece to the next), time per output token ((last - first) / (tokens - 1)), and the
whole request. In an open loop a request counts from when it was due, so a server that falls behind
cannot hide it. Throughput is output tokens over the time from the first request to the last answer.
Tokens are as the server counts them (`usage`); without that, pieces are counted. Requests that
failed are counted by their error and are in no percentile.
"""

import itertools
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

PERCENTILES = (50, 90, 95, 99)


@dataclass(kw_only=True)
class Call:
    """One request; times are seconds from the start of the test."""

    due: float
    """When it should have been sent."""
    pieces: list[float] = field(default_factory=list)
    """When each piece of text came."""
    end: float = 0.0
    """When the answer was whole."""
    prompt_tokens: int = 0
    """As the server counts."""
    cached_tokens: int = 0
    """Those of them it had in its prefix cache, if it says so."""
    output_tokens: int = 0
    """As the server counts, or the pieces."""
    text: str = field(default="", repr=False)
    """The answer."""
    error: str = ""
    """What went wrong; empty: nothing."""


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A quantity's distribution, in seconds."""

    mean: float
    percentiles: dict[str, float]
    """`p50` and on."""
    count: int


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a load test found."""

    requests: int
    """How many were answered without an error."""
    errors: dict[str, int]
    """How many failed, by what went wrong."""
    seconds: float
    """From the first request to the last answer."""
    prompt_tokens: int
    cached_tokens: int
    output_tokens: int
    output_tokens_per_second: float
    requests_per_second: float
    first_token: Spread | None
    """Time to the first token; None: there was none."""
    between_tokens: Spread | None
    per_output_token: Spread | None
    whole: Spread | None


def summarize(calls: Sequence[Call]) -> Summary:
    """The percentiles and rates of a test."""
    good = [call for call in calls if not call.error]
    answered = [call for call in good if call.pieces]
    seconds = max((c.end for c in calls), default=0.0) - min((c.due for c in calls), default=0.0)
    output = sum(call.output_tokens for call in good)
    return Summary(
        requests=len(good),
        errors=dict(Counter(call.error for call in calls if call.error)),
        seconds=seconds,
        prompt_tokens=sum(call.prompt_tokens for call in good),
        cached_tokens=sum(call.cached_tokens for call in good),
        output_tokens=output,
        output_tokens_per_second=output / seconds if seconds else 0.0,
        requests_per_second=len(good) / seconds if seconds else 0.0,
        first_token=spread([call.pieces[0] - call.due for call in answered]),
        between_tokens=spread(gaps(answered)),
        per_output_token=spread(
            [
                (call.pieces[-1] - call.pieces[0]) / (call.output_tokens - 1)
                for call in answered
                if call.output_tokens > 1
            ]
        ),
        whole=spread([call.end - call.due for call in good]),
    )


def gaps(calls: Sequence[Call]) -> list[float]:
    """All times from one piece of text to the next of the same answer."""
    return [b - a for call in calls for a, b in itertools.pairwise(call.pieces)]


def spread(values: Sequence[float]) -> Spread | None:
    """Mean and percentiles; None of nothing."""
    if not values:
        return None
    found = np.percentile(values, PERCENTILES)
    return Spread(
        mean=statistics.fmean(values),
        percentiles={f"p{p}": float(v) for p, v in zip(PERCENTILES, found, strict=True)},
        count=len(values),
    )
