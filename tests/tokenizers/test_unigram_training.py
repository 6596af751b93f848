"""Learning pieces: by hand, the fast twin against the plain functions, and sentencepiece's."""

import io
import keyword
import math
import random
from itertools import pairwise

import pytest
import scipy.special
import sentencepiece
from hypothesis import example, given, settings
from hypothesis import strategies as st

from groundup import swap
from groundup.kernels import unigram_training as fast
from groundup.tokenizers import unigram_training as plain
from groundup.tokenizers.normalize import Lowercase
from groundup.tokenizers.scripts import COMMON, INHERITED, scripts
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.unigram_training import UnigramTraining

words = st.dictionaries(
    st.text("abc", min_size=1, max_size=24) | st.text("aéb1.漢", min_size=1, max_size=9),
    st.integers(1, 40) | st.just(2**40),
    min_size=1,
    max_size=25,
)
options = st.builds(
    UnigramTraining,
    max_piece_length=st.sampled_from([1, 2, 3, 5, 16]),
    seed_size=st.sampled_from([1, 5, 1_000_000]),
    shrinking_factor=st.sampled_from([0.3, 0.75]),
    sub_iterations=st.integers(1, 3),
)


def cut_alike(words):
    """Words cut by both twins: as a dict, and as arrays."""
    gathered = fast.gather(words)
    counts = dict(gathered.character_counts())
    kinds = plain.classes(counts, plain.required_characters(counts, 0.999), by_script=True)
    return plain.cut_words(words, kinds), gathered.cut(kinds)


def spelled(gathered):
    texts = "".join(chr(gathered.alphabet[code]) for code in gathered.codes)
    bounds = gathered.bounds.tolist()
    spans = pairwise(bounds)
    return {texts[a:b]: int(n) for (a, b), n in zip(spans, gathered.counts, strict=True)}


@given(words=words)
def test_cutting_is_that_of_the_plain_function(words):
    by_hand, arrays = cut_alike(words)
    assert spelled(arrays) == by_hand
    assert list(spelled(arrays)) == list(by_hand) == sorted(by_hand)


@given(words=words, options=options)
def test_seeds_are_those_of_the_plain_function(words, options):
    by_hand, arrays = cut_alike(words)
    if not by_hand:
        return
    pieces = fast.Pieces(arrays, options.max_piece_length, options.seed_size)
    found = dict(zip(pieces.texts(), pieces.scores.tolist(), strict=True))
    wanted = plain.seed_pieces(by_hand, options)
    assert list(found) == list(wanted)
    assert found == pytest.approx(wanted)


@pytest.mark.slow
@given(words=words, options=options, size=st.integers(1, 40))
@settings(max_examples=200, deadline=None)
@example({"ab" * 2000: 3, "a": 1}, UnigramTraining(), 3)
@example({"a" * 9000: 1, "aaaa": 1}, UnigramTraining(), 5)
def test_the_fast_twin_learns_the_same_pieces(words, options, size):
    by_hand, arrays = cut_alike(words)
    if not by_hand:
        return
    wanted = plain.learn_pieces(by_hand, size=size, options=options)
    found = fast.learn_pieces(arrays, size=size, options=options, advance=lambda **_: None)
    assert set(found) == set(wanted)
    assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.slow
def test_the_fast_twin_learns_the_same_from_code(stdlib_texts):
    words = plain.count_words(stdlib_texts[:3])
    options = UnigramTraining(shrinking_factor=0.5)
    by_hand, arrays = cut_alike(words)
    wanted = plain.learn_pieces(by_hand, size=600, options=options)
    found = fast.learn_pieces(arrays, size=600, options=options, advance=lambda **_: None)
    assert len(found) > 500
    assert set(found) == set(wanted)
    assert found == pytest.approx(wanted, abs=1e-6)


def test_expected_counts_are_those_of_all_segmentations():
    """Two ways to write "ab": P = 1/2 alone, 1/4 * 1/4 in two."""
    pieces = {"a": math.log(1 / 4), "b": math.log(1 / 4), "ab": math.log(1 / 2)}
    expected, likelihood = plain.expected_counts({"ab": 9, "a": 2}, pieces)
    assert expected == pytest.approx({"a": 2 + 9 * 1 / 9, "b": 9 * 1 / 9, "ab": 9 * 8 / 9})
    assert likelihood == pytest.approx(9 * math.log(9 / 16) + 2 * math.log(1 / 4))


def test_rare_pieces_are_dropped_and_the_others_sharpened():
    new = plain.maximise({"a": 0.49, "b": 0.5, "c": 7.5})
    assert list(new) == ["b", "c"]
    total = scipy.special.digamma(8.0)
    assert new["b"] == pytest.approx(scipy.special.digamma(0.5) - total)
    assert new["c"] == pytest.approx(scipy.special.digamma(7.5) - total)


