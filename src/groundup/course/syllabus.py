"""The syllabus as an index over the house: which code, tests and users a bullet has.

`syllabus.toml` holds the syllabus word for word. `topics/pNN_phase/topic/topic.toml` says, for what
exists, which bullets a topic covers (wholly, or `partly` with what is missing), and by what code,
judged by which tests, and used by which modules of the real pipeline. A bullet that no topic names
is not built; nothing here is claimed by default.
"""

import ast
import importlib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_ROOT_PACKAGE = "groundup"


@dataclass(frozen=True, kw_only=True)
class Bullet:
    """One line of the syllabus, or one of its projects."""

    number: str
    """`phase.section.bullet`, or `P1` to `P10` for a project."""
    text: str
    """Its words in the syllabus."""
    section: str
    """The heading it stands under; of a project, its level."""


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What the house has on one idea."""

    name: str
    """Its folder, as `p04_transformer/attention`."""
    title: str
    """What it is about."""
    covers: tuple[str, ...] = ()
    """Bullets and projects that are wholly built."""
    partly: dict[str, str] = field(default_factory=dict)
    """Bullets and projects of which something is built, each with what is missing."""
    code: tuple[str, ...] = ()
    """What builds it: `package.module:object` or `package.module`."""
    judge: tuple[str, ...] = ()
    """Tests that hold it against a reference: `tests/room/test_file.py::test_name`."""
    checks: tuple[str, ...] = ()
    """Tests of its properties where nobody else's implementation could judge."""
    used: tuple[str, ...] = ()
    """Modules outside the topic that run this code in the real pipeline."""
    lesson: str | None = None
    """The lesson's file in the topic's folder, if it is explained."""
    exercise: str | None = None
    """The exercise's file in the topic's folder, if it is graded."""
    prerequisites: tuple[str, ...] = ()
    """Topics that must be mastered before this one; only what it really needs."""
    minutes: int = 120
    """About how long its lesson and its exercises take together."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How far one bullet is: the five things the house wants of each."""

    bullet: Bullet
    topics: tuple[str, ...]
    """The topics that name it."""
    built: bool
    """The code exists, and nothing the bullet names is missing."""
    missing: str
    """What is not there yet, if something of it is built."""
    judged: bool
    """A test holds it against a reference."""
    explained: bool
    """There is a lesson."""
    graded: bool
    """There is an exercise with checks."""
    used: bool
    """The real pipeline runs it."""


def bullets() -> list[Bullet]:
    """The 114 bullets in order, then the ten projects."""
    table = tomllib.loads((_HERE / "syllabus.toml").read_text(encoding="utf-8"))
    found = [
        Bullet(number=number, text=text, section=phase["sections"][number.rpartition(".")[0]])
        for phase in table["phases"].values()
        for number, text in phase["bullets"].items()
    ]
    projects = [
        Bullet(number=number, text=entry["title"], section=entry["level"])
        for number, entry in table["projects"].items()
    ]
    return found + projects


def phases() -> dict[str, str]:
    """Titles of the ten phases by number."""
    table = tomllib.loads((_HERE / "syllabus.toml").read_text(encoding="utf-8"))
    return {number: phase["title"] for number, phase in table["phases"].items()}


def topics(folder: Path = _HERE / "topics") -> list[Topic]:
    """All topics, in the order of their folders. Raises ValueError on a key it does not know."""
    return [_read_topic(path, folder) for path in sorted(folder.glob("*/*/topic.toml"))]


def _read_topic(path: Path, folder: Path) -> Topic:
    table: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    known = set(Topic.__dataclass_fields__) - {"name"}
    if unknown := sorted(set(table) - known):
        raise ValueError(f"{path} has {unknown[0]!r}; a topic has: {', '.join(sorted(known))}")
    if "title" not in table:
        raise ValueError(f"{path} has no title")
    fields: dict[str, Any] = {
        key: tuple(item) if isinstance(item, list) else item for key, item in table.items()
    }
    return Topic(name=path.parent.relative_to(folder).as_posix(), **fields)


def standings(all_bullets: Sequence[Bullet], all_topics: Sequence[Topic]) -> list[Standing]:
    """How far every bullet is, from what the topics say."""
    return [_standing(bullet, all_topics) for bullet in all_bullets]


