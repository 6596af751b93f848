"""A course of a few topics, a grader that answers at once, and a client that has the cookie."""

import asyncio
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.testclient import TestClient

from groundup.course import stub
from groundup.course.checking import Outcome
from groundup.course.exercise import Exercise
from groundup.course.progress import Progress
from groundup.course.topics.p04_transformer.attention import checks
from groundup.studio import desk as desks
from groundup.studio.app import create_app
from groundup.studio.desk import Desk, Task
from groundup.studio.guard import Pass
from groundup.studio.map_view import Reached

ITS = Pass(port=8123, token="T" * 43, cookie="C" * 43)
ADDRESS = "http://127.0.0.1:8123"
TOPIC = "p04_transformer/attention"


class Folder:
    """A workspace as the studio sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, exercise: Exercise) -> Path:
        return self.folder / f"{exercise.name}.py"

    def begin(self, exercise: Exercise) -> Path:
        path = self.path(exercise)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(stub.stub(exercise), encoding="utf-8")
        return path

    def reset(self, exercise: Exercise) -> Path:
        aside = self.path(exercise).with_suffix(".before.py")
        self.path(exercise).replace(aside)
        self.begin(exercise)
        return aside


@dataclass(frozen=True, kw_only=True)
class Verdict:
    status: str
    checks: tuple[Outcome, ...] = ()
    message: str = ""
    line: int | None = None
    output: str = ""
    seed: int = 7
    seconds: float = 0.1


class WordGrader:
    """Judges by a word in the file: `right` passes, `slow` is told so, all else fails."""

    def __init__(self) -> None:
        self.asked = []

    def grade(self, exercise, file, *, tier):
        text = file.read_text(encoding="utf-8")
        self.asked.append((exercise.name, text, tier))
        if "broken" in text:
            return Verdict(status="error", message="line 3: invalid syntax", line=3)
        status = "passed" if "right" in text else "failed"
        wanted = [one for one in exercise.checks if tier == "deep" or one.tier == "core"]
        checks = tuple(Outcome(check=one.says, tier=one.tier, status=status) for one in wanted)
        return Verdict(status=status, checks=checks, output="hello\n")


class FakeLearner:
    """Facts in a file; what follows from them is set by hand."""

    def __init__(self, file: Path) -> None:
        self.progress = Progress(file)
        self.now = Reached()

    def reached(self) -> Reached:
        return self.now


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
        tasks={"attention": Task(topic=TOPIC, exercise=checks.ATTEND)},
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
