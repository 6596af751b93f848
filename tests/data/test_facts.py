"""Facts are read from source as the parser sees it."""

import ast
import textwrap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import facts
from groundup.data.facts import facts_of, listed, parsed, sentences, source_of


def test_form_feeds_do_not_move_the_lines():
    text = '\x0c\n\x0cdef f():\n    """Do a small thing."""\n    return "\\x0c"\n'
    (answer,) = (p.answer for p in facts_of("m.py", text, skip_tests=True) if p.kind == "write")
    assert answer == 'def f():\n    """Do a small thing."""\n    return "\\x0c"'


def test_the_librarys_own_functions_come_back_whole():
    """Every function of this very module, cut out and parsed, is what the parser saw in place."""
    text = Path(facts.__file__).read_text(encoding="utf-8")
    indented = "class C:\n" + textwrap.indent(text.split("\n\n\n", 1)[1], "    ")
    for source in (text, indented):
        lines = source.split("\n")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                node.decorator_list = []
                (again,) = ast.parse(source_of(node, lines)).body
                assert again.name == node.name
                assert [type(x) for x in ast.walk(again)] == [type(x) for x in ast.walk(node)]


@pytest.mark.parametrize("text", ["print 'two'", "x = '\0'", "def f(:", "(" * 10_000])
def test_what_does_not_parse_says_nothing(text):
    assert parsed(text) is None
    assert list(facts_of("m.py", text, skip_tests=True)) == []


@given(st.text(max_size=200))
def test_any_text_is_read_without_a_warning(text):
    for pair in facts_of("m.py", text, skip_tests=False):
        assert pair.answer


def test_odd_escapes_warn_nobody():
    assert parsed("x = '\\d'") is not None


def test_names_are_listed_as_people_do():
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "",
        "`a`",
        "`a` and `b`",
        "`a`, `b` and `c`",
    ]


def test_sentences_end_before_a_capital():
    assert sentences("See a.b for e.g. this. Then that? Yes.") == [
        "See a.b for e.g. this.",
        "Then that?",
        "Yes.",
    ]


@pytest.mark.parametrize(
    ("path", "module"),
    [("os.py", "os"), ("email/mime/text.py", "email.mime.text"), ("json/__init__.py", "json")],
)
def test_modules_are_named_as_they_are_imported(path, module):
    assert facts.module_name(path) == module
