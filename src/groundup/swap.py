"""How a part of the running system is replaced by a learner's own function.

A function marked `@replaceable` is called through a slot. Normally the slot holds the function
itself; inside `replaced(...)` it holds another one of the same signature, and every caller, in
every room, runs that one. The price is one attribute look-up a call, and `torch.compile` looks
through it.

    groundup build stdlib --use layers.attention:attend=./mine.py
"""

import ast
import contextlib
import difflib
import functools
import hashlib
import importlib
import importlib.abc
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
_PACKAGE = Path(__file__).parent


class Slot:
    """Where a replaceable function stands: its name, what it was, and what runs now."""

    def __init__(self, name: str, original: Callable[..., Any]) -> None:
        self.name = name
        self.original = original
        self.current = original


def replaceable(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function as one that a learner's version may stand in for."""
    slot = Slot(f"{function.__module__.removeprefix('groundup.')}:{function.__name__}", function)

    @functools.wraps(function)
    def part(*args: P.args, **kwargs: P.kwargs) -> R:
        return slot.current(*args, **kwargs)  # type: ignore[no-any-return]

    part.slot = slot  # type: ignore[attr-defined]
    return part


def is_replaced(part: Callable[..., Any]) -> bool:
    """Whether another function stands in for this one now.

    A module that would choose a part's fast twin asks this first: a learner's function must run.
    """
    slot: Slot = part.slot  # type: ignore[attr-defined]
    return slot.current is not slot.original


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """One function that stands in for a part, and where it came from."""

    part: str
    """The part it replaces, as `room.module:function`."""
    file: str
    """The file it came from."""
    name: str
    """Its name in that file."""
    sha256: str
    """Hash of that file, so that a changed file is a changed run."""
    function: Callable[..., Any]

    def record(self) -> dict[str, str]:
        """What an artifact keeps of it."""
        return {"part": self.part, "file": self.file, "name": self.name, "sha256": self.sha256}


def parts() -> list[str]:
    """The names of all replaceable parts, read from the sources without importing them."""
    found = []
    for path in sorted(_PACKAGE.rglob("*.py")):
        module = ".".join(path.relative_to(_PACKAGE).with_suffix("").parts)
        found += [f"{module}:{name}" for name in _marked(path)]
    return found


def is_replaceable(part_name: str) -> bool:
    """Whether `room.module:function` is one of the parts; reads only that module's source."""
    module, _, function = part_name.partition(":")
    path = _PACKAGE.joinpath(*module.split(".")).with_suffix(".py")
    return path.is_file() and function in _marked(path)


def _marked(path: Path) -> list[str]:
    """The replaceable functions of one source."""
    if "replaceable" not in (source := path.read_text(encoding="utf-8")):
        return []
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if _is_marked(node)]


def _is_marked(node: ast.FunctionDef) -> bool:
    marks = [mark for mark in node.decorator_list if isinstance(mark, ast.Name)]
    return any(mark.id == "replaceable" for mark in marks)


def load(use: str) -> Replacement:
    """Read `room.module:function=file.py[:name]`, import the file and check the function.

    The name defaults to that of the part. Raises ValueError, in one sentence, when the part is not
    replaceable, the file cannot be imported or has no such function, or the signature differs.
    """
    part_name, equals, target = use.partition("=")
    if not equals or ":" not in part_name:
        raise ValueError(
            f"--use {use!r} should read room.module:function=file.py[:name], "
            "as in layers.attention:attend=./mine.py"
        )
    part = _find(part_name)
    file_name, name = _split_target(target, default=part_name.split(":")[1])
    function, digest = _import_function(Path(file_name).expanduser(), name)
    _check_signature(part, function, part_name, f"{file_name}:{name}")
    return Replacement(part=part_name, file=file_name, name=name, sha256=digest, function=function)


@contextlib.contextmanager
def replaced(replacements: Sequence[Replacement]) -> Iterator[None]:
    """Inside the `with`, the given functions run in place of their parts; after it, none does."""
    slots = [_find(replacement.part).slot for replacement in replacements]
    names = [replacement.part for replacement in replacements]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"{sorted(twice)[0]} is replaced twice; keep one --use for it")
    before = [slot.current for slot in slots]
    try:
        for slot, replacement in zip(slots, replacements, strict=True):
            slot.current = replacement.function
        yield
    finally:
        for slot, function in zip(slots, before, strict=True):
            slot.current = function


def _find(part_name: str) -> Any:
    if not is_replaceable(part_name):
        near = difflib.get_close_matches(part_name, known := parts(), n=5, cutoff=0.5)
        hint = f"the nearest are {', '.join(near)}" if near else f"{len(known)} others are"
        raise ValueError(f"{part_name!r} is not replaceable; {hint}")
    module, _, function = part_name.partition(":")
    return getattr(importlib.import_module(f"groundup.{module}"), function)


def _split_target(target: str, *, default: str) -> tuple[str, str]:
    file_name, colon, name = target.rpartition(":")
    return (file_name, name) if colon and name.isidentifier() else (target, default)


def _import_function(path: Path, name: str) -> tuple[Callable[..., Any], str]:
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"{path} is not a Python file; --use wants the .py file of your function")
    content = path.read_bytes()  # once: what is hashed is what runs
    digest = hashlib.sha256(content).hexdigest()
    try:
        module = run_file(content.decode("utf-8-sig"), path, f"groundup_use_{digest[:12]}")
    except Exception as problem:
        kind = type(problem).__name__
        raise ValueError(f"{path} cannot be imported: {kind}: {problem}") from problem
    function = getattr(module, name, None)
    if not callable(function):
        there = [key for key, item in vars(module).items() if inspect.isfunction(item)]
        raise ValueError(f"{path} has no function {name!r}; it has: {', '.join(there) or 'none'}")
    return function, digest


class _Text(importlib.abc.InspectLoader):
    """Makes a module of a text that is at hand."""

    def __init__(self, text: str, path: Path) -> None:
        self._text, self._path = text, path

    def get_source(self, fullname: str) -> str:
        return self._text

    def get_code(self, fullname: str) -> Any:
        return self.source_to_code(self._text, str(self._path))


def run_file(text: str, path: Path, name: str) -> ModuleType:
    """Run a file's text as the module `name`; what it raises is raised, and then it is forgotten.

    The text is given, so that a file saved again meanwhile is one or the other, never half of each.
    """
    loader = _Text(text, path)
    spec = importlib.util.spec_from_loader(name, loader, origin=str(path))
    assert spec is not None, "a loader at hand always gives a spec"
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module
    try:
        loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _check_signature(part: Any, function: Any, part_name: str, label: str) -> None:
    if problem := difference(part.slot.original, function, part_name, label):
        raise ValueError(problem)


def difference(part: Any, function: Any, part_name: str, label: str) -> str:
    """Why one function cannot stand in for another, in a sentence; empty: it can."""
    if _shape(part) == _shape(function):
        return ""
    return (
        f"{label}{_text(function)} cannot stand in for {part_name}{_text(part)}: "
        "the parameters must have the same names, order and defaults"
    )


def _shape(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def _text(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))
