"""Forms made from signatures, and the figures behind them.

A figure is a function of a topic's `figures.py` that returns an altair chart. Its parameters say
what a person may move, each with a default:

    def weights(
        temperature: Annotated[float, Slider(0.1, 5.0)] = 1.0,   # a slider; int: whole numbers
        kind: Literal["causal", "full"] = "causal",              # a choice
        heads: Annotated[int, Choice(1, 2, 4)] = 2,              # a choice of other values
        sentence: Annotated[str, Text(80)] = "the cat sat",      # a line of text
        is_scaled: bool = True,                                  # a switch
    ) -> alt.Chart: ...
"""

import inspect
import math
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from groundup.course import lesson_files
from groundup.course.lesson_parts import Field, Setting

_LONGEST_TEXT = 200
_MOST_CHARACTERS = 1_000_000


@dataclass(frozen=True)
class Slider:
    """Numbers from `low` to `high`, both included; `step`: only low, low + step, ..."""

    low: float
    high: float
    step: float | None = None


@dataclass(frozen=True, init=False)
class Choice:
    """One of these values."""

    values: tuple[Setting, ...]

    def __init__(self, *values: Setting) -> None:
        object.__setattr__(self, "values", values)


@dataclass(frozen=True)
class Text:
    """Text of at most so many characters."""

    longest: int = _LONGEST_TEXT


def form(function: Callable[..., Any]) -> tuple[Field, ...]:
    """The fields of a function's parameters. Raises ValueError for one that no form can give."""
    hints = typing.get_type_hints(function, include_extras=True)
    parameters = inspect.signature(function).parameters.values()
    return tuple(_field(one, hints.get(one.name), function.__name__) for one in parameters)


def _field(parameter: inspect.Parameter, hint: Any, function: str) -> Field:
    where = f"{function}({parameter.name})"
    if parameter.default is parameter.empty or hint is None:
        raise ValueError(f"{where} needs a type and a default: a form is made from them")
    made = _of_type(hint, where)
    field = Field(
        name=parameter.name,
        label=parameter.name.removeprefix("is_").replace("_", " "),
        default=parameter.default,
        **made,
    )
    try:
        _checked(field, parameter.default)
    except ValueError as problem:
        raise ValueError(f"{where} has a default that its form refuses: {problem}") from problem
    return field


def _of_type(hint: Any, where: str) -> dict[str, Any]:
    """What a type says of a field."""
    kind, marks = hint, []
    if typing.get_origin(hint) is typing.Annotated:
        kind, *marks = typing.get_args(hint)
    if typing.get_origin(kind) is Literal:
        return {"kind": "choice", "choices": typing.get_args(kind)}
    for mark in marks:
        if isinstance(mark, Choice):
            return {"kind": "choice", "choices": mark.values}
        if isinstance(mark, Slider) and kind in (int, float):
            bounds = {"low": mark.low, "high": mark.high, "step": mark.step}
            return {"kind": "slider", "is_whole": kind is int, **bounds}
        if isinstance(mark, Text) and kind is str:
            return {"kind": "text", "longest": mark.longest}
    if kind is bool:
        return {"kind": "switch"}
    if kind is str:
        return {"kind": "text", "longest": _LONGEST_TEXT}
    raise ValueError(f"{where}: a number needs Annotated[{_name(kind)}, Slider(low, high)]")


def _name(kind: Any) -> str:
    return getattr(kind, "__name__", str(kind))


def checked(fields: Sequence[Field], values: Mapping[str, object]) -> dict[str, Setting]:
    """A request's values, checked and converted; a field that is not named keeps its default.

    Numbers and switches may come as text, as they do from a page. Raises ValueError: what came,
    what is wanted.
    """
    names = [field.name for field in fields]
    if unknown := [name for name in values if name not in names]:
        raise ValueError(f"there is no {_short(unknown[0])}; there is: {', '.join(names)}")
    return {one.name: _checked(one, values.get(one.name, one.default)) for one in fields}


def _checked(field: Field, given: object) -> Setting:
    check = {"slider": _number, "choice": _choice, "text": _text, "switch": _switch}[field.kind]
    return check(field, given)


def _number(field: Field, given: object) -> Setting:
    wanted = f"{field.name} is a number from {field.low:g} to {field.high:g}"
    try:
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            raise ValueError
        number = float(given)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{wanted}, not {_short(given)}") from problem
    if not math.isfinite(number) or not field.low <= number <= field.high:
        raise ValueError(f"{wanted}, not {_short(given)}")
    if field.step:
        steps = (number - field.low) / field.step
        if abs(steps - round(steps)) > 1e-6:
            raise ValueError(f"{wanted} in steps of {field.step:g}, not {_short(given)}")
        number = float(field.low + round(steps) * field.step)
    if field.is_whole and not number.is_integer():
        raise ValueError(f"{field.name} is a whole number, not {_short(given)}")
    return int(number) if field.is_whole else number


def _choice(field: Field, given: object) -> Setting:
    for choice in field.choices:
        if given == str(choice) or (given == choice and type(given) is type(choice)):
            return choice
    shown = ", ".join(map(str, field.choices))
    raise ValueError(f"{field.name} is one of {shown}, not {_short(given)}")


def _text(field: Field, given: object) -> Setting:
    if not isinstance(given, str):
        raise ValueError(f"{field.name} is text, not {_short(given)}")
    if len(given) > field.longest:
        many = f"{len(given)} characters came"
        raise ValueError(f"{field.name} has at most {field.longest} characters; {many}")
    if not given.isprintable():
        raise ValueError(f"{field.name} is one line of text without control characters")
    return given


def _switch(field: Field, given: object) -> Setting:
    if isinstance(given, bool):
        return given
    if given in ("true", "false"):
        return given == "true"
    raise ValueError(f"{field.name} is true or false, not {_short(given)}")


def _short(given: object) -> str:
    text = repr(given)
    return text if len(text) <= 60 else f"{text[:57]}..."


def draw(topic: str, name: str, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    """A figure as a Vega-Lite specification, ready for JSON: NaN and infinity are null in it.

    Raises ValueError for a topic, a name or a value that is none, and for a figure too large.
    """
    function = lesson_files.function(topic, "figures", name)
    chart = function(**checked(form(function), values or {}))
    if not hasattr(chart, "to_dict"):
        kind = type(chart).__name__
        raise ValueError(f"{name} in figures.py returns a {kind}, wanted an altair chart")
    specification: dict[str, Any] = _finite(chart.to_dict())
    if sum(map(len, _texts(specification))) > _MOST_CHARACTERS:
        raise ValueError(f"{name} in figures.py draws too many points; fewer are seen better")
    return specification


def _finite(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: _finite(one) for key, one in part.items()}
    if isinstance(part, list | tuple):
        return [_finite(one) for one in part]
    return None if isinstance(part, float) and not math.isfinite(part) else part


def _texts(part: Any) -> Iterator[str]:
    """The specification's leaves as text, to count how much it is."""
    if isinstance(part, dict):
        for key, one in part.items():
            yield key
            yield from _texts(one)
    elif isinstance(part, list):
        for one in part:
            yield from _texts(one)
    else:
        yield str(part)
