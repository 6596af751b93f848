"""What a lesson is made of: plain data, from which a page, a test or a notebook is made.

`lesson.read(topic)` gives a `Lesson`. It reads and checks; it runs nothing. What must be computed
comes later, from `lesson_runs.compute(topic, name, values=None)`, a dict ready for JSON, which a
worker process can call and end when it takes too long:

    Explore  -> {"chart": a Vega-Lite specification}
    Step     -> {"values": [a Value, ...]}
    Trace    -> {"lines": [a TraceLine, ...], "result": a Value, "cut": true or false}
    Predict  -> {"answer": text}, and with values={"guess": "..."} also {"right": true or false}

Both raise ValueError, in a sentence, for what a person can mend: no such topic, a topic without a
lesson, no such name, a value out of range.

Names (`weights`, `naive`, `flat`) are unique within a lesson. All `html` is safe to put into a page
as it is: raw HTML in a lesson is shown as text. Mathematics stands in `span.math.inline` and
`div.math.block` as TeX, for KaTeX to render in the browser; code is in `<pre class="code">`, its
words in spans of Pygments' short classes, whose colours are `lesson_source.style(name)`.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["slider", "choice", "text", "switch"]
Setting = bool | int | float | str
"""What a form's field holds."""


@dataclass(frozen=True, kw_only=True)
class Heading:
    """An entry of the table of contents."""

    level: int
    """1 to 6."""
    text: str
    anchor: str
    """The heading's id in the page."""


@dataclass(frozen=True, kw_only=True)
class Prose:
    """A stretch of text."""

    html: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """A part of the library as it runs, printed."""

    name: str
    """`groundup.layers.attention:attend`."""
    code: str
    html: str
    """The code, highlighted."""
    file: str
    """`layers/attention.py`, within the package."""
    line: int
    """Its first line there."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of a form."""

    name: str
    """The parameter's."""
    label: str
    """For people."""
    kind: Kind
    default: Setting
    low: float = 0.0
    """Of a slider."""
    high: float = 0.0
    """Of a slider."""
    step: float | None = None
    """Of a slider; None: any number between."""
    is_whole: bool = False
    """Of a slider: whole numbers only."""
    choices: tuple[Setting, ...] = ()
    """Of a choice."""
    longest: int = 0
    """Of a text: the most characters."""


@dataclass(frozen=True, kw_only=True)
class Explore:
    """A picture to play with."""

    name: str
    title: str
    """What is to be seen, from the function's docstring."""
    form: tuple[Field, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """A function and what it returns."""

    name: str
    title: str
    code: str
    html: str


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A function run line by line."""

    name: str
    title: str
    of: str = ""
    """The part of the library that is watched; empty: the function itself."""
    code: str
    """Of what is watched."""
    html: str


@dataclass(frozen=True, kw_only=True)
class ExerciseCheck:
    """An exercise, to be done here."""

    exercise: str
    """Its name."""


@dataclass(frozen=True, kw_only=True)
class QuizChoice:
    """One answer of a quiz."""

    html: str
    right: bool
    because_html: str
    """Why it is right, or wrong."""


@dataclass(frozen=True, kw_only=True)
class Quiz:
    """A question with answers to choose from; every one says why."""

    name: str
    question_html: str
    choices: tuple[QuizChoice, ...]


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Guess first; then a function is run and says."""

    name: str
    question_html: str
    because_html: str
    """Why it is so; shown after the guess."""
    choices: tuple[str, ...] = ()
    """What may be guessed; empty: a number is typed."""
    within: float = 0.0
    """How far off a number may be, relative to the answer."""
    run: str
    """The function that says."""
    code: str
    """Its text; shown after the guess."""
    html: str


Part = Prose | Source | Explore | Step | Trace | ExerciseCheck | Quiz | Predict


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """A topic explained."""

    topic: str
    """`p04_transformer/attention`."""
    title: str
    minutes: int
    """How long it takes, roughly, its exercises included."""
    prerequisites: tuple[str, ...]
    """Topics to know first."""
    headings: tuple[Heading, ...]
    parts: tuple[Part, ...]
    stamp: str
    """Changes when one of the topic's files does: a key to keep what was computed under."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A value made for eyes: a small array is a table, a large one its shape and its range."""

    name: str
    kind: str
    """`float64 2 x 3` of an array, `int`, `str` ... of another value."""
    text: str
    rows: tuple[tuple[str, ...], ...] = ()
    """Cells, of an array that is small enough; `text` is empty then."""
    columns: tuple[str, ...] = ()
    """The names of the columns, where they have some."""


@dataclass(frozen=True, kw_only=True)
class TraceLine:
    """One line that was run, in the order of running: in a loop a line comes more than once."""

    number: int
    """Counted from 1, within the trace's code."""
    text: str
    values: tuple[Value, ...]
    """The local values that it changed."""
