"""SentencePiece's files: ids and texts as the library has them, both ways; damage is refused."""

import contextlib
import io
import math
from dataclasses import replace

import pytest
import sentencepiece
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from groundup.tokenizers import sentencepiece_model
from groundup.tokenizers.character_bpe import CharacterBPE
from groundup.tokenizers.character_bpe_training import CharacterTraining
from groundup.tokenizers.load import load
from groundup.tokenizers.normalize import align
from groundup.tokenizers.protobuf import field
from groundup.tokenizers.sentencepiece_model import (
    Model,
    Piece,
    model_of,
    parse,
    read,
    serialize,
    tokenizer_of,
    write,
)
from groundup.tokenizers.sentencepiece_normalizer import SentencePieceNormalizer
from groundup.tokenizers.unigram import Unigram

shared_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60
)
texts = st.text(st.characters(codec="utf-8"), max_size=60) | st.text(
    st.sampled_from("ab e\u0301▁ \n\tdef<sep>\u3000ﬁ\x00\U0001f600"), max_size=60
)
PLAIN = {"normalization_rule_name": "identity", "remove_extra_whitespaces": False}
KINDS = {
    "bpe": {"model_type": "bpe"},
    "bpe, bytes": {"model_type": "bpe", "byte_fallback": True},
    "bpe, identity, bytes": {"model_type": "bpe", "byte_fallback": True} | PLAIN,
    "bpe, no prefix": {"model_type": "bpe", "add_dummy_prefix": False},
    "bpe, identity, no prefix": {"model_type": "bpe", "add_dummy_prefix": False} | PLAIN,
    "bpe, own symbols": {
        "model_type": "bpe",
        "user_defined_symbols": ["<sep>", "    ", "def"],
        "control_symbols": ["<mask>"],
        "pad_id": 3,
    },
    "bpe, spaces inside": {"model_type": "bpe", "split_by_whitespace": False},
    "bpe, space behind": {"model_type": "bpe", "treat_whitespace_as_suffix": True},
    "unigram": {"model_type": "unigram"},
    "unigram, bytes, own symbols": {
        "model_type": "unigram",
        "byte_fallback": True,
        "user_defined_symbols": ["<sep>", "    ", "def"],
    },
    "unigram, identity": {"model_type": "unigram"} | PLAIN,
    "char": {"model_type": "char"},
    "char, bytes": {"model_type": "char", "byte_fallback": True, "character_coverage": 0.98},
    "word": {"model_type": "word"},
}
ODD = [
    "",
    " ",
    "a" * 50_000,
    " ".join(["word"] * 2_000),
    "  two  spaces  ",
    "\n\n\ta\r\n",
    "👨‍👩‍👧‍👦 🏳️‍🌈 e\u0301\u0302 A\u030a ﬁ ㍻ ½",
    "שלום עולם مرحبا \u200fx\u200e",
    "x ▁ y▁",
    "<s> </s> <unk> <0x41> <sep>  def    <sep>",
    "\x01\x02 a\x00b",
    "\uff41\uff42\uff43\u3000\uff44\uff45\uff46",
]


def train(lines, **options):
    model = io.BytesIO()
    options = {"vocab_size": 1500} | options
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=model,
        minloglevel=2,
        hard_vocab_limit=False,
        num_threads=2,
        **options,
    )
    return model.getvalue()


def judge_of(data):
    return sentencepiece.SentencePieceProcessor(model_proto=data)


@pytest.fixture(scope="module")
def lines(stdlib_texts, udhr_texts):
    code = [line for text in stdlib_texts[::4] for line in text.splitlines()]
    return code + [line for text in udhr_texts[::16] for line in text.splitlines()]


@pytest.fixture(scope="module")
def models(lines):
    trained = {}

    def get(kind):
        if kind not in trained:
            data = train(lines, **KINDS[kind])
            trained[kind] = data, judge_of(data), tokenizer_of(parse(data))
        return trained[kind]

    return get


