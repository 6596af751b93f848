import json
import math
from typing import Annotated, Literal

import pytest

from groundup.course import lesson_forms
from groundup.course.lesson_forms import Choice, Slider, Text, checked, draw, form


def figure(
    heat: Annotated[float, Slider(0.5, 2.0)] = 1.0,
    grid: Annotated[float, Slider(0.0, 1.0, step=0.1)] = 0.5,
    heads: Annotated[int, Slider(1, 8)] = 4,
    angle: Annotated[int, Slider(0, 360, step=5)] = 40,
    kind: Literal["full", "causal"] = "full",
    width: Annotated[int, Choice(16, 64)] = 16,
    words: Annotated[str, Text(9)] = "the cat",
    is_scaled: bool = True,
):
    """A figure."""


FIELDS = form(figure)


def test_the_form_comes_from_the_signature():
    assert [(one.name, one.kind, one.default) for one in FIELDS] == [
        ("heat", "slider", 1.0),
        ("grid", "slider", 0.5),
        ("heads", "slider", 4),
        ("angle", "slider", 40),
        ("kind", "choice", "full"),
        ("width", "choice", 16),
        ("words", "text", "the cat"),
        ("is_scaled", "switch", True),
    ]
    heat, grid, heads, _, kind, width, words, switch = FIELDS
    assert (heat.low, heat.high, heat.step, heat.is_whole) == (0.5, 2.0, None, False)
    assert (grid.step, heads.is_whole, words.longest) == (0.1, True, 9)
    assert (kind.choices, width.choices) == (("full", "causal"), (16, 64))
    assert switch.label == "scaled"


def test_what_is_not_given_keeps_its_default():
    assert checked(FIELDS, {}) == {
        "heat": 1.0,
        "grid": 0.5,
        "heads": 4,
        "angle": 40,
        "kind": "full",
        "width": 16,
        "words": "the cat",
        "is_scaled": True,
    }


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("heat", "1.5", 1.5),
        ("heat", 2, 2.0),
        ("heat", 0.5, 0.5),
        ("grid", "0.3", 0.3),
        ("grid", 0.30000000001, 0.3),
        ("heads", "8", 8),
        ("angle", "355", 355),
        ("heads", 3.0, 3),
        ("kind", "causal", "causal"),
        ("width", "64", 64),
        ("words", "", ""),
        ("is_scaled", "false", False),
        ("is_scaled", "true", True),
    ],
)
def test_values_are_converted(name, given, value):
    found = checked(FIELDS, {name: given})[name]
    assert found == pytest.approx(value) if isinstance(value, float) else found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("heat", 2.0001, "heat is a number from 0.5 to 2, not 2.0001"),
        ("heat", 0.4, "not 0.4"),
        ("heat", math.nan, "not nan"),
        ("heat", "nan", "not 'nan'"),
        ("heat", math.inf, "not inf"),
        ("heat", "warm", "not 'warm'"),
        ("heat", True, "not True"),
        ("heat", None, "not None"),
        ("heat", [1.0], r"not \[1.0\]"),
        ("heat", 10**400, r"not 10+\.\.\."),
        ("grid", 0.55, "in steps of 0.1, not 0.55"),
        ("angle", 42, "in steps of 5, not 42"),
        ("heads", 2.5, "a whole number, not 2.5"),
        ("kind", "ful", "kind is one of full, causal, not 'ful'"),
        ("kind", 0, "not 0"),
        ("width", 32, "one of 16, 64, not 32"),
        ("width", True, "not True"),
        ("words", "the cats sat", "at most 9 characters; 12 characters came"),
        ("words", "a\nb", "one line of text"),
        ("words", "\x1b[2J", "without control characters"),
        ("words", 3, "words is text, not 3"),
        ("is_scaled", "yes", "is true or false, not 'yes'"),
        ("is_scaled", 1, "not 1"),
        ("colour", 1, "there is no 'colour'; there is: heat, grid, heads"),
        ("x" * 1000, 1, r"there is no 'xxx+\.\.\.; there"),
    ],
)
def test_a_wrong_value_is_refused(name, given, says):
    with pytest.raises(ValueError, match=says):
        checked(FIELDS, {name: given})


def without_default(a: float):
    """A figure."""


def without_type(a=1):
    """A figure."""


def without_bounds(a: float = 1.0):
    """A figure."""


def outside(a: Annotated[float, Slider(0, 1)] = 2.0):
    """A figure."""


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (without_default, r"without_default\(a\) needs a type and a default"),
        (without_type, r"without_type\(a\) needs a type and a default"),
        (without_bounds, r"a number needs Annotated\[float, Slider\(low, high\)\]"),
        (outside, "has a default that its form refuses: a is a number from 0 to 1, not 2"),
    ],
)
def test_a_signature_without_a_form_is_refused(function, says):
    with pytest.raises(ValueError, match=says):
        form(function)


FIGURES = '''"""Figures."""

from typing import Annotated

import altair as alt

from groundup.course.lesson_forms import Slider


def bars(height: Annotated[float, Slider(0, 2)] = 1.0) -> alt.Chart:
    """Bars."""
    rows = [{"x": 1, "y": height}, {"x": 2, "y": float("nan")}]
    return alt.Chart(alt.Data(values=rows)).mark_bar().encode(x="x:O", y="y:Q")


def nothing() -> None:
    """Draws nothing."""


def _private() -> None:
    """Is not to be drawn."""
'''


def test_a_figure_is_drawn_with_the_values(course):
    course.write("figures.py", FIGURES)
    drawn = draw(course.topic, "bars", {"height": "1.5"})
    assert drawn["data"]["values"] == [{"x": 1, "y": 1.5}, {"x": 2, "y": None}]
    assert drawn["mark"]["type"] == "bar"
    json.dumps(drawn, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("lines", "has no function 'lines'"),
        ("_private", "has no function '_private'"),
        ("Slider", "has no function 'Slider'"),
        ("alt", "has no function 'alt'"),
        ("", "has no function ''"),
        ("nothing", "returns a NoneType, wanted an altair chart"),
    ],
)
def test_what_is_no_figure_is_refused(course, name, says):
    course.write("figures.py", FIGURES)
    with pytest.raises(ValueError, match=says):
        draw(course.topic, name)


def test_a_figure_with_too_much_in_it_is_refused(course, monkeypatch):
    course.write("figures.py", FIGURES)
    size = len(json.dumps(draw(course.topic, "bars")))
    monkeypatch.setattr(lesson_forms, "_MOST_CHARACTERS", size // 3)
    with pytest.raises(ValueError, match=r"bars in figures.py draws too many points"):
        draw(course.topic, "bars")
