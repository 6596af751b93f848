"""Unigram against sentencepiece and tokenizers, its fast twin against the plain one, bad input."""

import io
import json
import math
import pickle
import random

import pytest
import sentencepiece
import tokenizers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from groundup.tokenizers.load import load
from groundup.tokenizers.pre_tokenize import WHITESPACE_SPLIT, Metaspace
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.tokenizers.unigram import Unigram
from groundup.tokenizers.unigram_definition import BYTE_TOKENS, UnigramDefinition

texts = st.text(st.characters(codec="utf-8"))
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
HARD = [
    "",
    " ",
    "   a  b   ",
    "▁▁a▁",
    "naïve café \ufb01 e\u0301\u0323 \U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U0001f1f3\U0001f1f1 Z\u0351\u036b\u0343 \u1112\u1161\u11ab",
    "שלום עולם مرحبا \u202eabc\u202c",
    "<unk> <s> </s>",
    "a\tb\r\n\x01\ufeff",
    "a" * 50_000,
    "ab" * 25_000,
    "0" * 999 + " " + "-" * 50_000,
    "日本語 " * 2000,
    "\U0001f600" * 3000,
]


def train_judge(texts, **options):
    """A sentencepiece model of lines of texts, which holds them as they are."""
    lines = [line for text in texts for line in text.split("\n") if line]
    file = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=file,
        model_type="unigram",
        normalization_rule_name="identity",
        remove_extra_whitespaces=False,
        num_threads=1,
        max_sentence_length=1 << 24,
        minloglevel=2,
        **options,
    )
    return sentencepiece.SentencePieceProcessor(model_proto=file.getvalue())


def of_judge(judge, *, single_precision=True, normalizers=None, **frame):
    """Ours, of sentencepiece's pieces and scores."""
    ids = range(len(judge))
    special = {judge.id_to_piece(i): i for i in ids if judge.is_control(i) or judge.is_unknown(i)}
    normal = [
        i for i in ids if not (judge.is_control(i) or judge.is_unknown(i) or judge.is_byte(i))
    ]
    spaces = SentencePieceNormalizer(remove_extra_whitespaces=False)
    return Unigram(
        UnigramDefinition(
            special_tokens=special,
            normalizers=(spaces,) if normalizers is None else normalizers,
            vocabulary={
                judge.id_to_piece(i): i for i in ids if judge.id_to_piece(i) not in special
            },
            scores={i: judge.get_score(i) for i in normal},
            unknown=judge.id_to_piece(judge.unk_id()),
            byte_fallback=any(judge.is_byte(i) for i in ids),
            single_precision=single_precision,
            **frame,
        )
    )


@pytest.fixture(scope="module", params=["plain", "bytes and runs of spaces"])
def judge(request, stdlib_texts, udhr_texts):
    options = {"vocab_size": 2000, "character_coverage": 0.99}
    if request.param != "plain":
        options |= {"byte_fallback": True, "allow_whitespace_only_pieces": True}
    return train_judge([*stdlib_texts[:10], *udhr_texts[::20]], **options)


@pytest.fixture(scope="module")
def ours(judge):
    return of_judge(judge)


@pytest.mark.slow
@pytest.mark.reference
def test_ids_are_those_of_sentencepiece(judge, ours, stdlib_texts, udhr_texts):
    compared = 0
    for text in [*stdlib_texts, *udhr_texts, *HARD, "<0x41>"]:
        ids = judge.encode(text)
        assert ours.encode(text) == ids, text[:80]
        compared += len(ids)
    assert compared > 2_000_000


@pytest.mark.reference
@given(text=texts | st.text("a0-_ \n▁é漢", max_size=200))
@example("-" * 300 + " a " * 30 + "-" * 300)
@shared_fixture
def test_ids_are_those_of_sentencepiece_on_any_text(judge, ours, text):
    assert ours.encode(text) == judge.encode(text)


