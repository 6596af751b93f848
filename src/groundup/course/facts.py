"""What happened while someone learned: facts, which are added and never changed.

Mastery, reviews, streak and plan are derived from facts, so a course that changes loses nothing. A
fact has an id of its own: merging two people's machines is the union of their facts.
"""

import dataclasses
import json
import math
import typing
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

Tier = Literal["core", "deep"]
Purpose = Literal["practice", "placement", "review"]


def _new_id() -> str:
    return uuid.uuid4().hex


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that happened. Raises ValueError on a field of another type or out of range."""

    id: str = field(default_factory=_new_id)
    at: datetime = field(default_factory=_now)
    """When, with its time zone; kept in UTC."""

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ValueError(f"{kind_of(self)}: {problem}")
        object.__setattr__(self, "at", self.at.astimezone(UTC))


@dataclass(frozen=True, kw_only=True)
class Attempt(Fact):
    """An answer to an exercise was checked."""

    exercise: str
    version: int = 1
    """The exercise's version then."""
    tier: Tier = "core"
    """The checks that ran."""
    status: str
    """`passed` when all of them did; anything else is what came in the way, as `failed`."""
    seed: int = 0
    purpose: Purpose = "practice"
    """`review`: answered anew after it had been passed; `placement`: to skip what is known."""
    hints_used: int = 0
    """How many hints had been shown for it before."""
    seconds: float = 0.0
    """Time worked on it since the attempt before this one; 0 where nobody measured."""
    results: Any = None
    """The outcomes, as JSON. None where facts were read without details."""
    code: str = ""
    """The answer. Empty where facts were read without details."""


@dataclass(frozen=True, kw_only=True)
class Hint(Fact):
    """A hint was shown."""

    exercise: str
    level: int
    """1 to 3 as the exercise gives them; 4 is the solution."""


@dataclass(frozen=True, kw_only=True)
class Study(Fact):
    """Time spent that no attempt measures: reading, thinking, running."""

    about: str
    """A topic, an exercise or a project."""
    minutes: float


@dataclass(frozen=True, kw_only=True)
class QuizAnswer(Fact):
    """A choice in a quiz."""

    topic: str
    quiz: str
    choice: int
    """Which, from 0."""
    right: bool


@dataclass(frozen=True, kw_only=True)
class Prediction(Fact):
    """A guess at what code gives, before it ran."""

    topic: str
    prediction: str
    guess: str
    truth: str
    """What it gave."""


@dataclass(frozen=True, kw_only=True)
class ProjectRun(Fact):
    """A project's gates were measured."""

    project: str
    passed: bool
    gates: Any = None
    """What was measured, as JSON."""


@dataclass(frozen=True, kw_only=True)
class Claim(Fact):
    """A learner says that a topic is known, or takes it back; the last word counts."""

    topic: str
    known: bool


@dataclass(frozen=True, kw_only=True)
class Setting(Fact):
    """A choice about the course itself; the last one of a name counts."""

    name: str
    value: Any
    """As JSON."""


KINDS: Mapping[str, type[Fact]] = {
    "attempt": Attempt,
    "hint": Hint,
    "study": Study,
    "quiz_answer": QuizAnswer,
    "prediction": Prediction,
    "project_run": ProjectRun,
    "claim": Claim,
    "setting": Setting,
}
DETAILS = frozenset({"results", "code", "gates"})
"""Fields that can be long, and that are read only when asked for."""
_RANGES: Mapping[str, tuple[float, float]] = {
    "version": (1, 10**6),
    "hints_used": (0, 10**6),
    "seconds": (0, 10**7),
    "level": (1, 4),
    "minutes": (0, 10**5),
    "choice": (0, 10**6),
    "seed": (-(2**63), 2**64),
}
_WORDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "true or false",
    datetime: "a time",
}


def kind_of(fact: Fact) -> str:
    """The name of a fact's kind, as it is written."""
    return next(name for name, kind in KINDS.items() if type(fact) is kind)


def as_json(fact: Fact) -> dict[str, Any]:
    """A fact as JSON holds it: kind, id, at, then its own fields; NaN becomes the text `nan`."""
    own = {f.name: getattr(fact, f.name) for f in dataclasses.fields(fact)}
    return {
        "kind": kind_of(fact),
        "id": own.pop("id"),
        "at": own.pop("at").isoformat(timespec="microseconds"),
        **{name: _plain(value) for name, value in own.items()},
    }


def from_json(table: Any) -> Fact:
    """The fact that `as_json` wrote. Raises ValueError with what is wrong with it."""
    if not isinstance(table, dict):
        raise ValueError(f"a fact is an object; {json.dumps(table)[:60]} came")
    kind = KINDS.get(str(table.get("kind")))
    if kind is None:
        raise ValueError(
            f"there is no kind of fact {table.get('kind')!r}; there are: {', '.join(KINDS)} "
            "(a newer groundup may know it)"
        )
    fields = {key: value for key, value in table.items() if key != "kind"}
    known = {f.name for f in dataclasses.fields(kind)}
    if unknown := sorted(set(fields) - known):
        raise ValueError(
            f"{table['kind']}: it has {unknown[0]!r}, which no such fact has "
            "(a newer groundup may know it)"
        )
    needed = {f.name for f in dataclasses.fields(kind) if f.default is dataclasses.MISSING}
    needed -= {f.name for f in dataclasses.fields(kind) if f.name in ("id", "at")}
    if missing := sorted((needed | {"id", "at"}) - set(fields)):
        raise ValueError(f"{table['kind']}: it has no {missing[0]!r}")
    fields["at"] = _time(fields["at"])
    return kind(**fields)


def _time(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(f"its time is {text!r}; wanted it as 2026-12-01T10:00:00+00:00") from None


def _plain(value: Any) -> Any:
    """The same in JSON's own types. Raises TypeError for what JSON cannot hold."""
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, str | int | float | bool | None):
        return value
    raise TypeError(f"a fact holds JSON; a {type(value).__name__} came")


def _problem(fact: Fact) -> str:
    kind: Any = type(fact)  # Any: mypy takes a dataclass's type for something without a hash
    for name, wanted in _types(kind).items():
        value = getattr(fact, name)
        if not _is_a(value, wanted):
            return f"its {name} is {value!r:.60}; wanted {_said(wanted)}"
        low, high = _RANGES.get(name, (-math.inf, math.inf))
        if name in _RANGES and not low <= value <= high:
            return f"its {name} is {value!r}; wanted {low} to {high}"
    if not fact.id:
        return "its id is empty"
    return "" if fact.at.tzinfo else f"its time {fact.at.isoformat()} has no time zone"


@cache
def _types(kind: Any) -> dict[str, Any]:
    """The fields of a kind of fact and their types."""
    return typing.get_type_hints(kind)


def _is_a(value: Any, wanted: Any) -> bool:
    if wanted is Any:
        return True
    if typing.get_origin(wanted) is Literal:
        return value in typing.get_args(wanted)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, wanted)


def _said(wanted: Any) -> str:
    if typing.get_origin(wanted) is Literal:
        return " or ".join(repr(one) for one in typing.get_args(wanted))
    return _WORDS[wanted]