@given(x=st.floats(1e-3, 1e12))
def test_digamma_is_scipys(x):
    assert plain.digamma(x) == pytest.approx(scipy.special.digamma(x), rel=1e-9, abs=1e-9)
    assert fast.digamma([x])[0] == pytest.approx(plain.digamma(x), rel=1e-12, abs=1e-12)


def test_what_a_loss_is():
    """Of "ab" 8 times and "a", "b" once each: without "ab" it would be cut in two."""
    pieces = {"a": math.log(0.2), "ab": math.log(0.6), "b": math.log(0.2), "c": math.log(0.1)}
    loss = plain.losses({"ab": 8, "a": 1, "b": 1}, pieces)
    after = 2 * math.log((1 + 8) / (10 + 8))
    assert loss["ab"] == pytest.approx(8 * (math.log(8 / 10) - after))
    assert loss["a"] == loss["b"] == math.inf
    assert loss["c"] == -math.inf
    assert list(plain.prune({"ab": 8, "a": 1, "b": 1}, pieces, 2)) == ["a", "b"]


def test_seeds_by_hand():
    """Of "abcabc", 3 times: "abc" stands for "ab"; "bc" and "c" end where it ends."""
    found = plain.seed_pieces({"abcabc": 3}, UnigramTraining())
    cover = {"a": 6, "b": 6, "c": 6, "bc": 12, "abc": 18, "abcabc": 18, "bcabc": 15, "cabc": 12}
    total = sum(cover.values())
    assert found == pytest.approx({text: math.log(n / total) for text, n in cover.items()})


def test_required_characters():
    counts = {"b": 3, "a": 3, "c": 90, "d": 4}
    assert plain.required_characters(counts, 0.9) == ["c"]
    assert plain.required_characters(counts, 0.91) == ["c", "d"]
    assert plain.required_characters(counts, 1.0) == ["c", "d", "a", "b"]


def test_words_begin_with_a_space():
    assert plain.count_words(["a b\na  c", "", "▁b"]) == {
        "▁a": 1,
        "▁b\na": 1,
        "▁": 2,
        "▁c": 1,
        "▁b": 1,
    }
    runs = plain.count_words(["if x:\n    y  "], [Lowercase()], space_runs=True)
    assert runs == {"▁if": 1, "▁x:\n": 1, "▁▁▁": 1, "▁y": 1, "▁": 2}


def test_scripts():
    found = scripts("aé.1 \n漢かカー한п\u0301😀")
    assert found["a"] == found["é"] != COMMON
    assert {found[c] for c in ".1 \n😀"} == {COMMON}
    assert len({found[c] for c in "漢かカー"}) == 1
    assert len({found[c] for c in "a漢한п."}) == 5
    assert found["\u0301"] == INHERITED


def test_no_piece_has_two_scripts(stdlib_texts):
    texts = [*stdlib_texts[:3], "слово word слово word" * 20]
    mixed = Unigram.train(
        texts, vocab_size=900, options=UnigramTraining(split_by_script=False)
    ).definition.pieces
    alone = Unigram.train(texts, vocab_size=900).definition.pieces
    assert any(is_mixed(piece) for piece in mixed)
    assert not any(is_mixed(piece) for piece in alone)


def is_mixed(piece):
    kinds = scripts(piece)
    return len({kind for c, kind in kinds.items() if c != "▁" and kind != INHERITED}) > 1


def test_the_layout_of_ids(stdlib_texts):
    tokenizer = Unigram.train(stdlib_texts[:3], vocab_size=700, special_tokens=("<a>", "<b>"))
    assert tokenizer.special_tokens == {"<a>": 0, "<b>": 1, "<unk>": 2}
    assert [tokenizer.token_bytes(3 + byte) for byte in range(256)] == [
        bytes([byte]) for byte in range(256)
    ]
    assert tokenizer.vocab_size == 700
    scores = list(tokenizer.definition.scores.values())
    assert scores == sorted(scores, reverse=True)
    assert tokenizer.end_token == "<a>"
    assert max(map(len, tokenizer.definition.pieces)) <= 16
    few = Unigram.train(stdlib_texts[:3], vocab_size=300, byte_fallback=False)
    assert few.vocab_size == 300
    assert {"▁", "a", "\n"} <= few.definition.pieces.keys()


def test_every_text_comes_back(stdlib_texts, udhr_texts):
    tokenizer = Unigram.train(stdlib_texts[:3], vocab_size=700)
    for text in [*stdlib_texts[3:6], *udhr_texts[::10], "  \x00 \ufeff a ", " ", "😀\n\n"]:
        assert tokenizer.decode(tokenizer.encode(text)) == text