@pytest.mark.slow
@pytest.mark.reference
def test_what_tokenizers_reads_is_what_it_encodes(judge, stdlib_texts, udhr_texts, tmp_path):
    """It adds in double precision, so ours does here. It would read "<0x41>" as that token."""
    compared = 0
    for split in (True, False):
        cuts = {"normalizers": (), "pre_tokenizers": (Metaspace(split=split),)}
        ours = of_judge(judge, single_precision=False, **cuts)
        ours.save(tmp_path)
        theirs = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
        for text in [*stdlib_texts[::4], *udhr_texts[::4], *HARD]:
            ids = theirs.encode(text).ids
            assert ours.encode(text, allowed_special="all") == ids, text[:80]
            assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False), text[:80]
            compared += len(ids)
    assert compared > 1_000_000


@pytest.mark.reference
def test_the_n_best_have_sentencepieces_scores(judge, ours, stdlib_texts):
    lines = [line for line in stdlib_texts[3].split("\n") if 5 < len(line) < 60][:60]
    compared = 0
    for line in lines:
        wanted = judge.nbest_encode(line, nbest_size=8, return_type="proto").nbests
        found = ours.n_best(line, 8)
        assert [score for _, score in found] == pytest.approx(
            [one.score for one in wanted], abs=1e-3
        )
        assert found[0][0] == ours.encode(line)
        assert found == sorted(found, key=lambda way: -way[1])
        assert len({tuple(ids) for ids, _ in found}) == len(found)
        compared += len(found)
    assert compared > 400


# The fast twin

alphabet = "abé漢😀"
pieces = st.dictionaries(
    st.text(alphabet + "▁", min_size=1, max_size=6),
    st.integers(-60, 0).map(lambda n: n / 8) | st.floats(-40, 0),
    min_size=1,
    max_size=30,
)


def unigram(pieces, *, byte_fallback=False, unknown="<unk>", **options):
    rest = ([unknown] if unknown else []) + list(BYTE_TOKENS * byte_fallback)
    vocabulary = {text: i for i, text in enumerate([*rest, *pieces])}
    return Unigram(
        UnigramDefinition(
            vocabulary=vocabulary,
            scores={vocabulary[text]: score for text, score in pieces.items()},
            unknown=unknown,
            byte_fallback=byte_fallback,
            **options,
        )
    )


@given(
    pieces=pieces,
    texts=st.lists(st.text(alphabet + "▁x\0", min_size=1, max_size=60), min_size=1, max_size=4),
    byte_fallback=st.booleans(),
    single_precision=st.booleans(),
)
@example({"a": -1.0, "aa": -1.5}, ["a" * 40, "a" * 41], False, True)
@example({"a": -1.0, "\0": -2.0, "a\0": -2.5}, ["a", "a\0", "\0", "\0\0"], False, False)
def test_the_fast_twin_is_the_plain_one(pieces, texts, byte_fallback, single_precision):
    tokenizer = unigram(pieces, byte_fallback=byte_fallback, single_precision=single_precision)
    for text in texts * 2:  # the second time it remembers
        assert tokenizer.encode_piece(text) == tokenizer.plain_piece(text)


@given(lead=st.integers(0, 3000), run=st.text("ab", min_size=1, max_size=12))
def test_what_is_remembered_is_rounded_as_what_is_found(lead, run):
    """Sums of unlike sizes round unlike, and equals change places with them."""
    scores = {"▁": -7.3, "a": -1.1, "b": -2.3, "aa": -2.2, "ab": -3.4, "ba": -3.4, "aba": -4.5}
    tokenizer = unigram(scores, single_precision=True)
    text = f"▁{run}" + "▁" * lead + f"{run}▁{run}"
    assert tokenizer.encode_piece(text) == tokenizer.plain_piece(text)


def test_threads_have_the_same_ids(ours, stdlib_texts):
    wanted = [ours.encode(text) for text in stdlib_texts]
    for threads in (1, 3):
        found = ours.encode_batch(stdlib_texts, threads=threads)
        assert [ids.tolist() for ids in found] == wanted


@pytest.mark.parametrize("cuts", [(), (Metaspace(),), (WHITESPACE_SPLIT, Metaspace("_"))], ids=str)
def test_pieces_are_encoded_one_by_one(cuts):
    tokenizer = unigram({"▁": -2.0, "a": -1.0, "a▁a": -1.0, "_a": -1.5}, pre_tokenizers=cuts)
    text = "a a  xx xa"
    wanted = [s.token for piece in tokenizer.pieces(text) for s in tokenizer.plain_piece(piece)]
    assert tokenizer.encode(text) == wanted
    assert len(tokenizer.offsets(text)) == len(wanted)


