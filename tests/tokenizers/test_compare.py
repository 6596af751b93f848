"""Measures of a tokenizer by hand, against entropy's limits, and over the languages of UDHR."""

import io
import itertools
import math
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.tokenizers.compare import Measures, measure, measure_each, renyi_efficiency
from groundup.tokenizers.fairness import fairness_figure, gini, premiums


@pytest.fixture(scope="module")
def udhr(shared_data):
    """The Universal Declaration of Human Rights in every tenth of its languages, and English."""
    with zipfile.ZipFile(shared_data / "nltk_udhr2" / "udhr2.zip") as file:
        names = sorted(name for name in file.namelist() if name.endswith(".txt"))
        texts = {name[6:-4]: file.read(name).decode("utf-8") for name in names[::10]}
        texts["eng"] = file.read("udhr2/eng.txt").decode("utf-8")
    return {name: text for name, text in texts.items() if text}


def test_measures_by_hand(small):
    text = "import x12: naïveté!"
    pieces = [small.decode([token]) for token in small.encode(text)]
    found = measure(small, text)
    assert (found.bytes, found.characters, found.words) == (22, 20, 3)
    assert found.tokens == len(pieces)
    whole = "import" in pieces
    assert whole
    assert found.split_words == 2
    inner = small.encode(" naïveté")
    assert small.decode(small.encode(" x12")[:1]) == " "  # holds no part of the word
    assert found.word_tokens == 1 + len(small.encode("x12")) + len(inner)
    assert found.fertility == found.word_tokens / 3
    assert found.share_of_words_split == 2 / 3
    assert found.bytes_per_token == 22 / len(pieces)
    assert found.tokens_per_character == len(pieces) / 20
    assert (found.unknown, found.share_unknown) == (0, 0)


def test_unknown_tokens_are_those_of_the_id_that_is_named(small):
    comma = small.encode(",")[0]
    found = measure(small, "a,b,c", unknown_id=comma)
    assert (found.unknown, found.share_unknown) == (2, 2 / 5)


def test_nothing_has_no_ratios(small):
    found = measure(small, "")
    assert found == Measures(
        bytes=0, characters=0, tokens=0, words=0, split_words=0, word_tokens=0, unknown=0
    )
    for ratio in ("bytes_per_token", "fertility", "share_of_words_split", "share_unknown"):
        assert math.isnan(getattr(found, ratio))


@given(text=st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs", "Po"])))
def test_every_word_holds_a_token_and_no_more_than_its_bytes(small, text):
    found = measure(small, text)
    assert found.words <= found.word_tokens <= found.bytes
    assert found.split_words <= found.words
    assert found.tokens <= found.bytes


@given(counts=st.lists(st.integers(1, 10**9), min_size=1, max_size=20), more=st.integers(1, 9))
def test_renyi_efficiency_lies_between_its_limits(counts, more):
    size = len(counts) + more
    values = [renyi_efficiency(counts, vocab_size=size, alpha=a) for a in (0, 0.5, 1, 2.5, 50)]
    assert all(-1e-9 <= value <= 1 for value in values)
    assert all(a >= b - 1e-9 for a, b in itertools.pairwise(values))
    assert values[0] == pytest.approx(math.log(len(counts)) / math.log(size))
    near = renyi_efficiency(counts, vocab_size=size, alpha=1 + 1e-7)
    assert near == pytest.approx(values[2], abs=1e-4)


def test_renyi_efficiency_by_hand():
    assert renyi_efficiency([5] * 8, vocab_size=8) == pytest.approx(1)
    assert renyi_efficiency([7, 0], vocab_size=4) == pytest.approx(0)
    two = renyi_efficiency([1, 3], vocab_size=4, alpha=2)  # -log(1/16 + 9/16) / log 4
    assert two == pytest.approx(-math.log(10 / 16) / math.log(4))
    for counts, size, alpha in [([], 4, 2.5), ([1, 1, 1], 2, 2.5), ([1], 1, 2.5), ([1], 4, -1)]:
        with pytest.raises(ValueError, match="wanted"):
            renyi_efficiency(counts, vocab_size=size, alpha=alpha)


@given(costs=st.lists(st.floats(0, 1e6), min_size=1, max_size=12).filter(any))
def test_gini_is_the_mean_difference_over_twice_the_mean(costs):
    x = np.array(costs)
    total = np.abs(x[:, None] - x[None]).sum()
    assert gini(costs) == pytest.approx(total / (2 * len(x) * x.sum()), abs=1e-9)
    assert -1e-12 <= gini(costs) < 1


@pytest.mark.parametrize("costs", [[], [0.0, 0.0], [-1.0, 2.0], [math.nan]])
def test_gini_of_no_costs_is_refused(costs):
    with pytest.raises(ValueError, match="wanted costs of 0 or more"):
        gini(costs)


def test_premiums_over_languages(small, udhr):
    measures = measure_each(small, udhr)
    assert len(measures) >= 35
    costs = premiums(measures, base="eng")
    assert costs["eng"] == 1
    assert min(costs.values()) > 0.4
    assert max(costs.values()) > 2  # a vocabulary of English code spells other scripts byte by byte
    assert costs["afr"] == measures["afr"].tokens / measures["eng"].tokens
    assert 0.05 < gini(list(costs.values())) < 0.6
    with pytest.raises(ValueError, match="there is no language 'xx'; there are: 007"):
        premiums(measures, base="xx")
    nothing = {"eng": measure(small, ""), "deu": measures["eng"]}
    with pytest.raises(ValueError, match="'eng' has no tokens"):
        premiums(nothing, base="eng")


def test_the_chart_holds_a_dot_for_each_language_and_tokenizer(small):
    first = {f"language ${i}$": 1 + i / 10 for i in range(100)}
    figure = fairness_figure({"ours": first, "theirs": first | {"language $0$": 9.0}}, base="x")
    (axes,) = figure.axes
    line, ours, theirs = axes.lines
    assert list(line.get_xdata()) == [1, 1]
    assert len(ours.get_xdata()) == len(theirs.get_xdata()) == 40
    assert (ours.get_xdata()[0], ours.get_xdata()[-1]) == (1.0, 10.9)
    assert theirs.get_xdata()[0] == 9.0
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert (labels[0], labels[-1]) == ("language $0$", "language $99$")
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names[0] == f"ours (Gini {gini(list(first.values())):.2f})"
    image = io.BytesIO()
    figure.savefig(image, format="png")
    assert image.getvalue().startswith(b"\x89PNG")


def test_a_chart_of_nothing_is_refused():
    for nothing in ({}, {"ours": {}}):
        with pytest.raises(ValueError, match="no premiums to draw"):
            fairness_figure(nothing, base="eng")
    with pytest.raises(ValueError, match="'theirs' was not measured on the same languages"):
        fairness_figure({"ours": {"a": 1.0}, "theirs": {"b": 1.0}}, base="a")
