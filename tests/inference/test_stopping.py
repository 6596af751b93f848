from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from groundup.inference.stopping import MOST_CHARACTERS, MOST_TEXTS, StopTexts

few_letters = st.text("ab\nüx", max_size=40)
stop_texts = st.lists(st.text("ab\nü", min_size=1, max_size=5), max_size=6)


def first_complete(text, stops):
    """By looking at the whole text: where it ends, and what ended it."""
    for end in range(1, len(text) + 1):
        here = [stop for stop in stops if text[:end].endswith(stop)]
        if here:
            longest = max(here, key=len)
            return text[: end - len(longest)], longest
    return text, None


def longest_beginning(text, stops):
    """The longest end of a text that may begin a stop text."""
    return max(
        (
            k
            for k in range(len(text) + 1)
            if any(s.startswith(text[len(text) - k :]) for s in stops)
        ),
        default=0,
    )


@given(text=few_letters, stops=stop_texts, cuts=st.lists(st.integers(0, 40), max_size=10))
@example(text="abab", stops=["bb", "aba"], cuts=[1, 2])
@example(text="xab", stops=["ab", "b"], cuts=[2])
def test_any_cut_of_a_text_gives_what_the_whole_text_gives(text, stops, cuts):
    watch, given_out, read = StopTexts(stops), "", ""
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for start, end in pairwise(edges):
        given_out += watch.push(text[start:end])
        read = text[:end]
        if watch.found is None:  # nothing is held back that need not be
            assert given_out == read[: len(read) - longest_beginning(read, stops)]
    rest = watch.flush()
    assert (given_out + rest, watch.found) == first_complete(text, stops)
    assert watch.found is None or rest == ""


def test_after_a_stop_text_nothing_comes_through():
    watch = StopTexts(["\n\nUser:"])
    pieces = ["Paris", ".\n", "\nUs", "er", ": and", " then"]
    assert [watch.push(piece) for piece in pieces] == ["Paris", ".", "", "", "", ""]
    assert watch.found == "\n\nUser:"
    assert watch.flush() == ""


def test_ten_thousand_stop_texts_are_watched_at_once():
    stops = [f"stop {number:05d}!" for number in range(MOST_TEXTS)]
    watch = StopTexts(stops)
    assert watch.push("do not stop 1234, stop 09999") == "do not stop 1234, "
    assert watch.push("! or") == ""
    assert watch.found == "stop 09999!"


def test_without_stop_texts_all_comes_through():
    watch = StopTexts([])
    assert watch.push("anything") == "anything"
    assert (watch.flush(), watch.found) == ("", None)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["a", ""], "a stop text is empty"),
        (["a"] * (MOST_TEXTS + 1), "there are 10001 stop texts"),
        (["a" * MOST_CHARACTERS, "b"], "have 1000001 characters together"),
    ],
)
def test_stop_texts_that_cannot_be_watched_are_refused(texts, message):
    with pytest.raises(ValueError, match=message):
        StopTexts(texts)
