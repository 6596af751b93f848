"""Lessons are read whole, and what is wrong in one is said with its file and line."""

import os
import subprocess
import sys

import pytest

from groundup.course import lesson, lesson_markdown
from groundup.course.lesson_parts import (
    ExerciseCheck,
    Explore,
    Predict,
    Prose,
    Quiz,
    Source,
    Step,
    Trace,
)

FIGURES = '''"""Figures."""

from typing import Annotated, Literal

from groundup.course.lesson_forms import Slider


def bars(width: Annotated[float, Slider(0, 2)] = 1.0, kind: Literal["a", "b"] = "a"):
    """Bars of a width."""
'''
CHECKS = '''"""Checks."""

from groundup.course.exercise import Exercise

ONE = Exercise("one", of="groundup.layers.attention:attend", title="T", minutes=1, hints=("",) * 3)
'''
QUIZ = """question = "Which $x$?"
[[choice]]
says = "This"
right = true
because = "Yes."
[[choice]]
says = "That"
because = "No, `it` is not."
"""


def one_part(course, directive):
    course.write("lesson.md", directive)
    [part] = lesson.read(course.topic).parts
    return part


def test_a_lesson_has_what_its_topic_says_and_its_parts_in_order(course):
    read = lesson.read(course.topic)
    assert (read.title, read.minutes, read.prerequisites) == ("A topic", 30, ("p/q",))
    assert [type(part) for part in read.parts] == [Prose, Step]
    assert [(one.level, one.text, one.anchor) for one in read.headings] == [
        (1, "A title", "a-title")
    ]


def test_mathematics_is_left_for_the_browser_and_html_is_shown_as_text(course):
    html = lesson.read(course.topic).parts[0].html
    assert '<span class="math inline">x^2</span>' in html
    assert "&lt;b&gt;raw&lt;/b&gt;" in html
    course.write("lesson.md", "$$\na < b\n$$\n\nIt costs $5 or $6.\n")
    html = lesson.read(course.topic).parts[0].html
    assert '<div class="math block">\na &lt; b\n</div>' in html
    assert "It costs $5 or $6." in html


def test_tables_footnotes_and_code_are_read(course):
    course.write(
        "lesson.md", "|a|\n|-|\n|1|\n\nA[^n].\n\n[^n]: Note.\n\n```python\nreturn 1\n```\n"
    )
    html = "".join(part.html for part in lesson.read(course.topic).parts)
    assert "<td>1</td>" in html
    assert "Note." in html
    assert '<span class="k">return</span>' in html


def test_a_source_is_the_text_that_runs(course):
    part = one_part(course, ":::{source} groundup.layers.attention:share_heads\n:::\n")
    assert isinstance(part, Source)
    assert part.code.startswith("def share_heads(")
    assert part.file == "layers/attention.py"
    with open(lesson.__file__.replace("course/lesson.py", part.file), encoding="utf-8") as file:
        assert file.readlines()[part.line - 1].startswith("def share_heads(")


def test_a_method_is_printed_without_its_indent(course):
    part = one_part(course, ":::{source} groundup.course.case:Case.integer\n:::\n")
    assert part.code.startswith("def integer(self")
    assert part.code.endswith("    return int(self.chance.integers(low, high, endpoint=True))\n")


def test_an_explorable_has_the_form_of_its_signature(course):
    course.write("figures.py", FIGURES)
    part = one_part(course, ":::{explore} bars\n:::\n")
    assert isinstance(part, Explore)
    assert part.title == "Bars of a width"
    assert [field.name for field in part.form] == ["width", "kind"]


def test_a_step_shows_its_code_under_the_title_its_docstring_gives(course):
    part = one_part(course, ":::{step} one\n:::\n")
    assert part.title == "Says one. And more"
    assert part.code == "def one():\n    return np.arange(3.0)\n"


def test_a_trace_may_watch_a_part_of_the_library(course):
    name = "groundup.layers.attention:share_heads"
    part = one_part(course, f':::{{trace}} one\nof = "{name}"\n:::\n')
    assert isinstance(part, Trace)
    assert part.of == name
    assert "repeat_interleave" in part.code


def test_an_exercise_is_found_without_importing_its_checks(course):
    course.write("checks.py", CHECKS + "\n1 / 0\n")
    assert one_part(course, ":::{check} one\n:::\n") == ExerciseCheck(exercise="one")


def test_a_quiz_says_why_for_every_choice(course):
    part = one_part(course, f":::{{quiz}} which\n{QUIZ}:::\n")
    assert isinstance(part, Quiz)
    assert '<span class="math inline">x</span>' in part.question_html
    assert [(one.html, one.right) for one in part.choices] == [("This", True), ("That", False)]
    assert part.choices[1].because_html == "<p>No, <code>it</code> is not.</p>\n"


def test_a_prediction_names_the_function_that_answers(course):
    toml = 'question = "How many?"\nrun = "one"\nbecause = "So."\nwithin = 0.2'
    part = one_part(course, f":::{{predict}} many\n{toml}\n:::\n")
    assert isinstance(part, Predict)
    assert (part.run, part.within, part.choices) == ("one", 0.2, ())
    assert part.code == "def one():\n    return np.arange(3.0)\n"


