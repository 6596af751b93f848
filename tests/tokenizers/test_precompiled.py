"""SentencePiece's normalisation, against SentencePiece, and against Hugging Face's of the name."""

import base64
import contextlib
import io
import struct

import pytest
import sentencepiece
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sentencepiece import sentencepiece_model_pb2
from tokenizers import normalizers

from groundup.tokenizers.aligned import Aligned
from groundup.tokenizers.normalize import align
from groundup.tokenizers.precompiled import Precompiled, rules_of

NAMES = ["nmt_nfkc", "nfkc", "nmt_nfkc_cf", "nfkc_cf"]
texts = st.text(st.characters(codec="utf-8"), max_size=60)
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def charsmap_of(name):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["hello world"] * 4),
        model_writer=model,
        vocab_size=16,
        model_type="char",
        normalization_rule_name=name,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    proto = sentencepiece_model_pb2.ModelProto.FromString(model.getvalue())
    return proto.normalizer_spec.precompiled_charsmap


@pytest.fixture(scope="module")
def charsmaps():
    return {name: charsmap_of(name) for name in NAMES}


@pytest.fixture(scope="module")
def nmt_nfkc(charsmaps):
    return Precompiled(charsmaps["nmt_nfkc"])


def judge_of(name):
    return sentencepiece.SentencePieceNormalizer(
        rule_name=name,
        add_dummy_prefix=False,
        escape_whitespaces=False,
        remove_extra_whitespaces=False,
    )


@pytest.fixture(scope="module")
def judge():
    return judge_of("nmt_nfkc")


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_every_character_alone_and_before_a_mark(charsmaps, name):
    """All of the two planes that have letters, with and without U+0301 and a Korean vowel."""
    mine, judge = Precompiled(charsmaps[name]), judge_of(name)
    compared = 0
    for code in [*range(1, 0xD800), *range(0xE000, 0x20000)]:
        text = chr(code) + "x" + chr(code) + "\u0301y" + chr(code) + "\u1161"
        if code % 4 == NAMES.index(name):
            assert mine(text) == judge.normalize(text), hex(code)
            compared += 1
    assert compared > 32_000
    assert len(rules_of(charsmaps[name]).texts) > 225_000


@pytest.mark.reference
@given(text=texts)
@example("e\u0301\u0301 ﬁ ㍻ \u1112\u1161\u11ab ﷺ \u3000\u200b\ufeff\x01\x7f\r\n")
@example("A\u030a\u0301 \u0344 \u00b4 ½ ①②")
@shared_fixture
def test_any_text_is_normalised_as_there(nmt_nfkc, judge, text):
    assert nmt_nfkc(text) == judge.normalize(text)


@pytest.mark.reference
def test_all_languages_and_code(nmt_nfkc, judge, udhr_texts, stdlib_texts):
    for text in [*udhr_texts, *stdlib_texts]:
        assert nmt_nfkc(text) == judge.normalize(text)
    assert len(udhr_texts) >= 388


@pytest.mark.reference
def test_by_grapheme_is_hugging_faces(charsmaps, udhr_texts):
    mine = Precompiled(charsmaps["nmt_nfkc"], by_grapheme=True)
    judge = normalizers.Precompiled(charsmaps["nmt_nfkc"])
    lines = [line for text in udhr_texts for line in text.splitlines()[5:25]]
    for line in lines:
        assert mine(line) == judge.normalize_str(line), line
    assert len(lines) > 5_000
    for text in ("\uff45\u0301", "e\u0301", "ﬁ\u0301\u0302\u0303", "\t\x01 a", "㍻", "ﾊﾟ"):
        assert mine(text) == judge.normalize_str(text), text


def test_the_two_readings_differ_where_a_mark_follows(charsmaps):
    charsmap = charsmaps["nmt_nfkc"]
    assert Precompiled(charsmap)("ﬁ\u0301") == "fi\u0301"
    assert Precompiled(charsmap, by_grapheme=True)("ﬁ\u0301") == "fi"
    packed = base64.b64encode(charsmap).decode()
    assert Precompiled.from_base64(packed) == Precompiled(charsmap, by_grapheme=True)


