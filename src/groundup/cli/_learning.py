"""What the words of `groundup learn` share: the workspace, the facts, and which exercise it is."""

import argparse
import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from groundup.course import catalog, catalogue, mastery, workspace
from groundup.course.catalogue import Entry
from groundup.course.facts import Attempt, Fact, Hint, Setting
from groundup.course.progress import Progress
from groundup.course.workspace import Workspace

if TYPE_CHECKING:
    from groundup.course.verdict import Result

WORKSPACE, EXERCISE = "workspace", "exercise"
"""Settings: the folder last started, and the exercise that was chosen."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """One learner's things."""

    workspace: Workspace
    progress: Progress
    entries: Sequence[Entry]
    """The exercises, each topic after what it needs."""

    def states(self) -> dict[str, mastery.State]:
        """How far each exercise is."""
        return mastery.exercise_states(self.entries, self.progress.facts(Attempt))

    def todo(self) -> list[Entry]:
        """What is not passed yet."""
        states = self.states()
        return [one for one in self.entries if states[one.name] not in mastery.DONE]

    def current(self) -> Entry | None:
        """The exercise that was chosen, or else the first that is not passed; None: all are."""
        todo = self.todo()
        chosen = setting(self.progress.facts(Setting), EXERCISE)
        return next((one for one in todo if one.name == chosen), todo[0] if todo else None)

    def named(self, name: str | None) -> Entry:
        """The exercise of this name; without one, the current. Raises ValueError."""
        if name is not None:
            return catalogue.find(name, list(self.entries))
        current = self.current()
        if current is None:
            raise ValueError("every exercise is passed; name the one you mean")
        return current

    def choose(self, entry: Entry) -> None:
        """Make it current from now on."""
        self.progress.add(Setting(name=EXERCISE, value=entry.name))

    def hints_shown(self, entry: Entry) -> int:
        """The highest level of a hint that was shown; 4 is the solution."""
        hints = self.progress.facts(Hint)
        shown = [h.level for h in hints if isinstance(h, Hint) and h.exercise == entry.name]
        return max(shown, default=0)

    def keep(self, entry: Entry, result: "Result") -> None:
        """Note an attempt; a stub nobody touched is none."""
        if result.status == "not implemented" and self.workspace.state(entry) == "untouched":
            return
        self.progress.add(
            Attempt(
                exercise=entry.name,
                version=entry.version,
                tier=result.tier,
                status=result.status,
                seed=result.seed,
                hints_used=self.hints_shown(entry),
                results=[asdict(one) for one in result.checks],
                code=_text(Path(result.file), result.sha256),
            )
        )


def _text(file: Path, sha256: str) -> str:
    """The text that was checked; empty when the file is another one by now."""
    try:
        content = file.read_bytes()
    except OSError:
        return ""
    is_it = hashlib.sha256(content).hexdigest() == sha256
    return content.decode(errors="replace") if is_it else ""


def setting(facts: Sequence[Fact], name: str) -> str | None:
    """What was last set."""
    values = [f.value for f in facts if isinstance(f, Setting) and f.name == name]
    return values[-1] if values and isinstance(values[-1], str) else None


def parsed(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """The arguments, with the two options that every word has."""
    add = parser.add_argument
    add("--workspace", type=Path, metavar="FOLDER", help="your files (this folder, or the last)")
    add("--progress", type=Path, metavar="FILE", help="where progress is kept")
    return parser.parse_args(arguments)


def parser(word: str, says: str | None) -> argparse.ArgumentParser:
    """A word's own."""
    return argparse.ArgumentParser(
        prog=f"groundup learn {word}",
        description=says,
        formatter_class=argparse.RawTextHelpFormatter,
    )


def opened(options: argparse.Namespace) -> Desk:
    """Find the workspace and the facts. Raises ValueError, with what to do."""
    progress = Progress(options.progress)
    if options.workspace is not None:
        files = Workspace(options.workspace)
    else:
        files = workspace.find(Path.cwd(), setting(progress.facts(Setting), WORKSPACE))
    return Desk(workspace=files, progress=progress, entries=in_order())


def in_order() -> list[Entry]:
    """All exercises, each topic after what it needs."""
    place = {step.name: number for number, step in enumerate(catalog.steps())}
    return sorted(catalogue.entries(), key=lambda one: place.get(one.topic, len(place)))
