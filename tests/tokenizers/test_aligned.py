"""Each character of a changed text leads back to the characters it was made from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.tokenizers.aligned import Aligned, Edit


def test_an_unchanged_text_is_its_own_source():
    text = Aligned.of("añ😀")
    assert text.spans == [(0, 1), (1, 2), (2, 3)]
    assert text.source(1, 3) == (1, 3)
    assert text.edited([]) is text


def test_replaced_removed_and_inserted_characters():
    text = Aligned.of("ﬁne day")
    text = text.edited([Edit(0, 1, "fi"), Edit(3, 4, ""), Edit(7, 7, "s")])
    assert text.text == "finedays"
    assert text.spans[:2] == [(0, 1), (0, 1)]
    assert text.source(0, 2) == (0, 1)
    assert text.source(3, 5) == (2, 5)
    assert text.spans[-1] == (7, 7)


def test_changes_of_changes_lead_back_to_the_first_text():
    text = Aligned.of("a-b-c").edited([Edit(1, 2, ""), Edit(3, 4, "")])
    text = text.edited([Edit(0, 2, "x"), Edit(2, 2, "!")])
    assert (text.text, text.spans) == ("x!c", [(0, 3), (4, 4), (4, 5)])
    assert text.cut(1, 3) == Aligned("!c", [(4, 4), (4, 5)])


def test_nothing_stands_where_it_would_begin():
    text = Aligned.of("abc").cut(1, 3)
    assert text.source(0, 0) == (1, 1)
    assert text.source(2, 2) == (3, 3)
    assert Aligned.of("").source(0, 0) == (0, 0)
    assert Aligned.of("").edited([Edit(0, 0, "x")]).spans == [(0, 0)]


def test_edits_that_overlap_are_a_mistake():
    with pytest.raises(AssertionError, match="from left to right"):
        Aligned.of("abc").edited([Edit(1, 3, "x"), Edit(2, 3, "y")])


@given(text=st.text(max_size=20), cuts=st.lists(st.integers(0, 20), max_size=8), data=st.data())
def test_edits_do_to_the_text_what_they_say(text, cuts, data):
    places = sorted(min(cut, len(text)) for cut in cuts)
    spans = list(zip(places[::2], places[1::2], strict=False))
    edits = [Edit(start, end, data.draw(st.text(max_size=3))) for start, end in spans]
    edited = Aligned.of(text).edited(edits)
    wanted = text
    for edit in reversed(edits):
        wanted = wanted[: edit.start] + edit.text + wanted[edit.end :]
    assert edited.text == wanted
    assert len(edited.spans) == len(wanted)
    assert edited.spans == sorted(edited.spans)
    kept = set(range(len(text))) - {i for edit in edits for i in range(edit.start, edit.end)}
    assert {(i, i + 1) for i in kept} <= set(edited.spans)