def _standing(bullet: Bullet, all_topics: Sequence[Topic]) -> Standing:
    number = bullet.number
    whole = [topic for topic in all_topics if number in topic.covers]
    about = [topic for topic in all_topics if number in topic.covers or number in topic.partly]
    return Standing(
        bullet=bullet,
        topics=tuple(topic.name for topic in about),
        built=any(topic.code for topic in whole),
        missing="" if whole else "; ".join(topic.partly[number] for topic in about),
        judged=any(topic.judge for topic in about),
        explained=any(topic.lesson for topic in about),
        graded=any(topic.exercise for topic in about),
        used=any(topic.used for topic in about),
    )


def problems(
    all_bullets: Sequence[Bullet],
    all_topics: Sequence[Topic],
    *,
    repository: Path | None = None,
    folder: Path = _HERE / "topics",
) -> list[str]:
    """What the topics claim and is not so, a sentence each.

    Code must import, numbers must exist, named files must lie there, a user must import the code it
    uses, prerequisites must be topics and lead in no circle, and, where `repository` (the checkout
    with `tests/`) is given, a judge must be a test.
    """
    numbers = {bullet.number for bullet in all_bullets}
    names = {topic.name for topic in all_topics}
    found = [
        f"{topic.name}: {problem}"
        for topic in all_topics
        for problem in [
            *_topic_problems(topic, numbers, repository, folder),
            *_order_problems(topic, names),
        ]
    ]
    return found + _circle_problems(all_topics)


def _order_problems(topic: Topic, names: set[str]) -> list[str]:
    found = [
        f"its prerequisite {name} is no topic" for name in topic.prerequisites if name not in names
    ]
    if not (isinstance(topic.minutes, int) and 0 < topic.minutes <= 6000):
        found.append(f"it takes {topic.minutes!r} minutes; wanted a whole number from 1 to 6000")
    return found


def _circle_problems(all_topics: Sequence[Topic]) -> list[str]:
    try:
        TopologicalSorter({topic.name: topic.prerequisites for topic in all_topics}).prepare()
    except CycleError as problem:
        circle = problem.args[1][::-1]  # each is a prerequisite of the one before it
        return [f"{circle[0]}: it comes before itself: {' needs '.join(circle)}"]
    return []


def _topic_problems(
    topic: Topic, numbers: set[str], repository: Path | None, folder: Path
) -> list[str]:
    claims = [*topic.covers, *topic.partly]
    found = [f"there is no bullet {number}" for number in claims if number not in numbers]
    found += [
        f"{both} is both covered and partly so" for both in topic.partly if both in topic.covers
    ]
    found += [problem for name in topic.code if (problem := _code_problem(name))]
    found += [problem for name in topic.used if (problem := _use_problem(name, topic))]
    for file in (topic.lesson, topic.exercise):
        if file and not (folder / topic.name / file).is_file():
            found.append(f"its file {file} is not there")
    if repository:
        tests = [*topic.judge, *topic.checks]
        found += [p for test in tests if (p := _test_problem(test, repository))]
    return found


def _code_problem(name: str) -> str | None:
    module_name, _, attribute = name.partition(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as problem:
        return f"{name} cannot be imported: {problem}"
    if attribute and not hasattr(module, attribute):
        return f"{module_name} has no {attribute}"
    return None


def _use_problem(user: str, topic: Topic) -> str | None:
    """A user must import one of the topic's modules, directly."""
    path = _HERE.parent.joinpath(*user.split(".")[1:]).with_suffix(".py")
    if not user.startswith(f"{_ROOT_PACKAGE}.") or not path.is_file():
        return f"its user {user} is not a module of the house"
    modules = {name.partition(":")[0] for name in topic.code}
    if not modules & imported_modules(ast.parse(path.read_text(encoding="utf-8"))):
        return f"its user {user} imports none of its modules"
    return None


def imported_modules(tree: ast.AST) -> set[str]:
    """The names of all modules that a source imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _test_problem(test: str, repository: Path) -> str | None:
    file, _, name = test.partition("::")
    path = repository / file
    if not path.is_file():
        return f"its test file {file} is not there"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    return None if name in functions else f"its test file {file} has no {name}"