@pytest.fixture(scope="module")
def trained(lines):
    """A file's bytes, small enough to break at every place."""
    return train(lines[:200], vocab_size=120, model_type="bpe", **PLAIN)


def same_ids_and_texts(mine, judge, some):
    for text in some:
        ids = mine.encode(text)
        assert ids == judge.encode(text), text[:100]
        assert mine.decode(ids) == judge.decode(ids), text[:100]
    assert mine.vocab_size == judge.vocab_size()


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("kind", list(KINDS))
def test_ids_and_decoded_texts_are_those_of_sentencepiece(models, kind, stdlib_texts, udhr_texts):
    _, judge, mine = models(kind)
    some = [*stdlib_texts[1::13], *udhr_texts[::32], *ODD]
    same_ids_and_texts(mine, judge, some)
    assert len(some) >= 3 + 12 + len(ODD)


@pytest.mark.reference
@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_on_all_languages_and_code(models, kind, stdlib_texts, udhr_texts):
    _, judge, mine = models(kind)
    same_ids_and_texts(mine, judge, [*stdlib_texts, *udhr_texts])
    assert len(stdlib_texts) >= 40
    assert len(udhr_texts) >= 388


@pytest.mark.reference
@pytest.mark.parametrize("kind", list(KINDS))
@given(text=texts)
@example("  a \n▁ b ")
@example("e\u0301\u3000<sep>    def")
@shared_fixture
def test_any_text_has_the_ids_of_sentencepiece(models, kind, text):
    _, judge, mine = models(kind)
    if kind == "bpe, space behind" and not judge.normalize(text).strip("▁"):
        return  # where nothing but removed characters is left: see the next test
    ids = mine.encode(text)
    assert ids == judge.encode(text)
    if not text.lstrip(" ").startswith("▁"):
        assert mine.decode(ids) == judge.decode(ids)
    aligned = align(mine.frame.normalizers, text)
    assert aligned.text == mine.frame.normalizers[0](text)
    assert len(mine.offsets(text)) == len(ids)


@pytest.mark.reference
def test_what_is_known_to_differ(models):
    """Of visible spaces that a text itself begins with SentencePiece decodes none, ours all but
    one; and it puts a space behind a text of which the table leaves nothing."""
    _, judge, mine = models("bpe")
    ids = [judge.piece_to_id("▁"), judge.piece_to_id("▁a")]
    assert (mine.decode(ids), judge.decode(ids)) == (" a", "a")
    _, judge, mine = models("bpe, space behind")
    assert (mine.encode("\x01"), judge.encode("\x01", out_type=str)) == ([], ["▁"])


@pytest.mark.reference
def test_offsets_are_those_of_sentencepiece(models):
    _, judge, mine = models("bpe")
    for text in ["Hello  world, 12", "return self", "def e(x):"]:
        pieces = judge.encode(text, return_type="proto").pieces
        for (start, end), theirs in zip(mine.offsets(text), pieces, strict=True):
            # Theirs gives spaces that were removed to the piece before them.
            assert text[start:end].strip() == text[theirs.begin : theirs.end].strip()


@pytest.mark.reference
@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_written_sentencepiece_reads(models, tmp_path, kind, lines):
    data, judge, mine = models(kind)
    write(mine, tmp_path / "own.model")
    again = judge_of((tmp_path / "own.model").read_bytes())
    for text in [*lines[:100], *ODD]:
        assert again.encode(text) == judge.encode(text)
    names = ("bos_id", "eos_id", "pad_id", "unk_id")
    assert [getattr(again, n)() for n in names] == [getattr(judge, n)() for n in names]
    model = parse(data)
    if kind != "word":  # whose scores nothing reads
        assert parse((tmp_path / "own.model").read_bytes()) == model
    assert load(tmp_path / "own.model").definition == mine.definition


