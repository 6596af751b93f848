"""A learner's file as something that can be checked: loaded, looked at, and watched.

The function must be written in the file. While it is checked, the library's own version of the part
refuses to run for it, under every name; and what it is judged by must stay as it is.
"""

import functools
import inspect
import linecache
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from typing import Any

from groundup import swap
from groundup.course import sealing
from groundup.course.exercise import Exercise, Subject

MODULE = "answer"
"""The name under which a learner's file runs."""
_ALWAYS, _EVERY = 25, 0.02
"""The first calls are all looked at, later ones after this many seconds."""
_clock, _frame, _main = time.perf_counter, sys._getframe, threading.main_thread


class Unusable(Exception):  # noqa: N818, a finding, no error of ours
    """The file cannot be checked: why, for the learner, and the line."""

    def __init__(self, says: str, line: int | None = None) -> None:
        super().__init__(says)
        self.line = line


class LibraryCalledError(RuntimeError):
    """The answer called the library's own version of the part it is to be."""


def load(text: str, path: Path) -> ModuleType:
    """Run the file. Raises Unusable, with the line, for whatever it raises itself."""
    linecache.cache[str(path)] = (len(text), None, text.splitlines(keepends=True), str(path))
    try:
        return swap.run_file(text, path, MODULE)
    except SyntaxError as problem:
        if problem.filename != str(path):
            raise Unusable(_at(problem, path), _line(problem, path)) from problem
        where = f"line {problem.lineno}: " if problem.lineno else ""
        shown = f": {problem.text.strip()}" if problem.text else ""
        says = f"{where}{type(problem).__name__}: {problem.msg}{shown}"
        raise Unusable(says, problem.lineno) from problem
    except ImportError as problem:
        hint = ""
        if isinstance(problem, ModuleNotFoundError) and problem.name:
            hint = f"; install it (pip install {problem.name.split('.')[0]}) or do without it"
        raise Unusable(_at(problem, path) + hint, _line(problem, path)) from problem
    except SystemExit as problem:
        says = f"{_at(problem, path)}; a file that is checked must not end Python"
        raise Unusable(says, _line(problem, path)) from problem
    except Exception as problem:
        raise Unusable(_at(problem, path), _line(problem, path)) from problem


def _line(problem: BaseException, path: Path) -> int | None:
    """The file's own line that an error came from."""
    trace, line = problem.__traceback__, None
    while trace:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _at(problem: BaseException, path: Path) -> str:
    line = _line(problem, path)
    where = f"line {line}: " if line else ""
    return f"{where}{type(problem).__name__}: {problem}"


def subject(module: ModuleType, exercise: Exercise, path: Path) -> Subject:
    """What the file defines under the part's name. Raises Unusable when it is not of the file."""
    found = vars(module).get(exercise.part)
    if found is None:
        kind = "class" if exercise.methods else "function"
        there = [name for name, one in vars(module).items() if _is_written_in(one, path)]
        says = f"{path.name} has no {kind} {exercise.part!r}; it has: {', '.join(there) or 'none'}"
        raise Unusable(says)
    if exercise.methods:
        _refuse_other_methods(found, exercise, path)
    elif not _is_written_in(found, path):
        origin = getattr(inspect.getmodule(found), "__name__", type(found).__name__)
        raise Unusable(
            f"{exercise.part} in {path.name} comes from {origin}; write it there, with `def`"
        )
    return found


def _is_written_in(found: Any, path: Path) -> bool:
    """Whether a function, below its decorators, or a class has its code in this file."""
    if inspect.isclass(found):
        return found.__module__ == MODULE
    while hasattr(found, "__wrapped__") and not isinstance(found, FunctionType):
        found = found.__wrapped__
    return isinstance(found, FunctionType) and found.__code__.co_filename == str(path)


def _refuse_other_methods(found: Any, exercise: Exercise, path: Path) -> None:
    if not inspect.isclass(found):
        raise Unusable(f"{exercise.part} is a {type(found).__name__}, wanted a class")
    for name in exercise.methods:
        method = vars(found).get(name)
        method = getattr(method, "fget", getattr(method, "__func__", method))
        if not _is_written_in(method, path):
            raise Unusable(f"{exercise.part}.{name} is not written in {path.name}; write it there")


