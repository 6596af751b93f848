"""What a lesson's parts compute: charts, steps, traces, answers to predictions.

`compute` is one call with plain data on both sides, so that a worker process can make it and be
ended when it takes too long. It decides nothing by itself about time or memory.
"""

import dataclasses
import importlib
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from groundup.course import lesson, lesson_files, lesson_forms, lesson_source, lesson_values
from groundup.course.lesson_parts import Explore, Predict, Step, Trace
from groundup.course.lesson_trace import Recorder


def compute(topic: str, name: str, values: Mapping[str, object] | None = None) -> dict[str, Any]:
    """What the part of this name in the topic's lesson shows (see `lesson_parts`).

    `values`: an explorable's settings, or a prediction's guess. Raises ValueError for what is none.
    """
    named = {one.name: one for one in lesson.read(topic).parts if hasattr(one, "name")}
    part = named.get(name)
    given = values or {}
    if isinstance(part, Explore):
        return {"chart": lesson_forms.draw(topic, name, given)}
    if isinstance(part, Predict):
        return predict(topic, part, given)
    if given:
        raise ValueError(f"{name[:60]!r} takes no values")
    if isinstance(part, Step):
        return {"values": step(topic, name)}
    if isinstance(part, Trace):
        return trace(topic, part)
    raise ValueError(f"the lesson of {topic} has nothing to compute called {name[:60]!r}")


def step(topic: str, name: str) -> list[dict[str, Any]]:
    """What a step returns."""
    returned = lesson_files.function(topic, "steps", name)()
    return [dataclasses.asdict(one) for one in lesson_values.values(returned)]


def trace(topic: str, part: Trace) -> dict[str, Any]:
    """A function of the topic run, and what it, or the part of the library it names, did.

    Raises ValueError when that part is never called.
    """
    function = lesson_files.function(topic, "steps", part.name)
    if part.of:
        watched, found = _callable(part.of), lesson_source.of_part(part.of, with_docstring=False)
    else:
        path = lesson_files.folder(topic) / "steps.py"
        watched = function
        found = lesson_source.definition(path, part.name, with_docstring=False)
    recorder = Recorder(inspect.unwrap(watched).__code__, found.places())
    recorder.run(function)
    if recorder.result is None:
        raise ValueError(f"{part.name} in steps.py never called {part.of}")
    return {
        "lines": [dataclasses.asdict(one) for one in recorder.lines],
        "result": dataclasses.asdict(recorder.result),
        "cut": recorder.is_cut,
    }


def _callable(name: str) -> Callable[..., Any]:
    module, _, attributes = name.partition(":")
    found: Any = importlib.import_module(module)
    for attribute in attributes.split("."):
        found = getattr(found, attribute)
    return found  # type: ignore[no-any-return]


def predict(topic: str, part: Predict, given: Mapping[str, object]) -> dict[str, Any]:
    """The answer and, for a guess, whether it was right. Raises ValueError for what is no guess."""
    if unknown := set(given) - {"guess"}:
        raise ValueError(f"there is no {str(min(unknown))[:60]!r}; there is: guess")
    guess = given.get("guess")
    if part.choices and guess is not None and guess not in part.choices:
        raise ValueError(f"choose one of {', '.join(part.choices)}")
    guessed = None if part.choices or guess is None else _number(guess)
    answer = lesson_files.function(topic, "steps", part.run)()
    if part.choices:
        if answer not in part.choices:
            raise ValueError(f"{part.run} in steps.py returned {answer!r}, which is no choice")
        is_right = guess == answer
    else:
        answer = float(answer)
        is_right = guessed is not None and is_near(guessed, answer, part.within)
    found = {"answer": answer if part.choices else lesson_values.number(answer)}
    return found if guess is None else {**found, "right": is_right}


def is_near(guess: float, answer: float, within: float) -> bool:
    """|guess - answer| <= within |answer|, with room for rounding; NaN and infinity by name."""
    if not math.isfinite(answer):
        return guess == answer or (math.isnan(guess) and math.isnan(answer))
    return abs(guess - answer) <= within * abs(answer) + 1e-9 * max(1.0, abs(answer))


def _number(guess: object) -> float:
    wanted = "a guess is a number, as 0.5, 3e4 or nan"
    if isinstance(guess, bool) or not isinstance(guess, int | float | str):
        raise ValueError(wanted)
    try:
        return float(guess)
    except (ValueError, OverflowError) as problem:
        raise ValueError(f"{wanted}, not {str(guess)[:60]!r}") from problem