def test_runs_of_spaces_may_be_pieces(stdlib_texts):
    narrow, wide = (
        Unigram.train(stdlib_texts[:9], vocab_size=900, options=UnigramTraining(space_runs=runs))
        for runs in (False, True)
    )
    assert "▁▁▁" in wide.definition.pieces
    assert not any("▁" in piece[1:] for piece in narrow.definition.pieces)
    text = stdlib_texts[10]
    assert wide.decode(wide.encode(text)) == text
    assert len(wide.encode(text)) < 0.9 * len(narrow.encode(text))


def test_the_order_of_texts_does_not_matter(stdlib_texts):
    shuffled = random.Random(0).sample(stdlib_texts[:8], 8)
    first, second = (Unigram.train(texts, vocab_size=800) for texts in (stdlib_texts[:8], shuffled))
    assert first.definition == second.definition


@pytest.mark.parametrize("part", ["expected_counts", "maximise", "losses"])
def test_a_learners_function_really_runs(tmp_path, part):
    source = {
        "expected_counts": "def expected_counts(words, pieces):\n"
        "    return {piece: 5.0 for piece in pieces}, 0.0\n",
        "maximise": "def maximise(expected):\n    return {p: -3.0 for p in expected}\n",
        "losses": "def losses(words, pieces):\n    return {p: len(p) - 9.0 for p in pieces}\n",
    }
    (tmp_path / "mine.py").write_text(source[part])
    size = {"vocab_size": 40, "byte_fallback": False, "special_tokens": ()}
    texts = [" ".join(keyword.kwlist[i:]) for i in range(len(keyword.kwlist))]
    usual = Unigram.train(texts, **size)
    use = f"tokenizers.unigram_training:{part}={tmp_path / 'mine.py'}"
    with swap.replaced([swap.load(use)]):
        changed = Unigram.train(texts, **size)
    assert changed.definition.pieces != usual.definition.pieces
    if part == "maximise":
        assert max(changed.definition.pieces.values()) == -3.0


@pytest.mark.slow
@pytest.mark.reference
def test_the_model_is_as_good_as_sentencepieces(stdlib_texts):
    """On other texts than it learnt from: log likelihood and tokens a byte."""
    lines = [line for text in stdlib_texts[:24] for line in text.split("\n") if line]
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        model_type="unigram",
        vocab_size=2003,
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        minloglevel=2,
    )
    judge = sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())
    theirs = {judge.id_to_piece(i): judge.get_score(i) for i in range(3, len(judge))}
    tokenizer = Unigram.train(lines, vocab_size=2001, special_tokens=(), byte_fallback=False)
    ours = tokenizer.definition.pieces
    assert len(ours) == len(theirs) == 2000
    assert len(ours.keys() & theirs.keys()) > 1500
    held_out = [line for text in stdlib_texts[30:36] for line in text.split("\n") if line]
    likelihood = [sum(best(line, pieces).score for line in held_out) for pieces in (ours, theirs)]
    tokens = [sum(len(best(line, pieces).edges) for line in held_out) for pieces in (ours, theirs)]
    assert likelihood[0] > 1.005 * likelihood[1], "both are negative"
    assert tokens[0] < 1.02 * tokens[1]


def best(line, pieces):
    return plain.lattice("▁" + line.replace(" ", "▁"), pieces).best()


# Bad input


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_piece_length": 0}, "max_piece_length is 0; it must be at least 1"),
        ({"seed_size": 0}, "seed_size is 0"),
        ({"sub_iterations": 0}, "sub_iterations is 0"),
        ({"shrinking_factor": 1.0}, "shrinking_factor is 1.0; wanted 0 < it < 1"),
        ({"shrinking_factor": math.nan}, "shrinking_factor is nan"),
    ],
)
def test_options_out_of_range_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        UnigramTraining(**changes)


def test_bad_wishes_are_refused():
    with pytest.raises(ValueError, match="vocab_size is 5; 4 special tokens and bytes, and 7 char"):
        Unigram.train(["abcdef"], vocab_size=5, byte_fallback=False)
    with pytest.raises(ValueError, match="vocab_size is 260;"):
        Unigram.train(["abcdef"], vocab_size=260)
    with pytest.raises(ValueError, match="the texts hold no characters"):
        Unigram.train(["", ""])
    for coverage in (0.0, 1.1, math.nan):
        with pytest.raises(ValueError, match=r"character_coverage is .*; wanted 0 < it <= 1"):
            Unigram.train(["a"], character_coverage=coverage)
    with pytest.raises(ValueError, match="must be different, non-empty"):
        Unigram.train(["a"], special_tokens=("x", "x"))
    with pytest.raises(ValueError, match="wanted several texts or paths"):
        Unigram.train("a text")
