"""Fields go out and come back; Google's own library agrees; what is broken is refused."""

import contextlib
import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2

from groundup.tokenizers.protobuf import Field, field, fields, varint

values = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(width=32, allow_nan=False),
    st.text(),
    st.binary(max_size=300),
)


@given(st.lists(st.tuples(st.integers(1, 2**29 - 1), values)))
@example([(1, "")])
def test_what_is_written_is_read(pairs):
    found = list(fields(b"".join(field(number, value) for number, value in pairs)))
    assert [f.number for f in found] == [number for number, _ in pairs]
    for one, (_, value) in zip(found, pairs, strict=True):
        read = {int: one.integer, float: one.float32, str: one.text, bytes: one.message}
        assert read[type(value)]() == value


@pytest.mark.parametrize(
    ("number", "data"),
    [
        (0, "00"),
        (1, "01"),
        (150, "9601"),  # the example of Google's documentation
        (2**32, "8080808010"),
        (-1, "ffffffffffffffffff01"),
    ],
)
def test_varints(number, data):
    assert varint(number).hex() == data
    assert next(fields(b"\x08" + varint(number))).integer() == number


def test_eight_bytes_are_stepped_over():
    found = list(fields(b"\x09" + bytes(8) + b"\x10\x05"))
    assert [(f.number, f.wire_type) for f in found] == [(1, 1), (2, 0)]
    assert found[1].boolean()


@pytest.mark.reference
@given(
    pieces=st.lists(
        st.tuples(st.text(), st.floats(-(2.0**99), 2.0**99, width=32), st.integers(1, 6)),
        max_size=8,
    ),
    charsmap=st.binary(max_size=40),
    prefix=st.booleans(),
    ids=st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(-1, 5)),
)
def test_google_reads_the_same_bytes_and_writes_what_we_read(pieces, charsmap, prefix, ids):
    mine = b"".join(
        field(1, field(1, text) + field(2, score) + field(3, kind)) for text, score, kind in pieces
    )
    mine += field(2, field(40, ids[0]) + field(41, ids[1]))
    mine += field(3, field(2, charsmap) + field(3, prefix))
    judge = sentencepiece_model_pb2.ModelProto.FromString(mine)
    assert [(p.piece, p.score, p.type) for p in judge.pieces] == pieces
    assert judge.normalizer_spec.precompiled_charsmap == charsmap
    assert judge.normalizer_spec.add_dummy_prefix == prefix
    assert (judge.trainer_spec.unk_id, judge.trainer_spec.bos_id) == ids
    assert judge.SerializeToString(deterministic=True) == mine
    again = [[f.number for f in fields(f.message())] for f in fields(judge.SerializeToString())]
    assert again == [[1, 2, 3]] * len(pieces) + [[40, 41], [2, 3]]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x08", "the number at byte 1 does not end"),
        (b"\x08" + b"\xff" * 20, "the number at byte 1 does not end"),
        (b"\x08" + b"\xff" * 9 + b"\x02", "has more than 64 bits"),
        (b"\x0a\x05abc", "field 1 says it has 5 bytes, and only 3 follow"),
        (b"\x0a" + varint(2**63), "says it has 9223372036854775808 bytes, and only 0 follow"),
        (b"\x0d\x00", "says it has 4 bytes, and only 1 follow"),
        (b"\x00\x00", "has the number 0"),
        (varint(2**60) + b"\x00", "has the number"),
        (b"\x0b", "wire type 3, which is not built"),
        (b"\x0f", "wire type 7, which is not built"),
    ],
)
def test_a_broken_message_is_refused(data, words):
    with pytest.raises(ValueError, match=words):
        list(fields(data))


@pytest.mark.parametrize(
    ("one", "reading", "words"),
    [
        (Field(3, 0, 7), "message", "field 3 holds a number where bytes were wanted"),
        (Field(3, 0, 7), "text", "field 3 holds a number where bytes were wanted"),
        (Field(3, 2, memoryview(b"ab")), "integer", "field 3 holds bytes where a number"),
        (Field(3, 2, memoryview(b"abcd")), "float32", "no number of four bytes"),
        (Field(3, 1, memoryview(bytes(8))), "message", "where bytes were wanted"),
        (Field(3, 2, memoryview(b"\xff")), "text", "not UTF-8"),
    ],
)
def test_a_value_of_another_kind_is_refused(one, reading, words):
    with pytest.raises(ValueError, match=words):
        getattr(one, reading)()


def test_what_does_not_fit_is_not_written():
    for number in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError, match="does not fit into 64 bits"):
            varint(number)
    with pytest.raises((OverflowError, struct.error)):
        field(1, 1e300)


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(ValueError):
        assert sum(1 for _ in fields(data)) <= len(data)
