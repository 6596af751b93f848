"""Character BPE: Hugging Face's trainer and encoder agree, the twins agree, dropout drops."""

import itertools
import json
import random
from collections import Counter

import pytest
import sentencepiece
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.character_bpe_training import CharacterTraining, learn_pieces
from groundup.tokenizers.character_definition import CharacterDefinition
from groundup.tokenizers.load import load
from groundup.tokenizers.merging import merge_plainly
from groundup.tokenizers.pieces import Segment
from groundup.tokenizers.pre_tokenize import WHITESPACE, Metaspace
from groundup.tokenizers.sentencepiece_model import model_of, serialize
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer

texts = st.text(st.characters(codec="utf-8"), max_size=40)
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
BYTES = {f"<0x{byte:02X}>": 100 + byte for byte in range(256)}


def judge_of(tokenizer):
    return Tokenizer.from_str(json.dumps(tokenizer.to_json()))


def definition(vocabulary, merges, **options):
    ids = {text: i for i, text in enumerate(vocabulary)}
    rows = [(ids[a], ids[b], ids[a + b.removeprefix("##")]) for a, b in merges]
    return CharacterDefinition(
        vocabulary=ids, merges=rows, **{"space": "", "drops_first_space": False} | options
    )


# Training


@pytest.fixture(scope="module")
def theirs(stdlib_texts):
    judge = Tokenizer(models.BPE(unk_token="<unk>"))
    judge.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(
        vocab_size=2000, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False
    )
    judge.train_from_iterator(stdlib_texts, trainer)
    return judge


@pytest.fixture(scope="module")
def merged(stdlib_texts):
    return CharacterBPE.train_merges(stdlib_texts, vocab_size=2000)


@pytest.fixture(scope="module")
def scored(stdlib_texts):
    return CharacterBPE.train(stdlib_texts[::2], vocab_size=2000)


@pytest.mark.slow
@pytest.mark.reference
def test_training_gives_hugging_faces_merges_token_for_token(theirs, merged):
    model = json.loads(theirs.to_str())["model"]
    names = merged.definition.vocabulary | merged.definition.special_tokens
    assert model["vocab"] == names
    by_id = {i: text for text, i in names.items()}
    ours = [[by_id[left], by_id[right]] for left, right, _ in merged.definition.merges]
    assert ours == model["merges"]
    assert len(ours) > 1_700


@pytest.mark.slow
@pytest.mark.reference
def test_encoding_equals_hugging_faces(theirs, merged, stdlib_texts, udhr_texts):
    some = [*stdlib_texts, *udhr_texts[::4], "a" * 5_000, "👨‍👩‍👧 e\u0301 שלום ‏x", ""]
    for text in some:
        assert merged.encode(text) == theirs.encode(text).ids
    assert len(some) > 130


@pytest.mark.reference
@given(text=texts)
@example("<s>")
@shared_fixture
def test_any_text_is_encoded_as_there(theirs, merged, text):
    assert merged.encode(text, allowed_special="all") == theirs.encode(text).ids


def test_two_merges_may_make_the_same_token():
    """ "abc" comes of "ab" and "c" in one word, of "a" and "bc" in another; it is one token."""
    words = ["ab ab ab ab ab abc xbc xbc xbc xbc yabc"]
    tokenizer = CharacterBPE.train_merges(words, vocab_size=12, special_tokens=["<unk>"])
    vocabulary = tokenizer.definition.vocabulary
    assert len(set(vocabulary.values())) == len(vocabulary)


def test_pieces_are_learnt_as_sentencepiece_would():
    # "ab" and "bc" are equally frequent and long: the first in code point order is joined.
    assert learn_pieces({"abc": 2}, count=2) == ["ab", "abc"]
    # Of equally frequent pairs the one with the shorter text goes first.
    assert learn_pieces({"aab": 1, "cd": 1}, count=2) == ["aa", "cd"]
    assert learn_pieces({"abcd": 3}, count=9, longest=2) == ["ab", "cd"]


