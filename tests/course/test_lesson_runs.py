"""Steps, traces and predictions are run, and every lesson of the course is read and run whole."""

import json
import re

import pytest

from groundup.course import lesson, lesson_runs, lesson_source, syllabus
from groundup.course.lesson_parts import Explore, Predict, Prose, Step, Trace

STEPS = '''"""Steps."""

import numpy as np

from groundup.course.case import differs


def table():
    """A table."""
    return {"a": np.eye(2), "b": 3}


def loop():
    """A loop."""
    total = 0
    for number in (5, 7):
        total += number
    return (
        total
        + 1
    )


def long():
    """Never ends, nearly."""
    total = 0
    for number in range(1000):
        total += 1
    return total


def watched():
    """Calls the library twice."""
    differs([1, 2], [1, 3])
    return differs(1, 1)


def unwatched():
    """Calls nothing."""


def many():
    """How many?"""
    return 40.0


def which():
    """Which?"""
    return "left"


def neither():
    """Says what nobody may choose."""
    return "up"
'''


@pytest.fixture
def steps(course):
    course.write("steps.py", STEPS)

    def add(directive):
        course.write("lesson.md", directive)
        return course.topic

    return add


def test_a_step_is_run(steps):
    topic = steps(":::{step} table\n:::\n")
    assert lesson_runs.compute(topic, "table") == {
        "values": [
            {
                "name": "a",
                "kind": "float64 2 x 2",
                "text": "",
                "rows": (("1.000", "0.000"), ("0.000", "1.000")),
                "columns": (),
            },
            {"name": "b", "kind": "int", "text": "3", "rows": (), "columns": ()},
        ]
    }


def test_a_trace_shows_each_line_in_the_order_of_running_and_what_it_changed(steps):
    found = lesson_runs.compute(steps(":::{trace} loop\n:::\n"), "loop")
    seen = [
        (one["number"], one["text"].strip(), [(v["name"], v["text"]) for v in one["values"]])
        for one in found["lines"]
    ]
    assert seen == [
        (2, "total = 0", [("total", "0")]),
        (3, "for number in (5, 7):", [("number", "5")]),
        (4, "total += number", [("total", "5")]),
        (3, "for number in (5, 7):", [("number", "7")]),
        (4, "total += number", [("total", "12")]),
        (3, "for number in (5, 7):", []),
        (5, "return (\n        total\n        + 1\n    )", []),
    ]
    assert found["result"]["text"] == "13"
    assert found["cut"] is False


def test_the_numbers_of_a_trace_are_those_of_its_code(steps):
    topic = steps(":::{trace} loop\n:::\n")
    code = lesson.read(topic).parts[0].code.splitlines()
    for one in lesson_runs.compute(topic, "loop")["lines"]:
        assert code[one["number"] - 1] == one["text"].partition("\n")[0]


def test_a_long_trace_is_cut_and_its_result_is_known(steps):
    found = lesson_runs.compute(steps(":::{trace} long\n:::\n"), "long")
    assert found["cut"] is True
    assert len(found["lines"]) == 200
    assert found["result"]["text"] == "1000"


def test_a_part_of_the_library_is_watched_at_its_first_call(steps):
    topic = steps(':::{trace} watched\nof = "groundup.course.case:differs"\n:::\n')
    found = lesson_runs.compute(topic, "watched")
    head = found["lines"][0]
    assert head["text"].startswith("def differs(")
    assert [one["name"] for one in head["values"]] == ["got", "expected", "tolerance"]
    assert found["result"]["kind"] == "tuple"


def test_a_replaceable_part_is_watched_too(course):
    course.write(
        "steps.py",
        '"""S."""\nimport torch\nfrom groundup.layers.attention import attend\n\n\n'
        'def flow():\n    """Flows."""\n    x = torch.eye(2)[None, None]\n'
        "    return attend(x, x, x)\n",
    )
    course.write("lesson.md", ':::{trace} flow\nof = "groundup.layers.attention:attend"\n:::\n')
    found = lesson_runs.compute(course.topic, "flow")
    assert found["lines"][-1]["text"].strip().startswith("return scores_BHTS.softmax(-1)")
    assert found["result"]["kind"] == "float32 1 x 1 x 2 x 2"


