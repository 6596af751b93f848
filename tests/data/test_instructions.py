"""Conversations say what the source says, and never the same question twice."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.data import instructions
from groundup.data.corpus import Document
from groundup.data.instructions import InstructionsConfig, conversations, pairs

SOURCE = '''"""Shapes and their areas, for drawing."""

import math


class Shape(Base, metaclass=abc.ABCMeta):
    """Anything that has an area. More of it below.

    Not this paragraph.
    """

    @cached
    def area(self, unit="cm", *parts, scale=1.5, **rest):
        """Return the area
        in the given unit.

        Details.
        """
        text = """
left of the margin
        """
        return math.pi * scale

    def _private(self):
        pass


async def load(path, /, mode=None):
    """Read a shape from a file."""
    return path


def test_load():
    """Loading a shape should work."""


def bare(x): return x
'''


def document(text, path="pkg/shapes.py"):
    return Document(path=path, text=text, sha256="")


def of_kind(kind, text=SOURCE, **settings):
    found = pairs(document(text), InstructionsConfig(**settings))
    return {tuple(pair.facts.values()): pair.answer for pair in found if pair.kind == kind}


def test_a_docstring_asks_for_the_functions_own_source():
    written = of_kind("write")
    assert set(written) == {
        ("area(self, unit='cm', *parts, scale=1.5, **rest)", "Return the area in the given unit."),
        ("load(path, /, mode=None)", "Read a shape from a file."),
    }
    area = next(iter(written.values()))
    assert area.startswith("def area(self, unit=")
    assert "\nleft of the margin\n" in area
    assert len(ast.parse(area).body) == 1
    assert "@cached" not in area


def test_questions_are_answered_by_the_source():
    assert of_kind("does") == {
        ("pkg.shapes",): "Shapes and their areas, for drawing.",
        ("pkg.shapes.Shape",): "Anything that has an area.",
        ("pkg.shapes.Shape.area",): "Return the area in the given unit.",
        ("pkg.shapes.load",): "Read a shape from a file.",
    }
    assert of_kind("bases") == {("pkg.shapes.Shape",): "`pkg.shapes.Shape` inherits from `Base`."}
    assert of_kind("methods") == {
        ("pkg.shapes.Shape",): "`pkg.shapes.Shape` has the method `area`."
    }
    assert of_kind("where")[("bare",)] == "`bare` is in `pkg.shapes`."
    assert of_kind("arguments")[("pkg.shapes.Shape.area",)].endswith(
        "takes `unit`, `*parts`, `scale` and `**rest`."
    )
    assert of_kind("default") == {
        ("pkg.shapes.Shape.area", "unit"): "The default of `unit` is `'cm'`.",
        ("pkg.shapes.Shape.area", "scale"): "The default of `scale` is `1.5`.",
        ("pkg.shapes.load", "mode"): "The default of `mode` is `None`.",
    }


def test_tests_are_left_out_unless_asked_for():
    assert ("test_load",) not in of_kind("where")
    assert ("test_load",) in of_kind("where", skip_tests=False)
    for path in ("test/support.py", "a/tests/x.py", "test_x.py"):
        assert not list(pairs(document(SOURCE, path), InstructionsConfig()))


def test_long_sources_and_answers_are_left_out():
    (source,) = of_kind("write", most_code=90).values()
    assert source.startswith("async def load(path, /, mode=None):\n")
    assert source.endswith("\n    return path")
    assert of_kind("does", most_answer=26) == {
        ("pkg.shapes.Shape",): "Anything that has an area.",
        ("pkg.shapes.load",): "Read a shape from a file.",
    }


def test_the_same_documents_and_seed_give_the_same_conversations():
    one = conversations([document(SOURCE)], InstructionsConfig(seed=3))
    assert one == conversations([document(SOURCE)], InstructionsConfig(seed=3))
    other = conversations([document(SOURCE)], InstructionsConfig(seed=4))
    assert one != other
    assert {talk[1]["content"] for talk in one} == {talk[1]["content"] for talk in other}
    for talk in one:
        assert [message["role"] for message in talk] == ["user", "assistant"]
        assert all(message["content"].strip() for message in talk)


def test_no_two_conversations_ask_the_same():
    copies = [document(SOURCE), document(SOURCE + "\n# changed\n")]
    asked = [talk[0]["content"] for talk in conversations(copies)]
    assert len(asked) == len(set(asked)) == len(conversations(copies[:1]))


def test_a_limit_holds_for_each_kind():
    found = conversations([document(SOURCE)], InstructionsConfig(most_each=1))
    kinds = {pair.kind for pair in pairs(document(SOURCE), InstructionsConfig())}
    assert len(found) == len(kinds) == len(instructions.PHRASINGS) - 1


def test_prose_asks_how_it_goes_on():
    text = "One came in. Two went out. Three stayed.\n\nNobody knew why. Then it rained!"
    (talk,) = conversations([document(text, "story.txt")])
    assert talk[0]["content"].endswith("One came in. Two went out. Three stayed.")
    assert talk[1]["content"] == "Nobody knew why. Then it rained!"


def test_python_that_says_nothing_is_read_as_text():
    text = "# A first remark. A second one follows. And a third.\nprint 'python 2'\n"
    (talk,) = conversations([document(text)])
    assert talk[1]["content"].startswith("And a third.")


def test_nothing_to_ask_is_an_error():
    with pytest.raises(ValueError, match="none of the 1 documents gives a conversation"):
        conversations([document("x", "a.txt")])
    with pytest.raises(ValueError, match="none of the 0 documents"):
        conversations([])
    with pytest.raises(ValueError, match="most_code is 0"):
        InstructionsConfig(most_code=0)


@given(st.text(max_size=400), st.sampled_from(["a.py", "a.txt"]))
def test_any_text_gives_whole_conversations_or_none(text, path):
    for pair in pairs(document(text, path), InstructionsConfig(most_answer=60)):
        assert pair.answer
        assert instructions._phrase(pair, 0)
