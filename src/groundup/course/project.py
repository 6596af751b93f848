"""A project: steps that run on the learner's own parts, and gates on what they leave.

A folder of `projects/` holds `brief.md`, which says what to do, and `gates.py`, which declares it:

    TRANSFORMER = Project(
        "transformer", number="P4", parts=(Part(of="layers.attention:attend"), ...),
        gates=(Gate(name="...", number="logits.worst", at_most=1e-5, look="..."), ...),
    )

    @TRANSFORMER.step("logits")
    def _(work): ...
        with work.own():  # in here the learner's parts run; elsewhere the library's
            ...
        return Found(numbers={"worst": ...})

A gate is a number that a step found, and how large or small it may be. Nothing passes that was not
measured: a step that failed, a number that is missing and one that is not finite all fail. The
folder is the registry; `project_run` runs a project.
"""

import difflib
import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from groundup.observe.progress import Progress
from groundup.swap import Replacement

PROJECTS = Path(__file__).parent / "projects"
OWN = "every part that runs is your own"
"""The gate that every project has."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part of the library that the learner's own stands in for."""

    of: str
    """`room.module:function`, a replaceable one, or a class."""
    methods: tuple[str, ...] = ()
    """Of a class: the methods the learner writes."""

    @property
    def name(self) -> str:
        """The function's or class's own name."""
        return self.of.partition(":")[2]


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One number that must be small, or large, enough. One of the bounds is given."""

    name: str
    """What holds when it passes."""
    number: str
    """Which: the step's name, a dot, the number's name."""
    at_most: float | None = None
    at_least: float | None = None
    look: str
    """Where to look when it fails, in a sentence."""

    def __post_init__(self) -> None:
        if (self.at_most is None) == (self.at_least is None) or "." not in self.number:
            raise ValueError(
                f"gate {self.name!r} on {self.number!r}: wanted step.number, and one of at_most "
                "and at_least"
            )

    @property
    def step(self) -> str:
        """The step that finds the number."""
        return self.number.partition(".")[0]

    @property
    def bound(self) -> str:
        """The bound in words."""
        if self.at_most is not None:
            return f"at most {self.at_most:.2g}"
        return f"at least {self.at_least:.2g}"

    def holds(self, value: float | None) -> bool:
        """Whether the number is there, finite, and within the bound."""
        if value is None or not math.isfinite(value):
            return False
        high = math.inf if self.at_most is None else self.at_most
        low = -math.inf if self.at_least is None else self.at_least
        return low <= value <= high


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a gate came to."""

    gate: Gate
    passed: bool
    value: float | None
    """None: it was not measured."""
    problem: str = ""
    """Why it was not measured."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a step leaves: written beside its files as `<step>.json`, and shown in the report."""

    numbers: Mapping[str, float]
    """Measured; a gate asks for one by `step.number`."""
    table: Sequence[Sequence[str]] = ()
    """Rows for people, the first one a heading."""
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    """Points (step, value) of lines that are drawn together, by name."""
    unit: str = ""
    """What the curves show."""
    text: str = ""
    """Lines for people."""


@dataclass(frozen=True, kw_only=True)
class Work:
    """What a step is handed."""

    folder: Path
    """Where it writes; earlier steps' files are there."""
    own: Callable[[], AbstractContextManager[None]]
    """In this `with`, the learner's parts run."""
    uses: Sequence[Replacement]
    """The learner's functions, for a build of the pipeline."""
    digest: str
    """Of the learner's files: a result of other files is another one."""
    progress: Progress
    """Opens progress bars."""
    say: Callable[[str], None]
    """Tells the person one line."""


Body = Callable[[Work], Found]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A part of a project's run."""

    name: str
    says: str
    """What it does: the first line of its docstring."""
    body: Body


@dataclass
class Project:
    """What a learner builds, and by what numbers it is judged."""

    name: str
    """That of its folder."""
    _: KW_ONLY
    number: str
    """Its number in the syllabus: P1 to P10."""
    title: str
    parts: tuple[Part, ...]
    gates: tuple[Gate, ...]
    steps: list[Step] = field(default_factory=list)

    @property
    def brief(self) -> Path:
        """The file that says what to do."""
        return PROJECTS / self.name / "brief.md"

    def step(self, name: str) -> Callable[[Body], Body]:
        """Declare a step; they run in the order in which they are declared."""

        def declare(body: Body) -> Body:
            says = (body.__doc__ or "").strip().partition("\n")[0]
            self.steps.append(Step(name=name, says=says, body=body))
            return body

        return declare

    def problems(self) -> list[str]:
        """What is wrong with the declaration itself, a sentence each."""
        steps = [step.name for step in self.steps]
        gates = [gate.name for gate in self.gates]
        found = [f"two of its steps are called {name!r}" for name in _twice(steps)]
        found += [f"two of its gates are called {name!r}" for name in _twice([*gates, OWN])]
        found += [
            f"step {step.name!r} does not say what it does" for step in self.steps if not step.says
        ]
        found += [
            f"gate {gate.name!r} asks for {gate.number}, and there is no step {gate.step!r}"
            for gate in self.gates
            if gate.step not in steps
        ]
        return found


def worst(values: Iterable[float]) -> float:
    """The largest; infinite when one of them is no finite number, which `max` may pass over."""
    found = [float(value) for value in values]
    return max(found, default=0.0) if all(map(math.isfinite, found)) else math.inf


def _twice(names: Iterable[str]) -> list[str]:
    names = list(names)
    return sorted({name for name in names if names.count(name) > 1})


def judge(
    gates: Iterable[Gate], numbers: Mapping[str, float], problems: Mapping[str, str]
) -> Iterator[Verdict]:
    """The gates' verdicts on the numbers (`step.number`), and on steps that ended in a problem."""
    for gate in gates:
        value = numbers.get(gate.number)
        passed = gate.holds(value)
        problem = ""
        if value is None:
            problem = problems.get(gate.step) or f"the run has left no {gate.number}"
        elif not math.isfinite(value):
            problem = f"it is {value}"
        yield Verdict(gate=gate, passed=passed, value=value, problem=problem)


def names(folder: Path = PROJECTS) -> list[str]:
    """The projects there are, by the names of their folders."""
    return sorted(path.parent.name for path in folder.glob("*/gates.py"))


def projects() -> list[Project]:
    """All projects, in the syllabus's order."""
    found = [_declared(name) for name in names()]
    return sorted(found, key=lambda one: int(one.number.removeprefix("P")))


def find(name: str) -> Project:
    """A project by its name or its number. Raises ValueError that says which there are."""
    there = projects()
    for project in there:
        if name.lower() in (project.name, project.number.lower()):
            return project
    near = difflib.get_close_matches(name, [one.name for one in there], n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    listed = ", ".join(f"{one.name} ({one.number})" for one in there)
    raise ValueError(f"there is no project {name!r} that can be run; {hint}there are: {listed}")


def _declared(name: str) -> Project:
    module: Any = importlib.import_module(f"groundup.course.projects.{name}.gates")
    found = [one for one in vars(module).values() if isinstance(one, Project)]
    assert [one.name for one in found] == [name], f"projects/{name} declares the project {name}"
    return found[0]
