"""A course of a few topics, a grader that answers at once, and a client that has the cookie."""

import asyncio
import hashlib
from dataclasses import replace
from pathlib import Path

from starlette.testclient import TestClient

from groundup.course import catalog
from groundup.course.case import Finding
from groundup.course.catalogue import Entry
from groundup.course.checking import Outcome
from groundup.course.facts import Attempt, Hint
from groundup.course.progress import Progress
from groundup.course.verdict import Result
from groundup.studio import desk as desks
from groundup.studio.app import create_app
from groundup.studio.desk import Desk
from groundup.studio.guard import Pass
from groundup.studio.map_view import Reached

ITS = Pass(port=8123, token="T" * 43, cookie="C" * 43)
ADDRESS = "http://127.0.0.1:8123"
TOPIC = "p04_transformer/attention"
ADD = Entry(
    name="add",
    topic=TOPIC,
    of="groundup.x.y:add",
    title="Adding two",
    minutes=20,
    hints=("think of <two>", "use a plus", "return a + b"),
)


class Folder:
    """A workspace as the studio sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def path(self, entry):
        return self.folder / f"{entry.name}.py"

    def stub(self, entry):
        return f'"""Write {entry.part}."""\n'

    def solution(self, entry):
        return f"def {entry.part}(): return 'the library'\n"

    def set_aside(self, entry):
        if not self.path(entry).exists():
            return None
        aside = self.folder / f"{entry.name}.before.py"
        self.path(entry).replace(aside)
        return aside


CHECKS = (("it adds", "core"), ("it adds nothing to nothing", "core"), ("big ones too", "deep"))


class WordGrader:
    """Judges by a word in the file: `right` passes, `broken` cannot be run, all else fails."""

    def __init__(self) -> None:
        self.asked = []

    def grade(self, exercise, file, *, tier="core", on_outcome=None):
        text = file.read_text(encoding="utf-8")
        self.asked.append((exercise.name, text, tier))
        made = {"exercise": exercise.name, "tier": tier, "seed": 7, "seconds": 0.1}
        made |= {"file": str(file), "sha256": hashlib.sha256(text.encode()).hexdigest()}
        if "Write" in text:
            outcome = Outcome(check="it adds", tier="core", status="not implemented")
            return Result(status="not implemented", checks=(outcome,), **made)
        if "swapped" in text:
            file.write_text("another text by now")
        if "broken" in text:
            says = "line 3: SyntaxError: invalid syntax"
            return Result(status="error", checks=(), message=says, line=3, **made)
        wanted = [one for one in CHECKS if tier == "deep" or one[1] == "core"]
        checks = tuple(_outcome(says, tier, "right" in text) for says, tier in wanted)
        status = "passed" if "right" in text else "failed"
        return Result(status=status, checks=checks, output="hello <b>\n", **made)


def _outcome(says, tier, is_right):
    if is_right:
        return Outcome(check=says, tier=tier, status="passed")
    finding = Finding(
        says="the result is another one",
        given={"a": "array([1. 2.])"},
        got="<img src=x>",
        expected="3",
        where="it is 2, wanted 3",
        tolerance="within 4e-10",
    )
    mistake = "the two are multiplied"
    return Outcome(check=says, tier=tier, status="failed", finding=finding, mistake=mistake)


class FakeLearner:
    """Facts in a file; what follows from them is set by hand."""

    def __init__(self, file: Path) -> None:
        self.progress = Progress(file)
        self.now = Reached()

    def reached(self) -> Reached:
        return self.now

    def passed(self, exercise):
        found = [one.tier for one in self.of(Attempt, exercise) if one.status == "passed"]
        return "deep" if "deep" in found else found[0] if found else None

    def hints_shown(self, exercise):
        return len(self.of(Hint, exercise))

    def left(self):
        return catalog.steps()

    def pace(self):
        return 1.0

    def streak(self):
        return 0

    def of(self, kind, exercise):
        return [one for one in self.progress.facts(kind) if one.exercise == exercise]


async def computed(topic, name, values):
    await asyncio.sleep(0)
    if name == "slow":
        raise TimeoutError(f"{name} took more than 10 seconds and was stopped")
    return {"topic": topic, "name": name, "values": dict(values or {})}


def no_lesson(topic):
    raise ValueError(f"{topic} has no lesson yet")


def make_desk(tmp_path, **changes) -> Desk:
    course = desks.read_course()
    written = dict(course.topics)
    written[TOPIC] = replace(written[TOPIC], lesson="lesson.md", exercise="checks.py")
    desk = Desk(
        course=replace(course, topics=written),
        tasks={"add": ADD},
        lesson=no_lesson,
        compute=computed,
        workspace=Folder(tmp_path / "work"),
        grader=WordGrader(),
        learner=FakeLearner(tmp_path / "progress.db"),
        runs=tmp_path / "runs",
    )
    return replace(desk, **changes)


def stranger(desk, **settings) -> TestClient:
    """A client without the cookie."""
    return TestClient(create_app(desk, ITS), base_url=ADDRESS, **settings)


def known(desk, **settings) -> TestClient:
    """A client that opened the address that was printed; it sends what our own pages send."""
    client = stranger(desk, **settings)
    client.cookies.set(ITS.cookie_name, ITS.cookie)
    client.headers["origin"] = ADDRESS
    return client
