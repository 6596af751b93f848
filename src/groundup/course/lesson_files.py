"""A topic's files: where they are, whether they changed, and the functions in them."""

import hashlib
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

TOPICS = Path(__file__).parent / "topics"
FILES = ("topic.toml", "lesson.md", "figures.py", "steps.py", "checks.py")
_NAME = re.compile(r"[a-z0-9_]+/[a-z0-9_]+")
_loaded: dict[str, int] = {}
"""When each module's file had been changed last, as it was loaded."""


def folder(topic: str) -> Path:
    """A topic's folder. Raises ValueError when there is none: a name may come from anywhere."""
    path = TOPICS / topic if _NAME.fullmatch(topic) else None
    if path is None or not (path / "topic.toml").is_file():
        raise ValueError(f"there is no topic {topic[:60]!r}; `groundup syllabus` lists them")
    return path


def stamp(topic: str) -> str:
    """Another text when one of the topic's files is another."""
    found = []
    for name in FILES:
        path = folder(topic) / name
        about = path.stat() if path.is_file() else None
        found.append((name, about and (about.st_mtime_ns, about.st_size)))
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def function(topic: str, kind: str, name: str) -> Callable[..., Any]:
    """A function of the topic's `figures.py` or `steps.py`, loaded again when its file changed.

    Raises ValueError when there is none.
    """
    module = _module(topic, kind)
    found = vars(module).get(name)
    if not inspect.isfunction(found) or found.__module__ != module.__name__ or name[0] == "_":
        raise ValueError(f"{kind}.py of {topic} has no function {name!r}")
    return found


def _module(topic: str, kind: str) -> ModuleType:
    path = folder(topic) / f"{kind}.py"
    if not path.is_file():
        raise ValueError(f"{topic} has no {kind}.py")
    name = f"groundup.course.topics.{topic.replace('/', '.')}.{kind}"
    changed = path.stat().st_mtime_ns
    is_old = name in sys.modules and _loaded.get(name, changed) != changed
    _loaded[name] = changed
    return importlib.reload(sys.modules[name]) if is_old else importlib.import_module(name)
