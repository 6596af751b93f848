"""The learner's parts of a workspace, put in the library's place while a project runs.

A function stands in through its slot (`groundup.swap`). Of a class, the methods that the learner
wrote are put on the library's class, and in the learner's file the class's name then means the
library's: whoever makes such an object, the learner's methods run. Every call is counted, so that a
run can say whose code ran, and whether it ran at all.
"""

import ast
import contextlib
import functools
import hashlib
import importlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from groundup import swap
from groundup.course import catalogue
from groundup.course.catalogue import Entry
from groundup.course.project import Part
from groundup.swap import Replacement


@dataclass(kw_only=True)
class Standing:
    """One part of a project, and whose it is."""

    part: Part
    exercise: str
    """The exercise that asks for it; empty while the course has none."""
    file: Path | None
    """The learner's; None: the library's own runs."""
    why: str = ""
    """Why it is the library's."""
    sha256: str = ""
    replacement: Replacement | None = None
    made: Any = None
    """The learner's class."""
    calls: int = 0
    """How often the learner's ran."""

    @property
    def is_owed(self) -> bool:
        """Whether the course asks for it, and the library's own runs."""
        return self.file is None and bool(self.exercise)

    def record(self) -> dict[str, Any]:
        """What `gates.json` keeps of it."""
        return {
            "part": self.part.of,
            "exercise": self.exercise,
            "whose": "yours" if self.file else "the library's",
            "why": self.why,
            "file": str(self.file or ""),
            "sha256": self.sha256,
            "calls": self.calls,
        }


@dataclass(kw_only=True)
class Parts:
    """A project's parts, as far as a workspace has them."""

    standings: list[Standing] = field(default_factory=list)

    @property
    def uses(self) -> list[Replacement]:
        """The functions that stand in."""
        return [one.replacement for one in self.standings if one.replacement]

    @property
    def digest(self) -> str:
        """One hash of all files."""
        listing = "".join(f"{one.part.of} {one.sha256}\n" for one in self.standings)
        return hashlib.sha256(listing.encode()).hexdigest()

    @contextlib.contextmanager
    def standing_in(self) -> Iterator[None]:
        """Inside the `with`, the learner's parts run."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(swap.replaced(self.uses))
            for one in self.standings:
                if one.made is not None:
                    stack.enter_context(_methods_of(one))
            yield


def find(wanted: Sequence[Part], workspace: Path | None) -> Parts:
    """The parts that the workspace has, each in a file named for its exercise.

    Raises ValueError when the workspace is no folder, when two files have one name, and when a file
    cannot be imported or defines something that cannot stand in.
    """
    if workspace is not None and not workspace.is_dir():
        raise ValueError(f"{workspace} is no folder; --use wants your workspace")
    by_part = {entry.of.removeprefix("groundup."): entry for entry in catalogue.entries()}
    return Parts(standings=[_standing(one, by_part.get(one.of), workspace) for one in wanted])


def _standing(part: Part, entry: Entry | None, workspace: Path | None) -> Standing:
    exercise = entry.name if entry else ""
    if entry and entry.methods:
        part = replace(part, methods=entry.methods)
    name = (exercise or part.name.lower()).replace("-", "_")
    standing = Standing(part=part, exercise=exercise, file=None)
    if workspace is None:
        standing.why = "no workspace was given"
    elif (file := _file(workspace, name)) is None:
        standing.why = f"the workspace has no {name}.py"
    elif not _is_written(text := file.read_text(encoding="utf-8-sig")):
        standing.why = f"{name}.py is not written yet"
    else:
        _take(standing, file, text)
    return standing


def _file(workspace: Path, name: str) -> Path | None:
    """The one file of that name, hyphens being underscores; none in a folder like `.git`."""
    found = [
        path
        for path in sorted(workspace.rglob("*.py"))
        if path.stem.replace("-", "_") == name
        and not any(part.startswith((".", "_")) for part in path.relative_to(workspace).parts)
    ]
    if len(found) > 1:
        raise ValueError(f"{found[0]} and {found[1]} have one name; keep one of them")
    return found[0] if found else None


def _is_written(text: str) -> bool:
    """Whether no body is cut out any more; a file that is no Python is written, and wrong."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return True
    raised = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    return not any("NotImplementedError" in ast.unparse(error) for error in raised)


def _take(standing: Standing, file: Path, text: str) -> None:
    part, standing.file = standing.part, file
    standing.sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    if not part.methods:
        use = swap.load(f"{part.of}={file}:{part.name}")
        counted = _counting(use.function, standing)
        standing.replacement = replace(use, function=counted)
        return
    try:
        module = swap.run_file(text, file, f"groundup_use_{standing.sha256[:12]}")
    except Exception as problem:
        kind = type(problem).__name__
        raise ValueError(f"{file} cannot be imported: {kind}: {problem}") from problem
    standing.made = vars(module).get(part.name)
    theirs = vars(standing.made) if inspect.isclass(standing.made) else {}
    for name in part.methods:
        if not inspect.isfunction(theirs.get(name)):
            raise ValueError(f"{file} has no class {part.name} with the method {name}; write it")
        problem_found = swap.difference(
            getattr(_library(part), name), theirs[name], f"{part.name}.{name}", f"{file}: {name}"
        )
        if problem_found:
            raise ValueError(problem_found)
    vars(module)[part.name] = _library(part)


def _library(part: Part) -> Any:
    return getattr(importlib.import_module(f"groundup.{part.of.partition(':')[0]}"), part.name)


def _counting(function: Callable[..., Any], standing: Standing) -> Callable[..., Any]:
    @functools.wraps(function)
    def counted(*args: Any, **kwargs: Any) -> Any:
        standing.calls += 1
        return function(*args, **kwargs)

    return counted


@contextlib.contextmanager
def _methods_of(standing: Standing) -> Iterator[None]:
    """Put the learner's methods, and what only their class has, on the library's class."""
    library, theirs = _library(standing.part), vars(standing.made)
    extra = [name for name, one in theirs.items() if inspect.isfunction(one)]
    chosen = {*standing.part.methods, *(name for name in extra if name not in vars(library))}
    before = {name: vars(library)[name] for name in chosen if name in vars(library)}
    try:
        for name in chosen:
            setattr(library, name, _counting(theirs[name], standing))
        yield
    finally:
        for name in chosen:
            if name in before:
                setattr(library, name, before[name])
            else:
                delattr(library, name)
