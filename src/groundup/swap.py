"""How a part of the running system is replaced by a learner's own function.

A function marked `@replaceable` is called through a slot. Normally the slot holds the function
itself; inside `replaced(...)` it holds another one of the same signature, and every caller, in
every room, runs that one. The price is one attribute look-up a call, and `torch.compile` looks
through it.

    groundup build stdlib --use layers.attention:attend=./mine.py
"""

import ast
import contextlib
import functools
import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
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
        if "replaceable" not in (source := path.read_text(encoding="utf-8")):
            continue
        module = ".".join(path.relative_to(_PACKAGE).with_suffix("").parts)
        functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
        found += [f"{module}:{node.name}" for node in functions if _is_marked(node)]
    return found


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
    known = parts()
    if part_name not in known:
        raise ValueError(f"{part_name!r} is not replaceable; these are: {', '.join(known)}")
    module, function = part_name.split(":")
    return getattr(importlib.import_module(f"groundup.{module}"), function)


def _split_target(target: str, *, default: str) -> tuple[str, str]:
    file_name, colon, name = target.rpartition(":")
    return (file_name, name) if colon and name.isidentifier() else (target, default)


def _import_function(path: Path, name: str) -> tuple[Callable[..., Any], str]:
    if not path.is_file() or path.suffix != ".py":
        raise ValueError(f"{path} is not a Python file; --use wants the .py file of your function")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    module_name = f"groundup_use_{digest[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None, "a .py file always has an import spec"
    assert spec.loader is not None, "a .py file always has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as problem:
        del sys.modules[module_name]
        kind = type(problem).__name__
        raise ValueError(f"{path} cannot be imported: {kind}: {problem}") from problem
    function = getattr(module, name, None)
    if not callable(function):
        there = [key for key, item in vars(module).items() if inspect.isfunction(item)]
        raise ValueError(f"{path} has no function {name!r}; it has: {', '.join(there) or 'none'}")
    return function, digest


def _check_signature(part: Any, function: Any, part_name: str, label: str) -> None:
    wanted, got = _shape(part.slot.original), _shape(function)
    if wanted != got:
        raise ValueError(
            f"{label}{_text(function)} cannot stand in for {part_name}{_text(part.slot.original)}: "
            "the parameters must have the same names, order and defaults"
        )


def _shape(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


def _text(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    bare = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return str(signature.replace(parameters=bare, return_annotation=signature.empty))
