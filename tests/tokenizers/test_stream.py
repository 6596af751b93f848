"""Streamed text is the decoded text, in whole characters."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.tokenizers.stream import StreamDecoder

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_an_emoji_comes_when_it_is_whole(small):
    ids = small.encode("a😀")
    assert len(ids) > 2
    stream = StreamDecoder(small)
    assert [stream.push(token) for token in ids] == ["a", *[""] * (len(ids) - 2), "😀"]
    assert stream.flush() == ""


def test_half_a_character_at_the_end_is_shown_and_forgotten(small):
    stream = StreamDecoder(small)
    assert stream.push(small.encode("😀")[0]) == ""
    assert stream.flush() == "\ufffd"
    assert stream.push(small.encode("a")[0]) == "a"


@given(ids=st.lists(st.integers(0, 1023)))
@shared_fixture
def test_all_of_it_is_what_decode_gives(small, ids):
    stream = StreamDecoder(small)
    assert "".join(stream.push(token) for token in ids) + stream.flush() == small.decode(ids)


@given(text=st.text(st.characters(codec="utf-8")))
@shared_fixture
def test_what_is_shown_is_never_taken_back(small, text):
    stream, shown = StreamDecoder(small), ""
    for token in small.encode(text):
        shown += stream.push(token)
        assert text.startswith(shown)