def test_training_depends_on_the_contents_alone(stdlib_texts):
    some = [text[:5_000] for text in stdlib_texts[:8]]
    one, other = (CharacterBPE.train(t, vocab_size=600) for t in (some, some[::-1]))
    assert one.definition == other.definition


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vocab_size": 260}, "vocab_size is 260; 259 special tokens and bytes and 3 characters"),
        ({"vocab_size": 2}, "make at least 4"),
        ({"character_coverage": 0.0}, "character_coverage is 0.0; wanted"),
        ({"special_tokens": ["a", "a"]}, "must be different"),
        ({"special_tokens": []}, "the first special token is the unknown one"),
    ],
)
def test_training_that_cannot_be_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        CharacterBPE.train(["ab"], **options)


def test_no_texts_and_no_length_are_refused():
    with pytest.raises(ValueError, match="need at least"):
        CharacterBPE.train([], vocab_size=300)
    with pytest.raises(ValueError, match="need at least"):
        CharacterBPE.train_merges([], vocab_size=300)
    with pytest.raises(ValueError, match="max_piece_length is 0"):
        CharacterTraining(max_piece_length=0)


# Encoding


def plainly(tokenizer, text):
    """By the definition of merging, with no heap, no cache and no compiled code."""
    row = merge_plainly(tokenizer._symbols(text), tokenizer._lookup)
    lists = zip(*row, strict=True) if row else [(), (), ()]
    from groundup.tokenizers.character_bpe import Row

    done = tokenizer._finished(Row(*map(list, lists)), text)
    return list(map(Segment, *done))


@given(text=st.text("ab▁c", min_size=60, max_size=150), scores=st.data())
@settings(max_examples=60)
def test_the_compiled_twin_agrees_with_the_definition(text, scores):
    """Random vocabularies with equal scores, characters that are no piece, and pieces with
    spaces inside."""
    some = scores.draw(st.dictionaries(st.text("ab▁c", min_size=1, max_size=5), st.integers(0, 3)))
    vocabulary = {text: i for i, text in enumerate(["?", *some])}
    tokenizer = CharacterBPE(
        CharacterDefinition(
            vocabulary=vocabulary,
            scores={vocabulary[text]: float(score) for text, score in some.items()},
            unknown="?",
            fuse_unknown=scores.draw(st.booleans()),
        )
    )
    assert tokenizer.encode_piece(text) == plainly(tokenizer, text)


@given(text=st.text("abcd", min_size=60, max_size=150), merges=st.data())
@settings(max_examples=60)
def test_the_compiled_twin_agrees_for_lists_of_merges(text, merges):
    pairs = merges.draw(st.lists(st.sampled_from(["ab", "bc", "aa", "ca"]), unique=True))
    longer = merges.draw(st.lists(st.sampled_from(["ab+c", "a+bc", "aa+aa", "ca+b"]), unique=True))
    listed = [tuple(p) for p in pairs] + [tuple(p.split("+")) for p in longer]
    listed = [(a, b) for a, b in listed if {a, b} <= {*"abc", *pairs}]
    vocabulary = dict.fromkeys([*"abc", *pairs, *(a + b for a, b in listed)])
    tokenizer = CharacterBPE(definition(vocabulary, listed, byte_fallback=False))
    assert tokenizer.encode_piece(text) == plainly(tokenizer, text)
    assert tokenizer.encode(text) == [segment.token for segment in plainly(tokenizer, text)]


OPTIONS = [
    {},
    {"unknown": "<unk>"},
    {"unknown": "<unk>", "fuse_unknown": True},
    {"continuing_prefix": "##"},
    {"end_suffix": "</w>"},
    {"whole_first": True},
]
PREFIXED = ["a", "b", "c", "##b", "##c", "ab", "abc", "##bc", "c</w>", "bc</w>", "abcab", "é"]


@pytest.mark.reference
@pytest.mark.parametrize("options", OPTIONS)
@given(text=st.text("abcdé ", max_size=90))
@example("abcab")
@example("ddé")
def test_options_are_read_as_hugging_face_reads_them(options, text):
    merges = [("a", "b"), ("b", "c</w>"), ("ab", "##c"), ("##b", "##c"), ("b", "c")]
    vocabulary = [*PREFIXED, "bc", "<unk>"]
    made = [p for p in merges if p[0] + p[1].removeprefix("##") in vocabulary]
    is_prefixed = "continuing_prefix" in options  # then their library wants it on the right
    made = [pair for pair in made if pair[1].startswith("##") == is_prefixed]
    tokenizer = CharacterBPE(definition(vocabulary, made, **options))
    assert tokenizer.encode(text) == judge_of(tokenizer).encode(text).ids