# Other segmentations


def every_way(text, scores, unknown):
    """All segmentations as (pieces, log probability)."""
    if not text:
        return [((), 0.0)]
    found = []
    for end in range(1, len(text) + 1):
        score = scores.get(text[:end], unknown if end == 1 else None)
        if score is not None:
            rest = every_way(text[end:], scores, unknown)
            found += [((text[:end], *pieces), score + more) for pieces, more in rest]
    return found


@given(pieces=pieces, text=st.text(alphabet + "x", max_size=9), n=st.integers(1, 12))
def test_best_n_best_and_marginals_are_those_of_all_ways(pieces, text, n):
    definition = unigram(pieces).definition
    lattice = definition.lattice(text)
    ways = sorted(every_way(text, pieces, definition.unknown_score), key=lambda way: -way[1])
    assert lattice.best().score == pytest.approx(ways[0][1])
    found = lattice.n_best(n)
    assert [way.score for way in found] == pytest.approx([score for _, score in ways[:n]])
    cut = {tuple(text[edge.start : edge.end] for edge in way.edges) for way in found}
    assert len(cut) == len(found)
    assert cut <= {pieces for pieces, _ in ways}
    if text:
        marginals, total = lattice.marginals()
        whole = math.fsum(math.exp(score) for _, score in ways)
        assert total == pytest.approx(math.log(whole))
        for edge, probability in marginals:
            using = [
                math.exp(score)
                for pieces, score in ways
                if (edge.start, text[edge.start : edge.end]) in places(pieces)
            ]
            assert probability == pytest.approx(math.fsum(using) / whole, abs=1e-12)


def places(pieces):
    at, found = 0, []
    for piece in pieces:
        found.append((at, piece))
        at += len(piece)
    return found


@pytest.mark.parametrize(("alpha", "n"), [(1.0, None), (0.3, None), (0.0, None), (0.5, 4)])
def test_samples_have_the_models_frequencies(alpha, n):
    scores = {"a": -1.5, "b": -1.0, "ab": -2.0, "ba": -2.25, "aba": -3.0}
    tokenizer = unigram(scores)
    ways = sorted(every_way("ababx", scores, -13.0), key=lambda way: -way[1])[:n]
    weights = [math.exp(alpha * score) for _, score in ways]
    rng = random.Random(0)
    count = 20_000
    drawn = [tuple(tokenizer.sample("ababx", alpha, rng, n)) for _ in range(count)]
    ids = tokenizer.definition.vocabulary
    deviation = 0.0
    for (pieces, _), weight in zip(ways, weights, strict=True):
        expected = count * weight / sum(weights)
        seen = drawn.count(tuple(ids.get(piece, 0) for piece in pieces))
        deviation += (seen - expected) ** 2 / expected
    degrees = len(ways) - 1
    assert degrees >= 3
    assert deviation < degrees + 4 * math.sqrt(2 * degrees), "chi-square, four deviations"
    assert len(set(drawn)) == len(ways)


def test_a_large_alpha_samples_the_best(ours):
    text = "def __init__(self): return 17"
    rng = random.Random(0)
    for n in (None, 5):
        assert ours.sample(text, 1e4, rng, n) == ours.encode(text)
    assert ours.sample("", 1.0, rng) == []


# Files and bad input


def test_a_copy_and_what_is_loaded_do_the_same(ours, stdlib_texts, tmp_path):
    text = stdlib_texts[0]
    ours.encode(text)
    ours.save(tmp_path)
    for again in (pickle.loads(pickle.dumps(ours)), Unigram.load(tmp_path)):
        assert again.definition == ours.definition
        assert again.encode(text) == ours.encode(text)


def test_an_unknown_character_needs_a_token():
    tokenizer = unigram({"a": -1.0}, unknown=None)
    assert tokenizer.encode("aa") == [0, 0]
    for encode in (tokenizer.encode, tokenizer.plain_piece):
        with pytest.raises(ValueError, match="is no piece, and this vocabulary has"):
            encode("ab")


