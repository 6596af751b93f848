import pytest

from groundup.tokenizers.kinds import KINDS, kind_named, train_kind, unknown_id
from groundup.tokenizers.tokenizer import Tokenizer

TEXTS = ["how much wood would a woodchuck chuck? as much as it could.\n"] * 3


@pytest.mark.parametrize("name", KINDS)
def test_every_name_is_a_kind(name):
    assert issubclass(kind_named(name), Tokenizer)


def test_a_kind_there_is_not_is_refused():
    with pytest.raises(ValueError, match="no kind of tokenizer 'bpee'; there are: bpe, characters"):
        kind_named("bpee")


@pytest.mark.parametrize(
    ("name", "unknown"),
    [("bpe", None), ("bytes", None), ("characters", 0), ("words", 0), ("wordpiece", 1)],
)
def test_training_by_name_and_what_is_unknown(name, unknown):
    tokenizer = train_kind(name, TEXTS, vocab_size=300)
    assert type(tokenizer) is kind_named(name)
    assert unknown_id(tokenizer) == unknown
    if unknown is not None:
        assert unknown in tokenizer.encode("würde")


@pytest.mark.parametrize("name", ["unigram", "character-bpe"])
def test_kinds_that_fall_back_on_bytes_know_their_unknown_id(name):
    tokenizer = train_kind(name, TEXTS, vocab_size=300)
    found = unknown_id(tokenizer)
    assert found is not None
    assert tokenizer.definition.unknown == "<unk>"
    assert found not in tokenizer.encode("würde")


def test_where_unknown_words_are_dropped_none_has_an_id():
    assert unknown_id(train_kind("words", TEXTS, vocab_size=300, unknown="drop")) is None


def test_an_option_that_a_kind_has_not_is_refused():
    with pytest.raises(ValueError, match=r"'words' has no pattern to choose; it has: vocab size"):
        train_kind("words", TEXTS, vocab_size=300, pattern="gpt2")
