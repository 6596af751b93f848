"""Words have the ids of Hugging Face's WordLevel; what is unknown is as the policy says."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from groundup.tokenizers.definition import Frame
from groundup.tokenizers.normalize import Lowercase
from groundup.tokenizers.pre_tokenize import WHITESPACE_SPLIT
from groundup.tokenizers.tokenizer_json import frame_json
from groundup.tokenizers.words import DROP, ERROR, Words

UNKNOWN = "[UNK]"


def judge(texts, **options):
    made = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        special_tokens=[UNKNOWN, "<e>"], show_progress=False, **options
    )
    made.train_from_iterator(texts, trainer)
    return made


@pytest.fixture(scope="module")
def trained(stdlib_texts):
    special = (UNKNOWN, "<e>")
    return Words.train(
        stdlib_texts[:12], vocab_size=3000, special_tokens=special, normalizers=[Lowercase()]
    )


@pytest.mark.reference
def test_the_vocabulary_is_that_of_tokenizers(trained, stdlib_texts):
    theirs = judge(stdlib_texts[:12], vocab_size=3000)
    assert trained.vocabulary == theirs.get_vocab()
    assert trained.vocab_size == len(trained.vocabulary) > 2500


@pytest.mark.slow
@pytest.mark.reference
def test_ids_and_texts_of_the_library_are_those_of_tokenizers(trained, stdlib_texts):
    theirs = judge(stdlib_texts[:12], vocab_size=3000)
    compared = 0
    for text in stdlib_texts:
        encoding = theirs.encode(text)
        assert trained.encode(text, allowed_special="all") == encoding.ids
        assert trained.offsets(text, allowed_special="all") == encoding.offsets
        wanted = theirs.decode(encoding.ids, skip_special_tokens=False)
        assert trained.decode(encoding.ids) == wanted
        compared += len(encoding.ids)
    assert compared > 150_000


@pytest.mark.reference
@given(texts=st.lists(st.text("aAb .,!1é", max_size=30), max_size=8), least=st.integers(0, 3))
def test_any_texts_give_the_vocabulary_of_tokenizers(texts, least):
    options = {"vocab_size": 8, "min_frequency": least}
    special = (UNKNOWN, "<e>")
    ours = Words.train(texts, special_tokens=special, normalizers=[Lowercase()], **options)
    assert ours.vocabulary == judge(texts, **options).get_vocab()


def test_what_is_unknown_becomes_what_the_policy_says():
    texts, text = ["the cat sat"], "the dog sat"
    one = Words.train(texts, vocab_size=9)
    assert one.decode(one.encode(text)) == "the [UNK] sat"
    assert one.offsets(text) == [(0, 3), (4, 7), (8, 11)]
    none = Words.train(texts, vocab_size=9, special_tokens=(), unknown=DROP)
    assert none.decode(none.encode(text)) == "the sat"
    assert none.offsets(text) == [(0, 3), (8, 11)]
    strict = Words.train(texts, vocab_size=9, special_tokens=(), unknown=ERROR)
    assert strict.decode(strict.encode(texts[0])) == texts[0]
    with pytest.raises(ValueError, match="'dog' is not in the vocabulary; train on texts that"):
        strict.encode(text)


@pytest.mark.parametrize("unknown", [UNKNOWN, DROP, ERROR])
def test_the_policy_is_saved(unknown, tmp_path):
    Words.train(["a b"], vocab_size=5, unknown=unknown).save(tmp_path)
    assert Words.load(tmp_path).unknown == unknown


@pytest.mark.reference
@pytest.mark.parametrize("unknown", [DROP, ERROR])
def test_tokenizers_reads_the_other_policies_too_and_knows_the_known(unknown, tmp_path):
    made = Words.train(["a b c"], vocab_size=5, special_tokens=(), unknown=unknown)
    made.save(tmp_path)
    theirs = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert theirs.encode("c a b").ids == made.encode("c a b")


def test_a_special_tokens_name_in_a_text_is_an_unknown_word():
    made = Words.train(["a b"], vocab_size=9, pre_tokenizers=[WHITESPACE_SPLIT])
    assert made.encode("a [UNK]") == [1, 0]
    made = Words.train(
        ["a b <e>"],
        vocab_size=9,
        special_tokens=(UNKNOWN, "<e>"),
        pre_tokenizers=[WHITESPACE_SPLIT],
    )
    assert made.encode("a <e>") == [made.vocabulary["a"], 0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vocab_size": 1}, "vocab_size is 1; 1 special tokens and .* at least 2"),
        ({"vocab_size": 5, "unknown": "<oov>"}, "are to become '<oov>', which is neither"),
        ({"vocab_size": 5, "special_tokens": ("a", "a")}, "special tokens must be different"),
        ({"vocab_size": 5, "special_tokens": "[UNK]"}, "special tokens must be different"),
        ({"vocab_size": 5, "special_tokens": ("",)}, "special tokens must be different"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        Words.train(["a b"], **options)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ({"vocab": {"a": -1}}, "its token 'a' has the id -1"),
        ({"vocab": {"a": 1 << 31}}, "its token 'a' has the id 2147483648"),
        ({"vocab": {"a": True}}, "its token 'a' has the id True"),
        ({"vocab": {"a": 0, "b": 0}}, "'a' and 'b' share the id 0"),
        ({"vocab": {"a": 0}, "unk_token": "a"}, "unk_token 'a' is not one of its special tokens"),
        ({"type": "WordPiece", "vocab": {}}, "its model is WordPiece; wanted WordLevel"),
    ],
)
def test_bad_files_are_refused(model, words, tmp_path):
    model = {"type": "WordLevel", "unk_token": ""} | model
    data = frame_json(Frame(), model=model, decoder=None)
    (tmp_path / "tokenizer.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=words):
        Words.load(tmp_path)
