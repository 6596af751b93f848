"""Byte-level BPE: round trips, the judges' ids, and a learner's merge in its place."""

import pickle
import random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from groundup import swap
from groundup.tokenizers.bpe import BPE, SPECIAL_TOKENS, learn_merges, merge
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.split import GPT2, GPT4

texts = st.text(st.characters(codec="utf-8"))
shared_fixture = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def test_merge():
    assert merge([1, 1, 1, 2], (1, 1), 9) == [9, 1, 2]
    assert merge([3, 1, 2, 1, 2], (1, 2), 9) == [3, 9, 9]
    assert merge([2, 1], (1, 2), 9) == [2, 1]
    assert merge([], (1, 2), 9) == []


def test_merge_leaves_its_argument_alone():
    ids = [1, 2, 1, 2]
    merge(ids, (1, 2), 9)
    assert ids == [1, 2, 1, 2]


def test_training_by_hand():
    """Sennrich's example: e-s twice nine times, then es-t, then l-o."""
    pieces = {"low": 5, "lower": 2, "newest": 6, "widest": 3}
    merges = learn_merges(pieces, byte_ids=range(256), first_id=256, count=3)
    assert merges == [(ord("e"), ord("s"), 256), (256, ord("t"), 257), (ord("l"), ord("o"), 258)]


def test_equal_counts_go_to_the_smallest_ids_and_rare_pairs_stay_apart():
    counts = {"cd": 2, "ab": 2, "xy": 1}
    merges = learn_merges(counts, byte_ids=range(256), first_id=256, count=9)
    assert [chr(left) + chr(right) for left, right, _ in merges] == ["ab", "cd"]
    more = learn_merges(counts, byte_ids=range(256), first_id=256, count=9, min_frequency=1)
    assert len(more) == 3


def test_counts_are_whole_numbers_of_any_size():
    big = {"ab": 2**70 + 1, "cd": 2**70}
    assert learn_merges(big, byte_ids=range(256), first_id=256, count=1)[0][:2] == (97, 98)


def test_the_layout_of_ids(small):
    assert small.special_tokens == {name: i for i, name in enumerate(SPECIAL_TOKENS)}
    assert small.token_bytes(3) == b"!"
    assert sorted(small.token_bytes(token) for token in range(3, 259)) == [
        bytes([byte]) for byte in range(256)
    ]
    assert small.vocab_size == 1024 == 3 + 256 + len(small.merges)
    left, right = small.merges[0]
    assert small.token_bytes(259) == left + right


def test_the_order_of_texts_does_not_matter(stdlib_texts, small):
    shuffled = random.Random(0).sample(stdlib_texts, len(stdlib_texts))
    assert BPE.train(shuffled, vocab_size=1024).merges == small.merges


def test_a_text_too_small_gives_fewer_tokens():
    assert BPE.train(["abcd"], vocab_size=1000).merges == []
    assert BPE.train(["ab ab ab"], vocab_size=1000).merges == [(b"a", b"b"), (b" ", b"ab")]
    assert BPE.train([], vocab_size=300).vocab_size == 259