@pytest.mark.reference
@given(text=st.text("aé😀\n", max_size=90))
def test_bytes_are_fallen_back_on_as_there(text):
    vocabulary = {"a": 0, "<unk>": 1, "aa": 2} | BYTES
    options = {"unknown": "<unk>", "byte_fallback": True, "space": ""}
    tokenizer = CharacterBPE(
        CharacterDefinition(
            vocabulary=vocabulary, merges=[(0, 0, 2)], drops_first_space=False, **options
        )
    )
    ids = tokenizer.encode(text)
    assert ids == judge_of(tokenizer).encode(text).ids
    assert tokenizer.decode(ids) == text == judge_of(tokenizer).decode(ids)
    assert (
        tokenizer.offsets(text)
        == [(i, i + 1) for i, c in enumerate(text) if c != "a" for _ in c.encode()]
        or "a" in text
    )


def test_long_texts_take_no_square_of_their_length(scored):
    """Fifty thousand and two million of one letter: with a square it would never end."""
    for size in (50_000, 2_000_000):
        assert scored.decode(scored.encode("a" * size)) == "a" * size
    assert scored.decode(scored.encode("\U0001f600" * 20_000)) == "\U0001f600" * 20_000


@given(text=texts)
@example(" a  b\n\t▁")
@example("a" * 200 + "\U0001f600é" * 40)
@shared_fixture
def test_decode_is_the_text_again_and_offsets_cover_it(scored, text):
    ids = scored.encode(text)
    assert scored.decode(ids) == text.replace("▁", " ")
    spans = scored.offsets(text)
    assert len(spans) == len(ids)
    assert set(itertools.chain.from_iterable(range(*span) for span in spans)) == set(
        range(len(text))
    )


# Dropout


def test_with_dropout_a_word_is_cut_in_several_ways(scored, stdlib_texts):
    text = stdlib_texts[0][:2_000]
    dropping = scored.with_dropout(random.Random(0), 0.1)
    cuts = [dropping.encode(text) for _ in range(5)]
    assert len(set(map(tuple, cuts))) == 5
    assert all(scored.decode(cut) == text for cut in cuts)
    shortest = len(scored.encode(text))
    assert all(shortest < len(cut) < 1.5 * shortest for cut in cuts)
    again = scored.with_dropout(random.Random(0), 0.1)
    assert [again.encode(text) for _ in range(5)] == cuts
    assert scored.with_dropout(random.Random(0), 0.0).encode(text) == scored.encode(text)
    characters = scored.with_dropout(random.Random(0), 1.0)
    assert [characters.token_bytes(i).decode() for i in characters.encode("ab c")] == list(" ab c")
    with pytest.raises(ValueError, match="dropout is 2"):
        scored.with_dropout(random.Random(0), 2)


@pytest.mark.reference
def test_dropout_has_the_distribution_of_sentencepiece(scored):
    """Four thousand draws each; the difference of two shares has a standard deviation of 0.011."""
    judge = sentencepiece.SentencePieceProcessor(model_proto=serialize(model_of(scored)))
    dropping = scored.with_dropout(random.Random(0), 0.3)
    draws = 4_000
    ours = Counter(tuple(dropping.encode("self return")) for _ in range(draws))
    theirs = Counter(
        tuple(judge.encode("self return", enable_sampling=True, alpha=0.3, nbest_size=-1))
        for _ in range(draws)
    )
    assert len(ours) > 20
    for cut in ours.keys() | theirs.keys():
        assert abs(ours[cut] - theirs[cut]) / draws < 0.05, cut


# Files


def same(one, other, some):
    for text in some:
        assert one.encode(text, allowed_special="all") == other.encode(text, allowed_special="all")
        assert one.offsets(text) == other.offsets(text)


