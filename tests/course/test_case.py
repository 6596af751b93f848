import math

import numpy as np
import pytest
import torch

from groundup.autograd.tensor import Tensor
from groundup.course.case import Case, Mismatch, differs, shown


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1.0, 1.0 + 1e-11),
        (1, 1),
        (math.nan, math.nan),
        ([1.0, math.inf], [1.0, math.inf]),
        (np.float32([1.0]), np.float32([1.00001])),
        (np.zeros((0, 3)), np.zeros((0, 3))),
        (torch.tensor([1.0, -math.inf]), torch.tensor([1.0, -math.inf])),
        (torch.tensor([1.0], dtype=torch.bfloat16), torch.tensor([1.02], dtype=torch.bfloat16)),
        ({"a": [1.0, (2, "x")]}, {"a": [1.0, (2, "x")]}),
        ("text", "text"),
        (None, None),
        ([0.5, 1.5], np.array([0.5, 1.5])),
    ],
)
def test_what_is_the_same(got, expected):
    assert differs(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "where"),
    [
        (1.0, 1.0 + 1e-8, "it is 1, wanted 1"),
        (1.0, math.nan, "it is 1, wanted nan"),
        (math.inf, -math.inf, "it is inf, wanted -inf"),
        (3, 4, "it is 3, wanted 4"),
        (2.5, 2, "it is 2.5, wanted 2"),
        (None, 1.0, "None came, wanted numbers"),
        ("1.0", 1.0, "a str came, wanted numbers"),
        (True, 1, "a bool came, wanted numbers"),
        (np.zeros(3), np.zeros((3, 1)), "its shape is (3,), wanted (3, 1)"),
        (np.array([0, 1, 9]), np.array([0, 1, 2]), "at [2] it is 9, wanted 2 (1 of 3 differ)"),
        ([[1.0], [2.0, 3.0]], np.ones((2, 1)), "a list came, wanted numbers"),
        (np.zeros(2), torch.zeros(2), "a ndarray came, wanted a tensor"),
        (torch.ones(2, 2), torch.zeros(2, 2), "at [0, 0] it is 1, wanted 0 (4 of 4 differ)"),
        ([1, 2], [1, 2, 3], "its length is 2, wanted 3"),
        ((1, "x"), (1, "y"), "at [1] it is 'x', wanted 'y'"),
        ({"a": 1}, {"b": 1}, "'b' is missing"),
        ({"a": 1, "b": 2}, {"a": 1}, "'b' should not be there"),
        (5, [5], "a int came, wanted a list"),
    ],
)
def test_what_is_not_the_same_and_where(got, expected, where):
    found = differs(got, expected)
    assert found is not None
    assert found[0] == where


def test_the_nearness_is_the_types_own_unless_told():
    assert differs(np.float64(1), np.float64(1 + 1e-6)) is not None
    assert differs(np.float32(1), np.float32(1 + 1e-6)) is None
    assert differs(1.0, 1.01, tolerance=0.1) is None
    assert differs(1.0, 1.2, tolerance=0.01)[1] == "within 1e-02, absolute and relative"


def test_a_mismatch_says_everything():
    case = Case(3)
    case.same(1.0, 1.0)
    with pytest.raises(Mismatch) as caught:
        case.same(np.zeros(2), np.ones(2), given={"x": np.arange(2)}, says="the sum is wrong")
    finding = caught.value.finding
    assert caught.value.place == 1
    assert finding.says == "the sum is wrong"
    assert finding.given == {"x": "array([0 1], int64, shape (2,))"}
    assert finding.where == "at [0] it is 0, wanted 1 (2 of 2 differ)"
    assert "4e-10" in finding.tolerance


def test_what_must_be_refused_is():
    case = Case(0)
    case.refuses(lambda: int("x"), says="it takes anything")
    with pytest.raises(Mismatch) as caught:
        case.refuses(lambda: 7, says="it takes anything")
    assert (caught.value.finding.got, caught.value.finding.expected) == ("7", "ValueError")
    with pytest.raises(TypeError):  # another error is the learner's own
        case.refuses(lambda: len(3), says="it takes anything")


def test_tensors_of_our_engine_are_compared_as_arrays():
    one = Tensor([1.0, 2.0])
    assert differs(one, Tensor([1.0, 2.0])) is None
    assert differs(np.array([1.0, 2.5]), one)[0] == "at [1] it is 2.5, wanted 2 (1 of 2 differ)"
    assert differs(one, Tensor([[1.0, 2.0]]))[0] == "its shape is (2,), wanted (1, 2)"
    assert differs(np.bool_(True), np.bool_(True)) is None


def test_chance_comes_from_the_seed():
    assert differs(Case(5).array(3), Case(5).array(3)) is None
    assert differs(Case(5).array(3), Case(6).array(3)) is not None
    numbers = Case(1).integers(2, 4, 1000)
    assert set(numbers.tolist()) == {2, 3, 4}


def test_a_value_that_cannot_be_shown_does_no_harm():
    class Odd:
        def __repr__(self):
            raise RuntimeError

    assert shown(Odd()) == "<a Odd that cannot be shown: RuntimeError>"
    assert len(shown("x" * 10_000)) == 400