@pytest.mark.reference
@pytest.mark.parametrize("pattern", [GPT2, GPT4], ids=["gpt2", "gpt4"])
def test_training_is_that_of_tokenizers(stdlib_texts, pattern):
    judge = Tokenizer(models.BPE())
    cuts = [pre_tokenizers.Split(Regex(pattern), "isolated")]
    cuts += [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    judge.pre_tokenizer = pre_tokenizers.Sequence(cuts)
    judge.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    judge.train_from_iterator(stdlib_texts[:16], trainer)
    ours = BPE.train(stdlib_texts[:16], vocab_size=1000, pattern=pattern)
    for text in [*stdlib_texts[:10], "naïve café 中文 😀"]:
        assert ours.encode(text) == judge.encode(text).ids


@given(text=texts)
@example("")
@example("   ")
@example("a\r\n\tb\x00")
@example("\N{GRINNING FACE}\N{ZERO WIDTH JOINER}é" * 70)
@shared_fixture
def test_text_comes_back(small, text):
    ids = small.encode(text)
    assert small.decode(ids) == text
    assert small.decode_bytes(ids) == text.encode()


def test_special_tokens_in_text_are_plain_text_unless_allowed(small):
    text = "a<|im_end|>b<|endoftext|>"
    plain = small.encode(text)
    assert not set(plain) & set(small.special_tokens.values())
    assert small.decode(plain) == text
    some = small.encode(text, allowed_special={"<|im_end|>"})
    assert some.count(small.special_tokens["<|im_end|>"]) == 1
    assert small.special_tokens["<|endoftext|>"] not in some
    assert small.decode(some) == text


def test_of_two_special_tokens_the_longer_one_is_taken():
    tokenizer = BPE.train([], vocab_size=258, special_tokens=("<a>", "<a><b>"))
    assert tokenizer.encode("<a><b><a>", allowed_special={"<a>", "<a><b>"}) == [1, 0]


def test_added_tokens_are_taken_in_any_text(small):
    definition = small.definition
    tokenizer = BPE(Definition(**(vars(definition) | {"added_tokens": {"<think>": 1024}})))
    assert tokenizer.encode("a<think>b") == [*small.encode("a"), 1024, *small.encode("b")]
    assert tokenizer.decode([1024]) == "<think>"


def test_half_a_character_becomes_the_replacement_character(small):
    first = small.encode("😀")[:1]
    assert small.decode(first) == "\ufffd"


def test_a_byte_without_a_token_is_left_out():
    definition = Definition(tokens={0: b"a"}, merges=[], patterns=(GPT2,))
    assert BPE(definition).encode("ab a") == [0, 0]


def test_a_piece_that_is_a_token_can_be_taken_whole():
    tokens = {0: b"a", 1: b"b", 2: b"c", 3: b"ab", 4: b"abc"}
    rules = {"tokens": tokens, "merges": [(0, 1, 3)], "patterns": (GPT2,)}
    assert BPE(Definition(**rules)).encode("abc") == [3, 2]
    assert BPE(Definition(**rules, whole_first=True)).encode("abc") == [4]


def test_a_tokenizer_travels_between_processes(small):
    copy = pickle.loads(pickle.dumps(small))
    assert copy.encode("def f():") == small.encode("def f():")


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda t: t.encode("ab\ud800c"), "character 2 of the text is the lone surrogate U\\+D800"),
        (lambda t: t.encode("a", allowed_special={"<x>"}), "'<x>' is not a special token here"),
        (lambda t: t.decode([1024]), "no token 1024; this vocabulary's ids run to 1023"),
        (lambda t: t.decode([-1]), "no token -1"),
        (lambda t: BPE.train([], vocab_size=200), "need at least 259"),
        (lambda t: BPE.train([], special_tokens=("a", "a")), "must be different"),
        (lambda t: BPE.train(["\udfff"]), "lone surrogate U\\+DFFF"),
        (lambda t: t.with_chat("", end_token="<x>"), "'<x>' is not one of the special tokens"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(small, act, words):
    with pytest.raises(ValueError, match=words) as problem:
        act(small)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("name", ["a", "ab", "!", "Ġab"])
def test_a_special_token_that_is_written_as_an_ordinary_one_is_refused(name):
    """In a file both would be one entry."""
    with pytest.raises(ValueError, match=f"'{name}' is also how files write the ordinary token"):
        BPE.train(["ab ab abab ab ab"] * 5, vocab_size=300, special_tokens=[name])
    assert BPE.train(["ab ab"], vocab_size=300, special_tokens=["xyz", "Ġ ab"]).vocab_size > 258


def test_a_merge_of_unknown_tokens_is_refused():
    with pytest.raises(ValueError, match=r"merge 0 \(0, 7, 1\) needs token 7"):
        Definition(tokens={0: b"a", 1: b"b"}, merges=[(0, 7, 1)], patterns=())


SLICES = """
def merge(ids, pair, new_id):
    merged = []
    while ids:
        whole = tuple(ids[:2]) == pair
        merged.append(new_id if whole else ids[0])
        ids = ids[2 if whole else 1 :]
    return merged
"""
WRONG = "def merge(ids, pair, new_id):\n    return [new_id]\n"


@pytest.fixture
def use(tmp_path):
    def load(source, part="tokenizers.bpe:merge"):
        path = tmp_path / "mine.py"
        path.write_text(source)
        return swap.replaced([swap.load(f"{part}={path}")])

    return load


def test_a_learners_right_merge_gives_the_same_tokenizer_and_the_same_ids(use, stdlib_texts):
    sample = stdlib_texts[:4]
    ours = BPE.train(sample, vocab_size=500)
    with use(SLICES):
        theirs = BPE.train(sample, vocab_size=500)
        assert theirs.merges == ours.merges
        text = sample[0][:2000] + "=" * 200
        ids = theirs.encode(text)
    assert ids == ours.encode(text)


LEARNS_NOTHING = """
from groundup.observe.progress import unwatched

def continue_merges(
    pieces, frequencies, *, tokens, first_id, count, min_frequency=2, advance=unwatched
):
    return []
"""
NEVER_MERGES = "def merge_plainly(symbols, lookup):\n    return list(symbols)\n"


def test_a_learners_training_really_runs(use, stdlib_texts):
    with use(LEARNS_NOTHING, "tokenizers.bpe:continue_merges"):
        assert BPE.train(stdlib_texts[:1], vocab_size=300).merges == []


def test_a_learners_encoding_really_runs(use, small):
    before = small.encode("return self")
    with use(NEVER_MERGES, "tokenizers.merging:merge_plainly"):
        assert len(small.encode("return self")) == len("return self")
    assert small.encode("return self") == before


def test_a_learners_wrong_merge_really_runs_and_leaves_nothing_behind(use, small):
    before = small.encode("return self")
    with use(WRONG):
        assert small.encode("return self") != before
        assert len(small.encode("=" * 100)) == 1
    assert small.encode("return self") == before
