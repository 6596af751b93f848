"""The vocabulary is Hugging Face's, token for token, and by likelihood that of a plain count.

Their trainer gives the continuing characters ids in the order of a hash table, another one each
time, and equally frequent pairs merge in the order of their ids. So the comparison takes the
characters in the order that theirs had, and then all else must be equal.
"""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

from groundup.tokenizers import wordpiece_training
from groundup.tokenizers.bert_normalizer import BertNormalizer
from groundup.tokenizers.pieces import count_pieces
from groundup.tokenizers.pre_tokenize import BERT
from groundup.tokenizers.wordpiece import SPECIAL_TOKENS, WordPiece
from groundup.tokenizers.wordpiece_training import alphabet, learn_vocabulary

UNKNOWN = "[UNK]"


def their_tokens(texts, **options):
    judge = Tokenizer(models.WordPiece(unk_token=UNKNOWN))
    judge.normalizer = normalizers.BertNormalizer()
    judge.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(special_tokens=[UNKNOWN], show_progress=False, **options)
    judge.train_from_iterator(texts, trainer)
    ids = judge.get_vocab()
    return sorted(ids, key=ids.get)


def assert_equal(texts, monkeypatch, **options):
    wanted = their_tokens(texts, **options)
    words = count_pieces(texts, [BertNormalizer()], [BERT])
    letters = alphabet(words)
    in_their_order = wanted[1 : 1 + len(letters)]
    assert set(in_their_order) == set(letters)
    with monkeypatch.context() as patched:
        patched.setattr(wordpiece_training, "alphabet", lambda words, special: in_their_order)
        assert learn_vocabulary(words, special_tokens=[UNKNOWN], **options) == wanted
    return len(wanted)


@pytest.mark.reference
@pytest.mark.parametrize("size", [300, 1000, 8000])
def test_the_vocabulary_of_the_standard_library_is_that_of_tokenizers(
    stdlib_texts, monkeypatch, size
):
    assert assert_equal(stdlib_texts, monkeypatch, vocab_size=size) == size


@pytest.mark.slow
@pytest.mark.reference
def test_the_vocabulary_of_many_languages_is_that_of_tokenizers(udhr_texts, monkeypatch):
    texts = [text[:4000] for text in udhr_texts[::4]]
    assert assert_equal(texts, monkeypatch, vocab_size=12_000) == 12_000


@pytest.mark.reference
@given(
    words=st.lists(st.text("abcd", min_size=1, max_size=8), min_size=1),
    size=st.integers(10, 60),
    least=st.integers(0, 3),
)
def test_the_vocabulary_of_any_words_is_that_of_tokenizers(words, size, least):
    with pytest.MonkeyPatch.context() as patched:
        assert_equal([" ".join(words)], patched, vocab_size=size, min_frequency=least)


def joined(row, a, b, new):
    """The row with `new` for each a that b follows, from the left."""
    if len(row) < 2:
        return row
    if row[:2] == [a, b]:
        return [new, *joined(row[2:], a, b, new)]
    return [row[0], *joined(row[1:], a, b, new)]


def plainly(words, size, min_frequency):
    """By likelihood, counting everything anew before each merge."""
    rows = {word: [word[0], *("##" + c for c in word[1:])] for word in words}
    tokens = alphabet(words)
    while len(tokens) < size:
        ids = {token: i for i, token in enumerate(tokens)}
        pairs, singles = Counter(), Counter()
        for word, row in rows.items():
            for token in row:
                singles[token] += words[word]
            for pair in pairwise(row):
                pairs[pair] += words[word]
        frequent = [pair for pair, count in pairs.items() if count >= min_frequency]
        if not frequent:
            break
        a, b = min(
            frequent,
            key=lambda p: (-pairs[p] / (singles[p[0]] * singles[p[1]]), ids[p[0]], ids[p[1]]),
        )
        new = a + b.removeprefix("##")
        if new not in ids:
            tokens.append(new)
        rows = {word: joined(row, a, b, new) for word, row in rows.items()}
    return tokens


@given(
    words=st.dictionaries(st.text("abc", min_size=1, max_size=6), st.integers(1, 9), min_size=1),
    size=st.integers(6, 25),
    least=st.integers(1, 4),
)
def test_by_likelihood_it_is_that_of_a_plain_count(words, size, least):
    ours = learn_vocabulary(
        words, vocab_size=size, special_tokens=[], min_frequency=least, score="likelihood"
    )
    assert ours == plainly(words, size, least)


def test_the_two_scores_choose_what_they_say():
    """`ab` is most frequent; `x` and `y` stand nowhere but beside each other."""
    words = {"ab": 50, "ac": 40, "db": 40, "xy": 3}
    letters = len(alphabet(words))
    for score, first in (("frequency", "ab"), ("likelihood", "xy")):
        tokens = learn_vocabulary(words, vocab_size=letters + 1, special_tokens=[], score=score)
        assert tokens[-1] == first


def test_characters_come_before_what_was_joined():
    words = {"ba": 1, "a": 1}
    assert alphabet(words) == ["a", "b", "##a"]
    assert learn_vocabulary(words, vocab_size=9, special_tokens=["[UNK]", "b"]) == [
        "[UNK]",
        "b",
        "a",
        "##a",
        "ba",
    ]


def test_the_trained_tokenizer_puts_berts_tokens_around_a_text(stdlib_texts):
    tokenizer = WordPiece.train(stdlib_texts[:3], vocab_size=400)
    cls, sep = (SPECIAL_TOKENS.index(name) for name in ("[CLS]", "[SEP]"))
    ids = tokenizer.encode("def f(x)", add_special_tokens=True)
    assert (ids[0], ids[-1]) == (cls, sep)
    assert tokenizer.decode(ids, skip_special_tokens=True) == "def f ( x )"
    bare = WordPiece.train(stdlib_texts[:3], vocab_size=400, special_tokens=(UNKNOWN,))
    assert bare.encode("def", add_special_tokens=True) == bare.encode("def")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vocab_size": 6}, "vocab_size is 6; the special tokens and the characters .* need 8"),
        ({"vocab_size": 4}, "vocab_size is 4; 5 special tokens"),
        ({"vocab_size": 9, "score": "best"}, "the score is 'best'; wanted 'frequency'"),
        ({"vocab_size": 9, "special_tokens": ("<e>",)}, r"the unknown token '\[UNK\]' is not one"),
    ],
)
def test_bad_options_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        WordPiece.train(["ab"], **options)