@pytest.mark.parametrize("kind", list(KINDS))
def test_saved_as_json_it_is_the_same(models, tmp_path, kind, lines):
    _, _, mine = models(kind)
    mine.save(tmp_path)
    again = load(tmp_path)
    assert again.definition == mine.definition
    for text in [*lines[:100], *ODD]:
        assert again.encode(text) == mine.encode(text)


def test_special_tokens_and_names(models):
    _, judge, mine = models("bpe, own symbols")
    assert mine.special_tokens == {"<s>": 1, "</s>": 2, "<pad>": 3, "<mask>": 4}
    assert (mine.start_token, mine.end_token) == ("<s>", "</s>")
    assert mine.encode("<s>a", allowed_special="all")[0] == 1
    assert 1 not in mine.encode("<s>a")
    assert isinstance(mine, CharacterBPE)
    assert isinstance(models("unigram")[2], Unigram)
    assert mine.decode([0, 0]) == judge.decode([0, 0]) == " ⁇  ⁇ "
    stream = mine.stream()
    assert "".join([stream.push(0), stream.push(0), stream.flush()]) == " ⁇  ⁇ "


# Training


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("by_script", [True, False])
def test_our_training_gives_sentencepieces_pieces_in_its_order(stdlib_texts, by_script):
    """On a megabyte of code, all 3 600 pieces; its shortcut, see `character_bpe_training`, can make
    them differ where equally frequent pairs are many."""
    some = [line for text in stdlib_texts for line in text.splitlines() if line.strip()]
    options = {} if by_script else {"split_by_unicode_script": False, "split_by_number": False}
    data = train(
        some,
        vocab_size=4000,
        model_type="bpe",
        byte_fallback=True,
        normalization_rule_name="identity",
        max_sentence_length=1 << 20,
        **options,
    )
    normalizer = SentencePieceNormalizer()
    mine = CharacterBPE.train(
        some,
        vocab_size=4000,
        normalizer=normalizer,
        options=CharacterTraining(split_by_script=by_script),
    )
    theirs = tokenizer_of(parse(data))
    assert mine.definition.vocabulary == theirs.definition.vocabulary
    assert mine.definition.scores == theirs.definition.scores
    assert len(mine.definition.scores) > 3_600
    assert mine.definition == theirs.definition


@pytest.mark.reference
def test_what_we_train_sentencepiece_reads(tmp_path, stdlib_texts, udhr_texts):
    mine = CharacterBPE.train(stdlib_texts[:10], vocab_size=900)
    write(mine, tmp_path / "own.model")
    judge = judge_of((tmp_path / "own.model").read_bytes())
    for text in [*stdlib_texts, *udhr_texts[::32], *ODD]:
        ids = mine.encode(text)
        assert ids == judge.encode(text)
        assert mine.decode(ids) == judge.decode(ids) or text.startswith("▁")


# Bad input