def test_rows_of_unknown_characters_are_one_token():
    tokenizer = unigram({"a": -1.0}, unknown_surface=" ⁇ ")
    assert tokenizer.encode("abcdab") == [1, 0, 1, 0]
    assert tokenizer.decode([1, 0]) == "a ⁇ "
    assert tokenizer.offsets("abcdab") == [(0, 1), (1, 4), (4, 5), (5, 6)]


def test_a_kept_piece_goes_before_all_others():
    tokenizer = unigram({"a": -1.0, "<b>": -30.0, ">a": -1.0}, kept=("<b>",))
    assert tokenizer.encode("a<b>a") == [1, 2, 1]
    assert tokenizer.plain_piece("<b>a") == tokenizer.encode_piece("<b>a")


def parts(**changes):
    return {"vocabulary": {"<unk>": 0, "a": 1}, "scores": {1: -1.0}, "unknown": "<unk>"} | changes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vocabulary": {}, "scores": {}, "unknown": None}, "vocabulary is empty"),
        ({"scores": {1: math.nan}}, "token 1 has the score nan; wanted a finite number"),
        ({"scores": {1: -math.inf}}, "token 1 has the score -inf"),
        ({"scores": {7: -1.0}}, "there is a score for 7, which is no token's id"),
        ({"vocabulary": {"<unk>": 0, "a": 1, "b": 1}}, "tokens share an id"),
        ({"vocabulary": {"<unk>": -1, "a": 1}}, "below 0"),
        ({"unknown": "[UNK]"}, r"the unknown token '\[UNK\]' is not in the vocabulary"),
        ({"kept": ("b",)}, "the kept piece 'b' is not in the vocabulary"),
        ({"byte_fallback": True}, "byte fallback needs a token for every byte; <0x00> is missing"),
        ({"vocabulary": {"<unk>": 0, "": 1}}, "a piece has 0 characters"),
        ({"vocabulary": {"<unk>": 0, "a" * 513: 1}}, "a piece has 513 characters; wanted 1 to 512"),
        ({"vocabulary": {"<unk>": 0, "\ud800": 1}}, "holds a lone surrogate"),
    ],
)
def test_an_unsound_definition_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        _ = UnigramDefinition(**parts(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "BPE"}, "its model is BPE; wanted Unigram"),
        ({"unk_id": 9}, "its unk_id is 9, but its ids run to 1"),
        ({"unk_id": -1}, "its unk_id is -1"),
        ({"unk_id": "0"}, "its unk_id is '0'"),
        ({"vocab": []}, "its unk_id is 0"),
        ({"vocab": [], "unk_id": None}, "vocabulary is empty"),
        ({"vocab": [["a", 0.0], ["a", -1.0]]}, "its vocabulary has the piece 'a' twice"),
        ({"vocab": [["a", 0.0], ["b", "c"]]}, r"its vocabulary has the entry \['b', 'c'\]"),
        ({"vocab": [["a", 0.0], ["b", math.nan]]}, "token 1 has the score nan"),
    ],
)
def test_an_unsound_file_is_refused(tmp_path, changes, message):
    unigram({"a": -1.0}).save(tmp_path)
    file = tmp_path / "tokenizer.json"
    data = json.loads(file.read_text())
    data["model"] |= changes
    file.write_text(json.dumps(data))
    with pytest.raises(ValueError, match=message):
        Unigram.load(file)


def test_bad_wishes_are_refused(ours):
    rng = random.Random(0)
    with pytest.raises(ValueError, match="n is 0; at least 1"):
        ours.n_best("a", 0)
    with pytest.raises(ValueError, match="n is 0; at least 1"):
        ours.sample("a", 1.0, rng, 0)
    for alpha in (-0.5, math.nan):
        with pytest.raises(ValueError, match=r"alpha is .*; wanted 0 or more"):
            ours.sample("a", alpha, rng)
    with pytest.raises(ValueError, match="there is no token 99999"):
        ours.decode([99999])


def test_load_finds_the_kind(ours, tmp_path):
    ours.save(tmp_path)
    assert isinstance(load(tmp_path), Unigram)
