"""An exercise: a part of the library with its body cut out, and the checks it must pass.

A topic's `checks.py` declares its exercises, their checks and the mistakes people make:

    ATTEND = Exercise(
        "attention", of="groundup.layers.attention:attend", title="Scaled dot-product attention",
        minutes=30, hints=("a nudge", "the idea", "almost the code"),
    )

    @ATTEND.check("each row of weights sums to one")
    def _(attend, case): ...

    @ATTEND.mistake("the scores are not divided by the root of the width", caught_by="...")
    def _(q_BHTD, k_BHSD, v_BHSD, ...): ...

A check is given the learner's function and a `Case`. `make test` gives it the library's: the checks
are tests of the library. A mistake is a wrong answer written out: it must fail at the check that
`caught_by` names, and a learner whose answer equals it is told its name. Two tiers, both announced:
`core` must pass; `deep` asks for edges, types and gradients. There are no secret ones.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, Literal

from groundup.course.case import Case

TOPICS = Path(__file__).parent / "topics"
Tier = Literal["core", "deep"]
Subject = Any
"""What is checked: a function or a class."""
Body = Callable[[Subject, Case], None]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing an answer must do."""

    says: str
    """What, in words."""
    tier: Tier
    body: Body


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """A wrong answer that people give."""

    says: str
    """What is wrong with it, in words a learner can act on."""
    caught_by: str
    """The check it fails."""
    answer: Subject


@dataclass
class Exercise:
    """What a learner writes."""

    name: str
    """Its name everywhere, and that of its file."""
    _: KW_ONLY
    of: str
    """The part of the library it is: `groundup.room.module:function`, or a class."""
    title: str
    minutes: int
    """How long it takes, roughly."""
    hints: tuple[str, str, str]
    """A nudge, the idea, almost the code."""
    methods: tuple[str, ...] = ()
    """Of a class: the methods to write; the others are given."""
    version: int = 1
    """A higher one asks for the checks to be run again."""
    checks: list[Check] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)

    @property
    def part(self) -> str:
        """The function's or class's own name."""
        return self.of.partition(":")[2]

    def reference(self) -> Subject:
        """The library's own, unwrapped: no learner's function runs in its place."""
        module, _, name = self.of.partition(":")
        found = getattr(importlib.import_module(module), name)
        return found.slot.original if hasattr(found, "slot") else found

    def is_replaceable(self) -> bool:
        """Whether a learner's version can run in the pipeline (see `groundup.swap`)."""
        module, _, name = self.of.partition(":")
        return hasattr(getattr(importlib.import_module(module), name), "slot")

    def check(self, says: str, *, tier: Tier = "core") -> Callable[[Body], Body]:
        """Declare a check."""

        def declare(body: Body) -> Body:
            assert says not in [one.says for one in self.checks], f"{self.name}: two say {says!r}"
            self.checks.append(Check(says=says, tier=tier, body=body))
            return body

        return declare

    def mistake(self, says: str, *, caught_by: str) -> Callable[[Subject], Subject]:
        """Declare a wrong answer, and which check finds it."""

        def declare(answer: Subject) -> Subject:
            self.mistakes.append(Mistake(says=says, caught_by=caught_by, answer=answer))
            return answer

        return declare

    def problems(self) -> list[str]:
        """What is wrong with the declaration itself, a sentence each."""
        found = []
        names = [check.says for check in self.checks]
        tiers = {check.tier for check in self.checks}
        found += [f"it has no {tier} check" for tier in ("core", "deep") if tier not in tiers]
        if len(self.mistakes) < 3:
            found.append(f"it names {len(self.mistakes)} mistakes; wanted three or more")
        found += [
            f"a mistake is caught by {mistake.caught_by!r}, which is no check of it"
            for mistake in self.mistakes
            if mistake.caught_by not in names
        ]
        if inspect.isclass(self.reference()) != bool(self.methods):
            found.append("a class names the methods to write, a function does not")
        return found


def exercises(folder: Path = TOPICS) -> Iterator[tuple[str, Exercise]]:
    """All there are, each with its topic (`p04_transformer/attention`), in the folders' order."""
    for path in sorted(folder.glob("*/*/checks.py")):
        topic = path.parent.relative_to(folder).as_posix()
        yield from ((topic, one) for one in of_topic(topic))


def of_topic(topic: str) -> list[Exercise]:
    """A topic's exercises, in the order in which its `checks.py` declares them; none without it."""
    if not (TOPICS / topic / "checks.py").is_file():
        return []
    module = importlib.import_module(f"groundup.course.topics.{topic.replace('/', '.')}.checks")
    return [one for one in vars(module).values() if isinstance(one, Exercise)]
