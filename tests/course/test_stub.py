"""What a stub holds, and what it leaves to the library."""

import pytest

from groundup.course import stub
from groundup.course.exercise import Exercise


def an_exercise(of, **fields):
    return Exercise("any", of=of, title="Any", minutes=1, hints=("a", "b", "c"), **fields)


VALUE = an_exercise("groundup.autograd.scalar:Value", methods=("__mul__",))


def test_a_class_comes_with_what_asks_for_it():
    text = stub.stub(VALUE)
    assert "import backpropagate" in text  # its annotation names the class, no more
    assert "isinstance(number, Value)" in text


def test_a_learners_class_takes_its_own_values():
    names = {}
    exec(stub.solution(VALUE), names)  # what `learn` writes into a file and runs
    own = names["Value"]
    made = own(2.0) * own(3.0) + 1
    assert type(made) is own
    assert made.data == 7.0


def test_of_a_class_the_other_methods_stay():
    text = stub.stub(VALUE)
    assert text.count("NotImplementedError") == 1
    assert "return Value(self.data + other.data, (self, other), (1.0, 1.0))" in text


@pytest.mark.parametrize("made", [stub.stub, stub.solution])
def test_a_function_comes_alone(made):
    text = made(an_exercise("groundup.autograd.scalar:backpropagate"))
    assert text.count("\ndef ") == 1
    assert "from groundup.autograd.scalar import Value, topological_order" in text