@pytest.mark.parametrize("kind", ["merged", "scored"])
def test_saved_and_loaded_it_is_the_same(request, tmp_path, kind, stdlib_texts, udhr_texts):
    tokenizer = request.getfixturevalue(kind)
    tokenizer.save(tmp_path)
    again = load(tmp_path)
    assert isinstance(again, CharacterBPE)
    assert again.definition == tokenizer.definition
    same(tokenizer, again, [*stdlib_texts[:3], *udhr_texts[:4], " x</s>y ", "<s>"])


@pytest.mark.slow
@pytest.mark.reference
def test_scores_are_written_as_merges_that_hugging_face_reads(scored, stdlib_texts, udhr_texts):
    judge = judge_of(scored)
    some = [*stdlib_texts, *udhr_texts[::4], "  a \t b", "x" * 3_000]
    for text in some:
        ids = scored.encode(text)
        assert ids == judge.encode(text).ids
        assert scored.decode(ids) == judge.decode(ids)
    assert len(some) > 130


def test_other_options_survive_a_file(tmp_path):
    tokenizer = CharacterBPE(
        definition(
            [*PREFIXED, "<sep>"],
            [("a", "b")],
            unknown="é",
            unknown_surface=" ? ",
            fuse_unknown=True,
            dropout=0.25,
            whole_first=True,
            kept=("<sep>",),
            pre_tokenizers=(WHITESPACE, Metaspace()),
            normalizers=(SentencePieceNormalizer(kept=("<sep>",), add_dummy_prefix=False),),
        )
    )
    tokenizer.save(tmp_path)
    assert load(tmp_path).definition == tokenizer.definition


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merges": [(0, 1, 9)]}, r"merge 0 \(0, 1, 9\) needs token 9"),
        ({"scores": {0: 1.0}}, "has merges or scores, not both"),
        ({"unknown": "x"}, "the unknown token 'x' is not in the vocabulary"),
        ({"kept": ("x",)}, "the kept token 'x' is not in the vocabulary"),
        ({"unknown_surface": "x"}, "but no unknown token"),
        ({"vocabulary": {"a": 0, "b": 1, "ab": 2, "c": 1 << 30}}, "ids go from 0 to 1073741824"),
        ({"vocabulary": {"\ud800": 0, "b": 1, "ab": 2}}, "lone surrogate"),
    ],
)
def test_a_definition_that_cannot_be_is_refused(changes, words):
    sound = {"vocabulary": {"a": 0, "b": 1, "ab": 2}, "merges": [(0, 1, 2)]}
    with pytest.raises(ValueError, match=words):
        CharacterDefinition(**sound | changes)


def test_a_piece_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="a piece has 513 characters; at most 512"):
        CharacterDefinition(vocabulary={"a" * 513: 0}, scores={0: 0.0})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"merges": ["a x"]}, "merge 'a x' needs 'x', which the vocabulary lacks"),
        ({"merges": [["a", "b", "c"]]}, "cannot be read"),
        ({"unk_token": "x"}, "its unknown token 'x' is not in its vocabulary"),
        ({"vocab": {"a": 0, "b": 0}}, "share the id 0"),
        ({"vocab": {"a": -1}}, "has the id -1"),
        ({"merges": None}, "is not a whole tokenizer.json"),
        ({"groundup": {"scores": [[99, 1.0]]}}, "is not a whole tokenizer.json"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, changes, words):
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps({"model": model | changes}))
    with pytest.raises(ValueError, match=words):
        load(file)


def test_cycles_among_merges_end():
    """Each of two merges makes what the other needs; a text is still read in one go."""
    ids = {"a": 0, "b": 1, "ab": 2}
    cycle = CharacterDefinition(vocabulary=ids, merges=[(0, 1, 2), (2, 2, 0), (0, 0, 2)])
    assert len(CharacterBPE(cycle).encode("ab" * 5_000)) < 10_000


def test_an_id_that_is_not_there_is_refused(scored):
    with pytest.raises(ValueError, match="there is no token 2000; this vocabulary's ids run"):
        scored.decode([2000])
