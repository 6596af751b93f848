"""Byte-level BPE against its judges on much real text, and its two paths against each other."""

import random
import sysconfig
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tiktoken
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from groundup.tokenizers import tiktoken_file
from groundup.tokenizers.bpe import BPE, SPECIAL_TOKENS
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.load import load
from groundup.tokenizers.split import GPT4, PATTERNS

VOCABULARIES = ["gpt2", "cl100k_base", "o200k_base"]
ODD = [
    "",
    " ",
    "a" * 50_000,
    " " * 50_000,
    "\n" * 3_000 + " " * 3_000,
    "ab" * 25_000,
    "\u0301" * 20_000,
    "🏳️‍🌈👩‍👩‍👧‍👦🇳🇱e\u0301\u0327n\u0303" * 300,
    "שלום עולם، مرحبا بالعالم\u200f" * 400,
    "中文字" * 10_000,
    "don't DON'T we'Ll it\u2019s '\u017f '\u017fs",
    "\x00\x01\x7f\x80\xff\ufffd\ufffe\U0010ffff",
    "1234567890" * 2_000,
    "tabs\tand\r\nlines\r\r\n \x0b\x0c\x85\u2028 end \n ",
]
texts = st.text(st.characters(codec="utf-8"))
shared_fixture = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)


@pytest.fixture(scope="session")
def whole_stdlib():
    """Every source file of the standard library that is UTF-8, some 30 MB."""
    root = Path(sysconfig.get_paths()["stdlib"])
    found = []
    for file in sorted(root.rglob("*.py")):
        if "site-packages" not in file.parts:
            try:
                found.append(file.read_bytes().decode())
            except UnicodeDecodeError:
                continue
    return found


def definition_of(name, shared_data):
    if name == "gpt2":
        return tiktoken_file.read_pair(shared_data / "gpt2_bpe")
    return tiktoken_file.read(shared_data / "tiktoken_vocabs" / f"{name}.tiktoken.gz")


@pytest.fixture(scope="session", params=VOCABULARIES)
def pair(request, shared_data):
    """Ours, and tiktoken's own encoding with its own pattern for that name."""
    public = pytest.importorskip("tiktoken_ext.openai_public")
    definition = definition_of(request.param, shared_data)
    ranks = {data: token for token, data in definition.tokens.items()}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(public, "load_tiktoken_bpe", lambda *args, **options: ranks)
        patch.setattr(public, "data_gym_to_mergeable_bpe_ranks", lambda *args, **options: ranks)
        facts = public.ENCODING_CONSTRUCTORS[request.param]()
    facts.pop("explicit_n_vocab", None)
    return BPE(definition), tiktoken.Encoding(**facts)


def mismatches(pair, all_texts):
    ours, judge = pair
    return [text[:60] for text in all_texts if ours.encode(text) != judge.encode_ordinary(text)]


@pytest.mark.reference
@pytest.mark.slow
def test_the_whole_standard_library_has_tiktokens_ids(pair, whole_stdlib):
    assert sum(map(len, whole_stdlib)) > 20_000_000
    assert mismatches(pair, whole_stdlib) == []


@pytest.mark.reference
def test_388_languages_have_tiktokens_ids(pair, udhr_texts):
    assert len(udhr_texts) >= 388
    assert mismatches(pair, udhr_texts) == []


@pytest.mark.reference
def test_odd_texts_have_tiktokens_ids(pair):
    assert mismatches(pair, ODD) == []


@pytest.mark.reference
@given(text=texts)
@shared_fixture
def test_any_text_has_tiktokens_ids(pair, text):
    assert mismatches(pair, [text]) == []


@pytest.mark.reference
def test_random_pieces_of_texts_have_tiktokens_ids(pair, udhr_texts, stdlib_texts):
    rng = random.Random(0)
    everything = [*udhr_texts, *stdlib_texts, *ODD]
    snippets = []
    for _ in range(4000):
        parts = [rng.choice(everything) for _ in range(3)]
        cuts = [rng.randrange(len(part) + 1) for part in parts]
        snippets.append(
            "".join(p[c : c + rng.randrange(12)] for p, c in zip(parts, cuts, strict=True))
        )
    assert mismatches(pair, snippets) == []


@pytest.mark.reference
def test_lone_surrogates_are_replaced_as_tiktoken_does(pair):
    ours, judge = pair
    for text in ["a\ud800b", "\udc00", "\ud83d\ude00 joined", "\ude00\ud83d", "x\udfff" * 9]:
        assert ours.encode(text, errors="replace") == judge.encode_ordinary(text)
        with pytest.raises(ValueError, match="lone surrogate"):
            ours.encode(text)
        with pytest.raises(ValueError, match="lone surrogate"):
            ours.encode_batch([text])


@pytest.mark.reference
def test_bytes_that_are_no_utf8_have_tiktokens_ids(pair):
    ours, judge = pair
    rng = random.Random(0)
    for _ in range(5000):
        data = bytes(rng.choices(b"ab \n\t\xc3\xa9\xff\xf0\x9f\x98\x80.'s0", k=rng.randrange(16)))
        ids = ours.encode_bytes(data)
        assert ids == judge._encode_bytes(data)
        assert ours.decode_bytes(ids) == data


@pytest.mark.reference
def test_special_tokens_are_allowed_and_refused_as_in_tiktoken(pair):
    ours, judge = pair
    text = "a <|endoftext|>\n<|endofprompt|> <|endoftext|>b"
    for allowed in ["all", {"<|endoftext|>"}, set()]:
        assert ours.encode(text, allowed_special=allowed) == judge.encode(
            text, allowed_special=allowed, disallowed_special=()
        )
    with pytest.raises(ValueError, match="disallowed special token"):
        judge.encode(text)
    with pytest.raises(ValueError, match=r"holds the special token '<\|endoftext\|>'"):
        ours.encode(text, disallowed_special="all")


