"""The pictures of the attention lesson show what its text says of them."""

import itertools

import pytest

from groundup.course.lesson_forms import draw

TOPIC = "p04_transformer/attention"


def rows(name, field, **values):
    """The data of a figure's first layer that has the field."""
    drawn = draw(TOPIC, name, values)
    for layer in drawn.get("layer", [drawn]):
        found = layer.get("data", drawn.get("data", {})).get("values", [])
        if found and field in found[0]:
            return found
    raise AssertionError(f"no {field} in {name}")


def test_a_query_of_length_0_averages():
    shares = [one["share"] for one in rows("plane", "share", length=0)]
    assert shares == pytest.approx([0.2] * 5)
    [answer] = rows("plane", "what", length=0)
    keys = rows("plane", "share")
    assert answer["x"] == pytest.approx(sum(one["x"] for one in keys) / 5)
    assert answer["y"] == pytest.approx(sum(one["y"] for one in keys) / 5)


def test_a_long_query_that_points_at_a_key_chooses_it():
    shares = {one["key"]: one["share"] for one in rows("plane", "share", angle=20, length=4)}
    assert shares["a"] > 0.9


def test_a_forbidden_key_has_no_share():
    shares = {
        one["key"]: one["share"]
        for one in rows("plane", "share", angle=150, is_key_c_forbidden=True)
    }
    assert shares["c"] == 0
    assert sum(shares.values()) == pytest.approx(1)


@pytest.mark.parametrize("words", ["", "one", "a a a", "été 猫 🙂", "w " * 40, "x" * 80])
@pytest.mark.parametrize("is_causal", [False, True])
def test_each_row_of_a_sentence_sums_to_one(words, is_causal):
    cells = rows("sentence", "share", words=words, is_causal=is_causal)
    assert len(cells) == min(max(len(words.split()), 1), 12) ** 2
    for _, row in itertools.groupby(cells, key=lambda one: one["query"]):
        assert sum(one["share"] for one in row) == pytest.approx(1)


def test_a_causal_sentence_looks_only_back():
    cells = rows("sentence", "share", words="one two three", is_causal=True)
    later = [one for one in cells if one["key"] > one["query"]]
    assert [one["share"] for one in later] == [0, 0, 0]


def test_without_the_root_wide_heads_decide():
    def largest(**values):
        draws = (rows("widths", "share", draw=n, **values) for n in range(1, 21))
        return sum(max(one["share"] for one in drawn) for drawn in draws) / 20

    assert largest(width=1024) > 0.9
    assert largest(width=1024, is_divided_by_the_root=True) < 0.4