def refuse_other_signature(found: Subject, exercise: Exercise, reference: Subject) -> None:
    """The parameters must be the library's: the checks, and the pipeline, call by name."""
    names = exercise.methods or (None,)
    for name in names:
        ours, theirs = (one if name is None else getattr(one, name) for one in (reference, found))
        label = exercise.part if name is None else f"{exercise.part}.{name}"
        if callable(ours) and callable(theirs):
            problem = swap.difference(ours, theirs, f"the library's {label}", "")
            if problem:
                raise Unusable(f"{label}{problem}")


class Library:
    """The library's own version of a part, which refuses to run for the answer.

    Every name it has leads to one function object, so its code is replaced in place: a door that
    lets all pass but what the answer's file calls.
    """

    def __init__(self, exercise: Exercise, path: Path) -> None:
        self._file, self._part = str(path), exercise.part
        self.was_called = False
        self.changed: list[FunctionType] = []
        reference = exercise.reference()
        for name in exercise.methods:
            method = vars(reference).get(name)
            if isinstance(method, FunctionType):
                setattr(reference, name, self._door_to(method))
        if isinstance(reference, FunctionType) and not reference.__code__.co_freevars:
            self._close(reference)

    def _close(self, function: FunctionType) -> None:
        same = FunctionType(
            function.__code__, function.__globals__, function.__name__, function.__defaults__
        )
        same.__kwdefaults__ = function.__kwdefaults__
        function.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        function.__globals__["__groundup_door__"] = self._door_to(same)
        function.__code__ = _through_the_door.__code__
        function.__defaults__ = function.__kwdefaults__ = None
        self.changed.append(function)

    def _door_to(self, function: FunctionType) -> Callable[..., Any]:
        @functools.wraps(function)
        def door(*args: Any, **kwargs: Any) -> Any:
            if self._is_called_by_the_answer():
                self.was_called = True
                raise LibraryCalledError(
                    f"this calls the library's own {self._part}, which the exercise is to write"
                )
            return function(*args, **kwargs)

        del door.__wrapped__  # no way around
        door.__signature__ = inspect.signature(function)  # type: ignore[attr-defined]
        return door

    def _is_called_by_the_answer(self) -> bool:
        frame: FrameType | None = _frame(1)
        while frame is not None:
            if frame.f_code.co_filename == self._file:
                return True
            frame = frame.f_back
        return threading.current_thread() is not _main()


def _through_the_door(*args: Any, **kwargs: Any) -> Any:
    return __groundup_door__(*args, **kwargs)  # type: ignore[name-defined] # noqa: F821


class Watch:
    """Looks, after a call of the answer, whether what it is judged by is as it was."""

    def __init__(self, seal: sealing.Seal, allowed: type | None) -> None:
        self._seal, self._allowed = seal, allowed
        self._settings = sealing.settings()
        self._calls, self._looked = 0, 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, watched."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                result = function(*args, **kwargs)
            finally:
                self.look()
            self._refuse_foreign(result)
            return result

        return call

    def look(self, *, at_once: bool = False) -> None:
        """Raises Tampered when something is another thing than it was."""
        self._calls += 1
        now = _clock()
        if not at_once and self._calls > _ALWAYS and now - self._looked < _EVERY:
            return
        if changed := self._seal.broken():
            raise sealing.Tampered(f"it changes {changed}, by which it is judged")
        if not sealing.same(sealing.settings(), self._settings):
            raise sealing.Tampered("it changes torch's default type, gradient mode or a tracer")
        self._looked = _clock()

    def reset(self) -> None:
        """Another check begins."""
        self._calls = 0

    def _refuse_foreign(self, result: Any) -> None:
        kind = sealing.foreign(result, MODULE, self._allowed)
        if kind:
            raise sealing.Tampered(
                f"it returns a {kind.__name__}, a type of its own; wanted a plain value"
            )


def watched(found: Subject, watch: Watch) -> Subject:
    """The function, or the class with its functions, looked at after every call."""
    if not inspect.isclass(found):
        return watch.around(found)
    for name, method in [*vars(found).items()]:
        if isinstance(method, FunctionType):
            setattr(found, name, watch.around(method))
    return found


def hide_the_course() -> None:
    """What is judged has no business in `groundup.course`: from here on it cannot be imported."""
    import groundup

    for name in [*sys.modules]:
        if name == "groundup.course" or name.startswith("groundup.course."):
            del sys.modules[name]
    sys.modules["__main__"] = ModuleType("__main__")
    vars(groundup).pop("course", None)
    sys.meta_path.insert(0, _Closed())


class _Closed:
    """Refuses to find the course."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name == "groundup.course" or name.startswith("groundup.course."):
            raise ImportError("an answer that is checked cannot import groundup.course", name=name)
