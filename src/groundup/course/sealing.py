"""Notice when a learner's file changes what it is judged by: torch, NumPy, builtins, the checks.

Everything callable in the modules that are there before the file is loaded is remembered, and so is
each Python function's code. Later the same names must hold the same objects. What a library adds or
keeps count of is nobody's business; what stood there and is now another thing is.

This module's own names are bound to what they need before the learner's file is loaded.
"""

import builtins
import sys
from collections.abc import Iterable, Mapping
from operator import attrgetter, is_
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from groundup.course import case, checking, exercise

NEAR = (
    "builtins", "math", "cmath", "operator", "itertools", "functools", "random",
    "numpy", "numpy.linalg", "numpy.random", "numpy.fft",
    "torch", "torch.nn", "torch.nn.functional", "torch.linalg", "torch.special", "torch.autograd",
    "groundup.course.case", "groundup.course.checking", "groundup.course.exercise",
)  # fmt: skip
"""Modules that are looked at after every call of the answer; all others after every check."""
_CLASSES = (
    torch.Tensor, torch.Tensor.__base__, torch.nn.Module,
    case.Case, case.Finding, case.Mismatch, checking.Outcome, exercise.Exercise,
)  # fmt: skip
_FAMILIES = (
    "groundup.",
    "numpy.",
    "torch.nn.",
    "torch.autograd.",
    "torch.optim.",
    "torch.testing.",
)
_SINGLE = (
    *NEAR, "torch._C", "torch._C._nn", "torch._VF", "torch._tensor", "torch.functional",
    "torch.random", "torch.fft", "contextlib", "dataclasses", "traceback", "json", "json.encoder",
    "collections", "random", "os", "inspect", "copy", "re", "string", "statistics", "fractions",
)  # fmt: skip
"""With the families: what a check, a comparison or a report runs through."""
_FACTS = tuple(map(attrgetter, ("__code__", "__defaults__", "__kwdefaults__")))
_ALL, _MAP, _IS = all, map, is_
_BUILTINS = frozenset(vars(builtins))
_HEAP = 1 << 9
"""The flag of a type made by Python code (Py_TPFLAGS_HEAPTYPE)."""
_VALUES = (torch.Tensor, np.ndarray, np.generic, int, float, complex, str, bytes)


class Tampered(BaseException):
    """The answer changed what it is judged by. No `except Exception` of a learner's swallows it."""


class Seal:
    """What some modules and classes hold, to be compared with what they hold later."""

    def __init__(self, spaces: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self._spaces = [_Space(label, names) for label, names in spaces]
        functions = {id(f): f for space in self._spaces for f in space.functions}
        self._functions = [*functions.values()]
        self._facts = [[*map(fact, self._functions)] for fact in _FACTS]

    def accept(self, function: FunctionType) -> None:
        """A function's code is another one now, and that is right."""
        for place, one in enumerate(self._functions):
            if one is function:
                for fact, values in zip(_FACTS, self._facts, strict=True):
                    values[place] = fact(one)

    def broken(self) -> str:
        """What is another thing than it was, `module.name`; empty: nothing."""
        for space in self._spaces:
            if not space.holds():
                return space.first()
        for fact, values in zip(_FACTS, self._facts, strict=True):
            if not _ALL(_MAP(_IS, _MAP(fact, self._functions), values)):
                pairs = zip(self._functions, values, strict=True)
                one = next(function for function, value in pairs if fact(function) is not value)
                return f"{one.__module__}.{one.__qualname__}"
        return ""


class _Space:
    """One namespace: the names that matter, and what they held."""

    def __init__(self, label: str, names: Any) -> None:
        kept = [(name, value) for name, value in names.items() if _matters(value)]
        self.label, self._names = label, names
        self._keys = [name for name, _ in kept]
        self._values = [value for _, value in kept]
        self._absent = [] if label == "builtins" else [n for n in _BUILTINS if n not in names]
        self._looks_for_shadows = label in NEAR or label.startswith("groundup.")

    @property
    def functions(self) -> list[FunctionType]:
        return [value for value in self._values if type(value) is FunctionType]

    def holds(self) -> bool:
        if not _ALL(_MAP(_IS, _MAP(self._names.get, self._keys), self._values)):
            return False
        return not (self._looks_for_shadows and any(_MAP(self._names.__contains__, self._absent)))

    def first(self) -> str:
        """The first name that holds something else."""
        for key, value in zip(self._keys, self._values, strict=True):
            if self._names.get(key) is not value:
                return f"{self.label}.{key}"
        return f"{self.label}.{next(name for name in self._absent if name in self._names)}"


def _matters(value: Any) -> bool:
    kind = type(value)  # not isinstance: a lazy module would load or warn
    return callable(value) or kind is float or issubclass(kind, ModuleType)


def near(checks: Mapping[str, Any]) -> Seal:
    """The seal of what is looked at after every call; `checks`: the names of the topic's own."""
    modules = [(name, vars(sys.modules[name])) for name in NEAR if name in sys.modules]
    classes = [(f"{one.__module__}.{one.__qualname__}", vars(one)) for one in _CLASSES if one]
    return Seal([*modules, *classes, ("groundup.course.topics", checks)])


def whole() -> Seal:
    """The seal of every module that a check may run through."""
    there = {name: module for name, module in [*sys.modules.items()] if _is_judging(name)}
    return Seal((n, vars(one)) for n, one in there.items() if issubclass(type(one), ModuleType))


def _is_judging(name: str) -> bool:
    return name in _SINGLE or name.startswith(_FAMILIES)


def table() -> Seal:
    """The seal of which modules there are."""
    return Seal([("sys.modules", sys.modules)])


def settings() -> tuple[Any, ...]:
    """What torch and Python are set to, where it changes how an answer is judged."""
    return (
        torch.get_default_dtype(), torch.is_grad_enabled(), torch._C._len_torch_function_stack(),
        sys.gettrace(), sys.getprofile(),
    )  # fmt: skip


def same(now: tuple[Any, ...], before: tuple[Any, ...]) -> bool:
    """Whether two tuples of one length hold the same objects."""
    return _ALL(_MAP(_IS, now, before))


def foreign(value: Any, own: str, allowed: type | None, depth: int = 3) -> type | None:
    """A type in a result that could lie about its values: of the learner's own making.

    `own`: the name of the learner's module; `allowed`: the class that is asked for. A subclass of
    Tensor may answer every comparison with True, so what comes back must be plain.
    """
    kind = type(value)
    if kind is allowed:
        return None
    if kind.__flags__ & _HEAP and (
        kind.__module__ == own or (issubclass(kind, _VALUES) and not _is_at_home(kind))
    ):
        return kind
    if depth and isinstance(value, list | tuple | set | frozenset | dict):
        inner = [*value, *value.values()] if isinstance(value, dict) else [*value]
        found = (foreign(one, own, allowed, depth - 1) for one in inner[:200])
        return next((one for one in found if one), None)
    return None


def _is_at_home(kind: type) -> bool:
    """Whether a class is found in the module it says it is from."""
    found: Any = sys.modules.get(kind.__module__)
    for name in kind.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is kind