SOUND = [Piece("<unk>", 0.0, 2), Piece("a"), Piece("b", -1.0), Piece("ab", -2.0)]
BYTES = [Piece(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]


def test_a_model_made_by_hand():
    tokenizer = tokenizer_of(parse(serialize(Model(pieces=SOUND, model_type=2))))
    # The space in front and "?" are no pieces here.
    assert tokenizer.encode("abab?") == [0, 3, 3, 0]


@pytest.mark.parametrize(
    ("pieces", "words"),
    [
        ([], "it has no pieces"),
        ([*SOUND, Piece("a")], "its pieces 1 and 4 are both 'a'"),
        ([*SOUND, Piece("")], "its piece 4 is empty"),
        ([*SOUND, Piece("c", 0.0, 7)], "its piece 'c' has type 7"),
        ([*SOUND, Piece("c", math.nan)], "its piece 'c' has the score nan"),
        ([*SOUND, Piece("c", math.inf)], "its piece 'c' has the score inf"),
        (SOUND[1:], "it has 0 pieces of type unknown; wanted one"),
        ([*SOUND, Piece("?", 0.0, 2)], "it has 2 pieces of type unknown"),
        ([*SOUND, *BYTES[1:]], "its pieces for bytes are not the 256"),
        ([*SOUND, *BYTES], "but says that it does not fall back on them"),
        ([*SOUND, Piece("c" * 600)], "a piece has 600 characters; "),
    ],
)
def test_a_model_that_cannot_be_is_refused(tmp_path, pieces, words):
    data = b"".join(
        field(1, field(1, p.text) + field(2, p.score) + field(3, p.type)) for p in pieces
    )
    path = tmp_path / "x.model"
    path.write_bytes(data + field(2, field(3, 2)))
    with pytest.raises(ValueError, match=words) as problem:
        read(path)
    assert str(problem.value).startswith(f"{path} is not a readable SentencePiece model: ")


PIECES = b"".join(field(1, field(1, p.text) + field(2, p.score) + field(3, p.type)) for p in SOUND)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (PIECES + field(2, field(3, 9)), "its type is 9; there are 1 to 4"),
        (PIECES + field(2, 5), "field 2 holds a number where bytes were wanted"),
        (PIECES + field(2, field(35, b"x")), "field 35 holds bytes where a number was wanted"),
        (PIECES + field(3, field(2, b"xyz")), "its table of replacements has 3 bytes"),
        (PIECES + field(5, field(2, b"xyz")), "it has a denormalizer, which is not built"),
        (PIECES + field(1, field(1, b"\xff\xfe")), "not UTF-8"),
        (PIECES + field(1, field(1, "x") + field(2, 5)), "is no number of four bytes"),
        (b"\x0a\xff\xff\xff\xff\x7f", "says it has 34359738367 bytes, and only 0 follow"),
        (b"GGUF" + bytes(40), "field 8 has wire type 7, which is not built"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, data, words):
    path = tmp_path / "x.model"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=words):
        load(path)


def test_a_file_cut_off_anywhere_is_refused_or_a_smaller_vocabulary(trained):
    """Between two fields a cut leaves a whole message: fewer pieces, or other options."""
    whole = parse(trained)
    refused = 0
    for end in range(len(trained)):
        try:
            model = parse(trained[:end])
        except ValueError:
            refused += 1
        else:
            assert model.pieces == whole.pieces[: len(model.pieces)]
    assert refused > 0.9 * len(trained)


@given(places=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 255)), max_size=6))
@shared_fixture
def test_damage_is_refused_or_harmless(trained, places):
    data = bytearray(trained)
    for place, value in places:
        data[place % len(data)] = value
    with contextlib.suppress(ValueError):
        tokenizer = tokenizer_of(parse(bytes(data)))
        tokenizer.decode(tokenizer.encode("def abc  x\u0301 \U0001f600"))


def test_a_file_that_is_too_large_or_not_there(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "none.model")
    (tmp_path / "x.model").write_bytes(bytes(20))
    monkeypatch.setattr(sentencepiece_model, "_LARGEST_FILE", 10)
    with pytest.raises(ValueError, match="has more than 10 bytes"):
        read(tmp_path / "x.model")


def test_what_such_a_file_cannot_say_is_not_written(small):
    with pytest.raises(ValueError, match="a BPE cannot be a SentencePiece model"):
        model_of(small)
    merged = CharacterBPE.train_merges(["a b ab"], vocab_size=9)
    with pytest.raises(ValueError, match="needs a SentencePieceNormalizer"):
        model_of(merged)
    normal = (SentencePieceNormalizer(),)
    for options, words in (
        ({"normalizers": normal}, "no pre-tokenizers"),
        ({"normalizers": normal, "pre_tokenizers": ()}, "has a list of merges"),
    ):
        with pytest.raises(ValueError, match=words):
            model_of(CharacterBPE(replace(merged.definition, **options)))