def test_a_part_that_is_never_called_is_an_error(steps):
    topic = steps(':::{trace} unwatched\nof = "groundup.course.case:differs"\n:::\n')
    with pytest.raises(ValueError, match=r"unwatched in steps.py never called groundup.course"):
        lesson_runs.compute(topic, "unwatched")


PREDICT = ":::{{predict}} guess\nquestion='Q'\nbecause='B'\nrun='{run}'\n{more}\n:::\n"


@pytest.mark.parametrize(
    ("guess", "is_right"),
    [(40, True), ("44", True), ("36.0", True), (44.1, False), ("-40", False), ("nan", False)],
)
def test_a_guess_is_judged_by_how_near_it_is(steps, guess, is_right):
    topic = steps(PREDICT.format(run="many", more="within=0.1"))
    assert lesson_runs.compute(topic, "guess") == {"answer": "40"}
    found = lesson_runs.compute(topic, "guess", {"guess": guess})
    assert found == {"answer": "40", "right": is_right}


def test_a_choice_is_judged(steps):
    topic = steps(PREDICT.format(run="which", more="choices=['left','right']"))
    for guess in ("left", "right"):
        found = lesson_runs.compute(topic, "guess", {"guess": guess})
        assert found == {"answer": "left", "right": guess == "left"}


@pytest.mark.parametrize(
    ("run", "more", "given", "says"),
    [
        ("many", "", {"guess": "lots"}, "a guess is a number, as 0.5, 3e4 or nan, not 'lots'"),
        ("many", "", {"guess": [1]}, "a guess is a number"),
        ("many", "", {"guess": True}, "a guess is a number"),
        ("many", "", {"gess": 1}, "there is no 'gess'; there is: guess"),
        ("which", "choices=['left','right']", {"guess": "up"}, "choose one of left, right"),
        ("neither", "choices=['left','right']", {"guess": "left"}, "'up', which is no choice"),
    ],
)
def test_what_is_no_guess_is_refused(steps, run, more, given, says):
    topic = steps(PREDICT.format(run=run, more=more))
    with pytest.raises(ValueError, match=says):
        lesson_runs.compute(topic, "guess", given)


@pytest.mark.parametrize(
    ("guess", "answer", "is_right"),
    [
        (0.0, 0.0, True),
        (0.1, 0.0, False),
        (float("nan"), float("nan"), True),
        (1.0, float("nan"), False),
        (float("inf"), float("inf"), True),
        (float("-inf"), float("inf"), False),
        (-0.95, -1.0, True),
    ],
)
def test_near_means_relative_to_the_answer(guess, answer, is_right):
    assert lesson_runs.is_near(guess, answer, 0.1) is is_right


@pytest.mark.parametrize("name", ["nothing", "", "Prose", "__class__", "x" * 1000])
def test_what_is_not_in_the_lesson_is_not_computed(steps, name):
    topic = steps("Words.\n\n:::{step} table\n:::\n")
    with pytest.raises(ValueError, match="has nothing to compute called"):
        lesson_runs.compute(topic, name)


def test_a_step_takes_no_values(steps):
    with pytest.raises(ValueError, match="'table' takes no values"):
        lesson_runs.compute(steps(":::{step} table\n:::\n"), "table", {"a": 1})


def test_code_has_colours():
    assert '<span class="k">return</span>' in lesson_source.highlighted("return 1")
    assert "pre.code .k {" in lesson_source.style()


@pytest.mark.parametrize("topic", lesson.topics())
def test_every_lesson_of_the_course_is_read_and_all_in_it_is_computed(topic):
    read = lesson.read(topic)
    assert read.parts
    for part in read.parts:
        if isinstance(part, Explore | Step | Trace | Predict):
            found = lesson_runs.compute(topic, part.name)
            json.dumps(found, allow_nan=False)
            assert found.get("cut") is not True, f"{part.name} is too long to be read"
        if isinstance(part, Prose | Predict):
            html = part.html if isinstance(part, Prose) else part.because_html
            linked = re.findall(r'href="/topics/([^"#]+)', html)
            assert set(linked) <= {one.name for one in syllabus.topics()}
        if isinstance(part, Explore | Step | Trace):
            assert part.title, f"{part.name} needs a docstring: it is its title"