@given(text=texts)
@example("ﬁne e\u0301 ㍻")
@shared_fixture
def test_the_aligned_twin_agrees(nmt_nfkc, text):
    source = align([nmt_nfkc], text)
    assert source.text == nmt_nfkc(text)
    assert len(source.spans) == len(source.text)
    last = 0
    for (start, end), character in zip(source.spans, source.text, strict=True):
        assert last <= start < end <= len(text)
        assert character in nmt_nfkc(text[start:end])
        last = start


def test_where_characters_came_from(nmt_nfkc):
    source = nmt_nfkc.aligned(Aligned.of("aﬁe\u0301"))
    assert (source.text, source.spans) == ("afié", [(0, 1), (1, 2), (1, 2), (2, 4)])


def test_no_table_changes_nothing():
    assert Precompiled(b"")("ﬁ\t") == "ﬁ\t"


def unit(label=0, offset=0, leaf=False):
    return offset << 10 | leaf << 8 | label


def packed(units, replacements=b""):
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + replacements


# Over base 1 ^ 97 = 96 lies "a", whose base is 96 ^ 2 = 98; there is its value, 0.
ONE_KEY = [unit(offset=1)] + [0] * 300
ONE_KEY[1 ^ 97] = unit(label=97, offset=2, leaf=True)
ONE_KEY[1 ^ 97 ^ 2] = 1 << 31
CIRCLE = [*ONE_KEY]
CIRCLE[1 ^ 97] = unit(label=97, offset=97)  # its base is 1 again
BRANCHING = [unit(offset=256)] + [0] * 255 + [unit(label=a, offset=a) for a in range(256)]
OUTSIDE = [*ONE_KEY]
OUTSIDE[1 ^ 97] = unit(label=97, offset=5000, leaf=True)


def test_a_table_made_by_hand():
    assert Precompiled(packed(ONE_KEY, b"bc\0"))("xaa") == "xbcbc"
    assert Precompiled(packed(ONE_KEY, b"\0"))("xay") == "xy"


@pytest.mark.parametrize(
    ("charsmap", "words"),
    [
        (b"\1", "has 1 bytes and says that its trie has 1"),
        (bytes(4), "says that its trie has 0"),
        (b"\7\0\0\0" + bytes(20), "says that its trie has 7"),
        (b"\xf0\xff\xff\xff" + bytes(20), "says that its trie has 4294967280"),
        (packed(ONE_KEY), "has no short text at byte 0"),
        (packed(ONE_KEY, b"x"), "has no short text at byte 0"),
        (packed(ONE_KEY, b"x" * 5000 + b"\0"), "has no short text at byte 0"),
        (packed(ONE_KEY, b"\xff\0"), "has no UTF-8 at byte 0"),
        (packed(CIRCLE, b"\0"), "has keys of more than 255 bytes"),
        (packed(BRANCHING, b"\0"), "has more than 2097152 nodes"),
        (packed(OUTSIDE, b"\0"), "has a value outside its trie"),
    ],
)
def test_a_broken_table_is_refused(charsmap, words):
    with pytest.raises(ValueError, match=words):
        Precompiled(charsmap)


def test_bad_base64_is_refused():
    with pytest.raises(ValueError, match="its Precompiled normalizer cannot be read"):
        Precompiled.from_base64("x!")


@given(places=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8))
@shared_fixture
def test_damage_is_refused_or_harmless(charsmaps, places):
    data = bytearray(charsmaps["nmt_nfkc"][:4000])
    data[:4] = struct.pack("<I", 3600)
    for place, value in places:
        data[4 + place] = value
    with contextlib.suppress(ValueError):
        Precompiled(bytes(data))("a\u0301ﬁ\t")