def test_a_link_to_another_lesson_becomes_its_page(course):
    course.write("lesson.md", "[s](../../p02_learning/losses/lesson.md#why) [w](https://a.org)\n")
    html = lesson.read(course.topic).parts[0].html
    assert 'href="/topics/p02_learning/losses#why"' in html
    assert 'href="https://a.org"' in html


def test_a_lesson_can_be_had_as_it_was_written():
    text = "Words $x$.\n\n:::{step} one\nof = 1\n:::\n\n- more\n"
    first, step, last = lesson_markdown.texts(text)
    assert (first, last) == ("Words $x$.\n\n", "\n- more\n")
    assert (step.kind, step.argument, step.body, step.line) == ("step", "one", "of = 1\n", 3)


def test_a_lesson_is_read_again_when_a_file_changed(course):
    before = lesson.read(course.topic)
    assert lesson.read(course.topic) is before
    course.write("lesson.md", "Other words, and more of them.\n")
    after = lesson.read(course.topic)
    assert after.stamp != before.stamp
    assert "Other words" in after.parts[0].html


def test_a_figure_is_loaded_again_when_its_file_changed(course):
    course.write("figures.py", FIGURES)
    assert one_part(course, ":::{explore} bars\n:::\n").form[0].high == 2
    course.write("figures.py", FIGURES.replace("Slider(0, 2)", "Slider(0, 30)"))
    os.utime(course.folder / "figures.py", (2e9, 2e9))
    assert lesson.read(course.topic).parts[0].form[0].high == 30


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (":::{sauce} a\n:::", 1, "no directive 'sauce'; there is: source, explore"),
        ("Words\n\n:::{step}\n:::", 3, "step needs a name"),
        ("Words\n\n:::step one\n:::", 3, "should read ':::{kind} name'"),
        ("- a\n\n  :::{step} one\n  :::", 3, "a directive stands in no list"),
        (":::{source} groundup.layers.attention:nothing\n:::", 1, "defines no 'nothing'"),
        (":::{source} groundup.layers.nothing:a\n:::", 1, "groundup.layers.nothing is no module"),
        (":::{source} os:path\n:::", 1, "os is no module of groundup"),
        (":::{source} groundup.layers.attention\n:::", 1, "should read groundup.room.module"),
        (":::{explore} bars\n:::", 1, "has no figures.py"),
        (":::{step} two\n:::", 1, "defines no 'two'; it defines: one"),
        (":::{step} one\nof = 'a'\n:::", 1, "step knows no 'of'"),
        (":::{step} one\n:::\n\n:::{trace} one\n:::", 4, "two parts are called 'one'"),
        (":::{check} attention\n:::", 1, "no exercise 'attention'; it has: none"),
        (":::{quiz} q\nquestion = \n:::", 2, "the body is no TOML"),
        (":::{quiz} q\nquestion = 'a'\n:::", 1, r"a quiz has \[\[choice\]\] tables"),
        (":::{quiz} q\n[[choice]]\n:::", 1, 'question = "..." is missing'),
        (f":::{{quiz}} q\n{QUIZ.replace('true', 'false')}:::", 1, "one right; 0 of 2 are"),
        (f":::{{quiz}} q\n{QUIZ}right = true\n:::", 1, "one right; 2 of 2 are"),
        (f":::{{quiz}} q\n{QUIZ}rigth = true\n:::", 1, "not this 'rigth'"),
        (f":::{{quiz}} q\n{QUIZ.replace('because', 'cause', 1)}:::", 1, "because = "),
        (":::{predict} p\nquestion = 'a'\nbecause = 'b'\nrun = 'two'\n:::", 1, "no 'two'"),
        (":::{predict} p\nquestion='a'\nbecause='b'\nrun='one'\nwithin=2\n:::", 1, "within is"),
        (":::{predict} p\nquestion='a'\nbecause='b'\nrun='one'\nchoices=[1]\n:::", 1, "of texts"),
        ("A [link](other.md).", 1, "the link 'other.md' leads neither"),
        ("A\n\n```pythn\na\n```", 3, "no language 'pythn'"),
    ],
)
def test_what_is_wrong_is_said_with_file_and_line(course, text, line, says):
    course.write("lesson.md", text + "\n")
    with pytest.raises(ValueError, match=says) as problem:
        lesson.read(course.topic)
    assert str(problem.value).startswith(f"p01_test/topic/lesson.md, line {line}: ")


def test_reading_needs_no_torch():
    code = (
        "import sys; from groundup.course import lesson; lesson.read('p04_transformer/attention');"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    "name",
    ["nothing/there", "../p01_test/topic", "p01_test/topic/", "p01_test", "", "a\0/b", "x/" * 99],
)
def test_a_topic_that_is_none_is_refused(course, name):
    with pytest.raises(ValueError, match="there is no topic"):
        lesson.read(name)


def test_a_topic_without_a_lesson_says_so(course):
    (course.folder / "lesson.md").unlink()
    with pytest.raises(ValueError, match="has no lesson yet; these have: none"):
        lesson.read(course.topic)


def test_a_lesson_is_found_by_its_last_word(course):
    assert lesson.find("topic") == lesson.find(course.topic) == course.topic
    with pytest.raises(ValueError, match="no lesson is called 'top'; choose from: p01_test/topic"):
        lesson.find("top")
