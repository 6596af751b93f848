"""A lesson's notebook is a file that marimo opens: each name defined once, no circle."""

import ast
import graphlib
import subprocess
import sys

import pytest

from groundup.cli import _learn_lab
from groundup.course import lab, lab_cells, lesson, lesson_source
from groundup.course.lab_cells import Cell, notebook, quoted, renamed, text_cell


def cells(text):
    """(names taken, names given) of each cell, and the tree."""
    functions = [one for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)]
    found = []
    for one in functions:
        last = one.body[-1]
        assert isinstance(last, ast.Return)
        given = [name.id for name in last.value.elts] if last.value else []
        found.append(({argument.arg for argument in one.args.args}, given))
    return found


def check_cells(text):
    found = cells(text)
    owners = {name: number for number, (_, given) in enumerate(found) for name in given}
    assert len(owners) == sum(len(given) for _, given in found)
    graph = {n: {owners[name] for name in taken} for n, (taken, _) in enumerate(found)}
    list(graphlib.TopologicalSorter(graph).static_order())  # raises when there is a circle


@pytest.mark.parametrize("topic", lesson.topics())
def test_every_lesson_is_a_notebook(topic):
    text = lab.write(topic)
    compile(text, "notebook", "exec")
    check_cells(text)
    assert "../" not in text


@pytest.mark.slow
@pytest.mark.parametrize("topic", lesson.topics())
def test_marimo_finds_nothing_wrong(topic, tmp_path):
    pytest.importorskip("marimo")
    path = tmp_path / "lesson.py"
    path.write_text(lab.write(topic), encoding="utf-8")
    command = [sys.executable, "-m", "marimo", "check", "--strict", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


STEPS = '''"""Steps."""

import math

_HALF = 0.5


def _root(x):
    return math.sqrt(x) * _HALF


def one():
    """One."""
    return _root(4.0)


def two():
    """Two."""
    return one() + _root(9.0)
'''
LESSON = """Words, and a [link](../../p/q/lesson.md).

:::{step} one
:::

:::{quiz} q
question = "Which?"
[[choice]]
says = "A"
right = true
because = "Yes."
[[choice]]
says = "B"
because = "It says '''this''' and \\"that\\"."
:::

:::{predict} p
question = "How much?"
run = "two"
because = "So."
:::

:::{source} groundup.layers.attention:share_heads
:::
"""
FIGURES = '''"""Figures."""

from typing import Annotated, Literal

from groundup.course.lesson_forms import Choice, Slider


def bars(
    height: Annotated[float, Slider(0, 2)] = 1.0,
    count: Annotated[int, Slider(1, 9)] = 2,
    kind: Literal["a", "b"] = "a",
    width: Annotated[int, Choice(1, 2)] = 2,
    title: str = "it's",
    is_on: bool = True,
) -> None:
    """Bars."""
'''


def test_steps_are_copied_so_that_they_can_be_changed(course):
    course.write("steps.py", STEPS)
    course.write("lesson.md", LESSON)
    text = lab.write(course.topic)
    check_cells(text)
    names = {"mo": Fake, "of_part": lesson_source.of_part}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef) and "marimo" not in ast.unparse(node):
            exec(ast.unparse(node.body[:-1]), names)
    assert names["two"]() == 1.0 + 1.5
    assert {"root_", "HALF_", "one", "two"} <= set(names)
    assert "*link*" in text
    assert 'of_part("groundup.layers.attention:share_heads").code' in text


class Fake:
    """What a notebook asks of marimo, without it."""

    md = vstack = accordion = staticmethod(lambda one: one)


def test_a_form_becomes_inputs_of_the_notebook(course):
    course.write("figures.py", FIGURES)
    course.write("lesson.md", ":::{explore} bars\n:::\n")
    text = lab.write(course.topic)
    check_cells(text)
    for line in (
        "'height': mo.ui.slider(0, 2, step=0.02, value=1.0, show_value=True, label='height')",
        "'count': mo.ui.slider(1, 9, step=1, value=2, show_value=True, label='count')",
        "'kind': mo.ui.dropdown({'a': 'a', 'b': 'b'}, value='a', label='kind')",
        "'width': mo.ui.dropdown({'1': 1, '2': 2}, value='2', label='width')",
        """'title': mo.ui.text("it's", max_length=200, label='title')""",
        "'is_on': mo.ui.switch(True, label='on')",
        "figures.bars(**bars_form.value)",
    ):
        assert line in text


def test_a_name_in_two_cells_is_refused():
    with pytest.raises(ValueError, match="two cells define x"):
        notebook("Says.", [Cell("x = 1"), Cell("for x in (1, 2): pass")])


def test_a_cell_takes_what_others_define_and_keeps_what_is_its_own():
    text = notebook("Says.", [Cell("import math as m"), Cell("_y = m.pi\nz = _y"), Cell("z + 1")])
    assert cells(text) == [(set(), ["m"]), ({"m"}, ["z"]), ({"z"}, [])]


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines", 'a """ in it', "both ''' and \"\"\"", "\\", 'ends "', "\\nabla"]
)
def test_text_is_quoted_as_it_is(text):
    assert ast.literal_eval(quoted(text)).strip() == text
    compile(text_cell(text).code, "cell", "eval")


def test_only_whole_names_are_renamed():
    code = "_a = 1  # _a\nprint(_a, b_a, '_a')\n"
    assert renamed(code, {"_a": "a_"}) == "a_ = 1  # _a\nprint(a_, b_a, '_a')\n"


def test_the_command_writes_the_file_and_leaves_a_changed_one_alone(tmp_path, capsys):
    file = tmp_path / "play.py"
    arguments = ["attention", "--file", str(file), "--no-open"]
    assert _learn_lab.run(arguments) == 0
    assert file.read_text(encoding="utf-8") == lab.write("p04_transformer/attention")
    file.write_text("mine", encoding="utf-8")
    assert _learn_lab.run(arguments) == 0
    assert file.read_text(encoding="utf-8") == "mine"
    assert "is there already and stays as it is" in capsys.readouterr().out
    assert _learn_lab.run([*arguments, "--again"]) == 0
    assert lab_cells._FORMAT in file.read_text(encoding="utf-8")


def test_without_marimo_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(_learn_lab.importlib.util, "find_spec", lambda name: None)
    file = tmp_path / "play.py"
    assert _learn_lab.run(["attention", "--file", str(file)]) == 0
    assert f"pip install 'groundup[lab]', then marimo edit {file}" in capsys.readouterr().out


def test_with_marimo_it_is_opened(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(_learn_lab.importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(
        _learn_lab.subprocess,
        "run",
        lambda command, check: seen.append(command) or subprocess.CompletedProcess(command, 3),
    )
    assert _learn_lab.run(["attention", "--file", str(tmp_path / "play.py")]) == 3
    assert seen == [[sys.executable, "-m", "marimo", "edit", str(tmp_path / "play.py")]]


def test_a_topic_without_a_lesson_is_refused():
    with pytest.raises(ValueError, match="no lesson is called 'nothing'"):
        _learn_lab.run(["nothing"])