def test_batches_are_the_same_for_any_number_of_threads(pair, stdlib_texts):
    ours, _ = pair
    single = [ours.encode(text) for text in stdlib_texts]
    for threads in (1, 2, 5):
        batch = ours.encode_batch(stdlib_texts, threads=threads)
        assert [ids.tolist() for ids in batch] == single
        assert all(ids.dtype == np.int32 for ids in batch)


def test_offsets_give_the_characters_of_every_id(pair, udhr_texts):
    ours, _ = pair
    for text in [*udhr_texts[::40], "naïve 🏳️‍🌈 中", ""]:
        spans = ours.offsets(text)
        for token, (start, end) in zip(ours.encode(text), spans, strict=True):
            assert ours.token_bytes(token) in text[start:end].encode()
        edges = [(0, 0), *spans, (len(text), len(text))]
        for (start, end), (after, _) in pairwise(edges):
            assert start <= after <= end, "no character is left out"


@given(text=texts, dropout=st.sampled_from([0.0, 0.1, 0.9, 1.0]), seed=st.integers(0, 9))
@example("a" * 300, 0.5, 0)
@shared_fixture
def test_dropout_changes_how_a_text_is_cut_and_nothing_else(small, text, dropout, seed):
    ids = small.encode_with_dropout(text, dropout, random.Random(seed))
    assert small.decode(ids) == text
    if dropout == 0:
        assert ids == small.encode(text)
    if dropout == 1:
        assert len(ids) == len(text.encode())


@given(text=texts)
@example("=" * 70 + "a" * 70)
@shared_fixture
def test_the_plain_path_and_the_fast_one_agree(small, text):
    assert BPE(small.definition, fast=False).encode(text) == small.encode(text)


@pytest.mark.parametrize("name", VOCABULARIES)
def test_the_plain_path_reads_the_same_vocabularies(shared_data, name, udhr_texts):
    definition = definition_of(name, shared_data)
    fast, plain = BPE(definition), BPE(definition, fast=False)
    for text in udhr_texts[::50]:
        assert plain.encode(text[:600]) == fast.encode(text[:600])


def test_a_foreign_pattern_is_cut_by_regular_expression_and_merged_fast(stdlib_texts):
    pattern = r"[a-z]+|[A-Z]+|\s|[^a-zA-Z\s]+"
    ours = BPE.train(stdlib_texts[:8], vocab_size=700, pattern=pattern)
    plain = BPE(ours.definition, fast=False)
    for text in stdlib_texts[:4]:
        assert ours.encode(text) == plain.encode(text)
        assert ours.decode(ours.encode(text)) == text


def judged_training(all_texts, pattern, vocab_size):
    judge = Tokenizer(models.BPE())
    cuts = [pre_tokenizers.Split(Regex(part), "isolated") for part in PATTERNS[pattern]]
    cuts += [pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    judge.pre_tokenizer = pre_tokenizers.Sequence(cuts)
    judge.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=2,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    judge.train_from_iterator(all_texts, trainer)
    return judge


@pytest.mark.reference
@pytest.mark.slow
@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "o200k"])
def test_32768_tokens_of_the_standard_library_are_those_of_tokenizers(
    whole_stdlib, pattern, tmp_path
):
    """Token for token, merge for merge."""
    sample = whole_stdlib[::2]
    judge = judged_training(sample, pattern, 32_768)
    judge.save(str(tmp_path / "tokenizer.json"))
    theirs = BPE.load(tmp_path / "tokenizer.json").definition
    ours = BPE.train(sample, vocab_size=32_768, pattern=pattern).definition
    assert len(ours.merges) == 32_768 - 259
    assert ours.merges == theirs.merges
    assert ours.tokens == theirs.tokens


@pytest.mark.slow
@pytest.mark.reference
def test_smaller_ones_of_many_languages_are_those_of_tokenizers(udhr_texts, tmp_path):
    judge = judged_training(udhr_texts, "o200k", 8000)
    judge.save(str(tmp_path / "tokenizer.json"))
    theirs = BPE.load(tmp_path / "tokenizer.json").definition
    assert (
        BPE.train(udhr_texts, vocab_size=8000, pattern="o200k").definition.merges == theirs.merges
    )


@pytest.mark.reference
@given(all_texts=st.lists(st.text("ab ", max_size=40), max_size=5))
@example(["aaaaaaa aaaaa aaa aaaa", "abaabaab aab aba"])
@settings(deadline=None, max_examples=200)
def test_on_small_alphabets_the_merges_are_those_of_tokenizers(all_texts):
    """Here ties are everywhere."""
    judge = judged_training(all_texts, "llama3", 320)
    ours = BPE.train(all_texts, vocab_size=320)
    ids = judge.get_vocab()
    assert len(ids) == ours.vocab_size
    for text in [*all_texts, "aaaa aa", "abab"]:
        assert ours.encode(text) == judge.encode(text).ids


def test_a_vocabulary_whose_ids_have_gaps_is_encoded(small):
    tokens = {3 * token: data for token, data in small.definition.tokens.items()}
    merges = [(3 * a, 3 * b, 3 * c) for a, b, c in small.definition.merges]
    wide = BPE(Definition(tokens=tokens, merges=merges, patterns=(GPT4,)))
    text = "def f(x):\n    return x"
    assert wide.encode(text) == [3 * token for token in small.encode(text)]


def test_gpt2s_two_files_are_one_tokenizer(shared_data):
    ours = load(shared_data / "gpt2_bpe")
    assert ours.encode("hello world") == [31373, 995]
