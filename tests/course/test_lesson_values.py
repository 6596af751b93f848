import numpy as np
import pytest
import torch

from groundup.autograd.tensor import Tensor
from groundup.course.lesson_values import number, value, values


@pytest.mark.parametrize(
    ("given", "kind", "rows"),
    [
        (np.array([0.5, 2.0]), "float64 2", (("0.500", "2.000"),)),
        (np.array([[1, 20], [3, 4]]), "int64 2 x 2", (("1", "20"), ("3", "4"))),
        (np.array([True, False]), "bool 2", (("✓", "·"),)),
        (np.array([1e-9, 5.0]), "float64 2", (("1e-09", "5"),)),
        (np.array([np.nan, -np.inf, 1.0]), "float64 3", (("NaN", "-∞", "1.000"),)),
        (torch.ones(1, 1, 2, 2), "float32 1 x 1 x 2 x 2", (("1.000", "1.000"),) * 2),
        (torch.ones(2, dtype=torch.bfloat16), "bfloat16 2", (("1.000", "1.000"),)),
        (torch.ones(2, requires_grad=True), "float32 2", (("1.000", "1.000"),)),
        (Tensor([1.0, 0.25]), "float32 2", (("1.000", "0.250"),)),
        (
            np.arange(8).reshape(2, 2, 2),
            "int64 2 x 2 x 2",
            (("[0]", "0", "1"), ("", "2", "3"), ("[1]", "4", "5"), ("", "6", "7")),
        ),
        (np.array([1 + 2j]), "complex128 1", (("1+2j",),)),
    ],
    ids=str,
)
def test_a_small_array_is_a_table(given, kind, rows):
    shown = value("x", given)
    assert (shown.name, shown.kind, shown.rows, shown.text) == ("x", kind, rows, "")


@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (np.arange(100.0), "float64 100", "from 0 to 99, mean 49.5"),
        (np.full((20, 20), np.nan), "float64 20 x 20", "400 of 400 not finite"),
        (np.r_[np.zeros(20), np.inf], "float64 21", "from 0 to 0, mean 0; 1 of 21 not finite"),
        (np.arange(20) < 5, "bool 20", "5 of 20 true"),
        (np.zeros((0, 3)), "float64 0 x 3", "empty"),
        (np.float32(0.1), "float32", "0.1"),
        (torch.tensor(3), "int64", "3"),
        (np.zeros(20, complex), "complex128 20", "20 complex numbers"),
        (np.zeros((2, 9, 2)), "float64 2 x 9 x 2", "from 0 to 0, mean 0"),
        (np.zeros((0, 2, 2)), "float64 0 x 2 x 2", "empty"),
    ],
    ids=str,
)
def test_another_array_is_its_shape_and_what_is_in_it(given, kind, text):
    shown = value("x", given)
    assert (shown.kind, shown.text, shown.rows) == (kind, text, ())


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("two\nlines", "two\nlines"),
        (None, "None"),
        (True, "True"),
        (10**20, "100000000000000000000"),
        (1 / 3, "0.3333"),
        ([], "[]"),
        ([{"a": 1}, {"b": 2}], "[{'a': 1}, {'b': 2}]"),
        ([{1: 1}], "[{1: 1}]"),
        ([1 / 3, "a", None], "[0.3333, 'a', None]"),
        ((1, [2.0]), "(1, [2])"),
        ({3, 1}, "{1, 3}"),
        (list(range(20)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ... (20 in all)]"),
        (np.array(["a"]), "array(['a'], dtype='<U1')"),
    ],
)
def test_what_is_no_array_is_text(given, text):
    assert value("x", given).text == text


def test_rows_with_the_same_keys_are_a_table_with_a_head():
    shown = value("x", [{"a": 1, "b": np.float64(0.25)}, {"a": 2, "b": "two"}])
    assert (shown.columns, shown.rows) == (("a", "b"), (("1", "0.25"), ("2", "two")))
    assert (shown.kind, shown.text) == ("2 rows", "")


def test_text_has_an_end():
    shown = value("x", "a" * 10**6)
    assert len(shown.text) < 2100
    assert shown.text.endswith("aaa ...")


def test_a_step_may_return_several_values():
    assert [one.name for one in values({"a": 1, "b": 2})] == ["a", "b"]
    assert [(one.name, one.kind) for one in values({1: 2})] == [("", "dict")]
    assert [one.name for one in values([1])] == [""]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (float("inf"), "∞"),
        (float("-inf"), "-∞"),
        (float("nan"), "NaN"),
        (12345.678, "12346"),
        (1e7, "1e+07"),
        (np.pi, "3.142"),
    ],
)
def test_a_number_is_short(given, text):
    assert number(given) == text
