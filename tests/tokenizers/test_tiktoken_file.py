"""Files of ranks are read as tiktoken reads them, written again, and refused where broken."""

import base64
import contextlib
import gzip
import json
from dataclasses import replace

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

from groundup.tokenizers import tiktoken_file
from groundup.tokenizers.bpe import BPE
from groundup.tokenizers.definition import Definition
from groundup.tokenizers.load import load
from groundup.tokenizers.split import GPT2
from groundup.tokenizers.tiktoken_file import explicit_merges, read, read_pair, write

BYTES = {byte: bytes([byte]) for byte in range(256)}


def lines(tokens):
    return b"".join(b"%s %d\n" % (base64.b64encode(data), i) for i, data in tokens.items())


def at(tmp_path, tokens, name="own.tiktoken"):
    path = tmp_path / name
    path.write_bytes(tokens if isinstance(tokens, bytes) else lines(tokens))
    return path


@pytest.mark.reference
@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base", "o200k_harmony"])
def test_the_ranks_are_those_of_tiktoken(shared_data, tmp_path, monkeypatch, encoding):
    name = "cl100k_base" if encoding == "cl100k_base" else "o200k_base"
    packed = shared_data / "tiktoken_vocabs" / f"{name}.tiktoken.gz"
    plain = tmp_path / f"{name}.tiktoken"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    ranks = load_tiktoken_bpe(str(plain))
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: ranks)
    judge = openai_public.ENCODING_CONSTRUCTORS[encoding]()
    for path in (packed, plain):
        definition = read(path, encoding=encoding)
        assert definition.tokens == {rank: data for data, rank in judge["mergeable_ranks"].items()}
        assert definition.special_tokens == judge["special_tokens"]
        assert definition.by_rank
    assert len(definition.tokens) >= 100_000


@pytest.mark.reference
@pytest.mark.parametrize("encoding", sorted(openai_public.ENCODING_CONSTRUCTORS))
def test_special_tokens_are_those_of_tiktoken(monkeypatch, encoding):
    for loader in ("load_tiktoken_bpe", "data_gym_to_mergeable_bpe_ranks"):
        monkeypatch.setattr(openai_public, loader, lambda *_, **__: {})
    judge = openai_public.ENCODING_CONSTRUCTORS[encoding]()
    assert tiktoken_file.special_tokens_of(encoding) == judge["special_tokens"]


@pytest.mark.reference
def test_gpt2s_pair_of_files_is_read_as_tiktoken_reads_it(shared_data):
    folder = shared_data / "gpt2_bpe"
    definition = read_pair(folder)
    judge = tiktoken.load.data_gym_to_mergeable_bpe_ranks(
        str(folder / "vocab.bpe"), str(folder / "encoder.json")
    )
    assert definition.tokens == {rank: data for data, rank in judge.items()}
    assert len(definition.merges) == 50_000
    assert definition.special_tokens == {"<|endoftext|>": 50256}
    # A vocabulary whose merges are known: the ranks alone give all 50 000 back.
    assert explicit_merges(definition.tokens) == definition.merges


@pytest.mark.slow
@pytest.mark.reference
@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_ids_are_those_of_tiktoken_and_so_are_those_of_explicit_merges(
    shared_data, monkeypatch, encoding, stdlib_texts, udhr_texts
):
    tokenizer = load(shared_data / "tiktoken_vocabs" / f"{encoding}.tiktoken.gz")
    ranks = {data: i for i, data in tokenizer.definition.tokens.items()}
    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: ranks)
    judge = tiktoken.Encoding(**openai_public.ENCODING_CONSTRUCTORS[encoding]())
    merges = explicit_merges(tokenizer.definition.tokens)
    assert len(merges) == len(ranks) - 256
    explicit = BPE(replace(tokenizer.definition, by_rank=False, merges=merges))
    some = [*stdlib_texts, *udhr_texts, "a" * 5_000, "", " \n\n ", "<|endoftext|>", "e\u0301"]
    for text in some:
        ids = judge.encode_ordinary(text)
        assert tokenizer.encode(text) == ids
        assert explicit.encode(text) == ids
    assert len(some) >= 430


def test_what_is_written_is_read(tmp_path):
    tokens = BYTES | {256: b"ab", 257: b"abc", 259: b"  "}
    definition = Definition(
        tokens=tokens, merges=[], patterns=(GPT2,), special_tokens={"<|x|>": 258}, by_rank=True
    )
    for name in ("x.tiktoken", "x.tiktoken.gz"):
        write(definition, tmp_path / name)
        back = read(tmp_path / name, pattern=GPT2, special_tokens={"<|x|>": 258})
        assert back.tokens == tokens
        assert (back.patterns, back.special_tokens) == ((GPT2,), {"<|x|>": 258})
    assert (tmp_path / "x.tiktoken.gz").read_bytes()[:2] == b"\x1f\x8b"


def test_our_own_vocabulary_is_written_and_its_merges_found_again(small, tmp_path):
    write(small.definition, tmp_path / "own.tiktoken")
    back = read(tmp_path / "own.tiktoken", pattern=GPT2, special_tokens=small.special_tokens)
    assert back.tokens == small.definition.tokens
    assert explicit_merges(back.tokens) == small.definition.merges


def test_merges_that_ranks_would_not_give_back_are_not_written(tmp_path):
    tokens = BYTES | {256: b"bc", 257: b"ab", 258: b"abc"}
    a, b, c = b"abc"
    merges = [(a, b, 257), (b, c, 256), (257, c, 258)]
    definition = Definition(tokens=tokens, merges=merges, patterns=(GPT2,))
    with pytest.raises(ValueError, match="not in the order of its ids"):
        write(definition, tmp_path / "x.tiktoken")


def test_a_token_that_no_merge_reaches_has_none():
    # "abc" is a token, but neither "ab" nor "bc" is.
    assert explicit_merges(BYTES | {256: b"abc", 257: b"ab"}) == [(97, 98, 257)]


WITHOUT_A = {i: data for i, data in BYTES.items() if data != b"a"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "256 of the 256 bytes have no token, the first 0x00"),
        (lines(WITHOUT_A), "1 of the 256 bytes have no token, the first 0x61"),
        (lines(BYTES | {300: b"ab"}), "no token has rank 256, though ranks go on to 300"),
        (lines(BYTES | {999_999_999: b"ab"}), "no token has rank 256"),
        (lines(BYTES) + b"YWI= 255\n", "line 257 gives the rank 255, which is given already"),
        (lines(BYTES) + b"YQ== 256\n", r"line 257 has the token b'a', which has rank 97"),
        (lines(BYTES) + b"YWI 256\n", "line 257: b'YWI' is no base64"),
        (lines(BYTES) + b"Y!I= 256\n", "is no base64"),
        (lines(BYTES) + b"YWI=\n", "wanted a token in base64 and its rank"),
        (lines(BYTES) + b"YWI= -1\n", "wanted a token in base64 and its rank"),
        (lines(BYTES) + b"YWI= 1.5\n", "wanted a token in base64 and its rank"),
        (lines(BYTES) + b"YWI= " + b"9" * 5000, "wanted a token in base64 and its rank"),
        (lines(BYTES) + b" 256\n", "wanted a token in base64 and its rank"),
        (b"\x1f\x8b" + b"\0" * 40, "is no whole gzip file"),
        (gzip.compress(lines(BYTES))[:-9], "is no whole gzip file"),
    ],
)
def test_a_broken_file_is_refused(tmp_path, content, words):
    path = at(tmp_path, content)
    with pytest.raises(ValueError, match=words) as problem:
        read(path, pattern=GPT2)
    assert str(problem.value).startswith(f"{path} cannot be read: ")


def test_a_rank_that_is_a_special_token_too_is_refused(tmp_path):
    with pytest.raises(ValueError, match="rank 97 belongs to a special token too"):
        read(at(tmp_path, BYTES), pattern=GPT2, special_tokens={"<|x|>": 97})


def test_a_name_that_says_nothing_is_refused(tmp_path):
    path = at(tmp_path, BYTES)
    with pytest.raises(ValueError, match="its name is none of the encodings gpt2, r50k_base"):
        read(path)
    with pytest.raises(ValueError, match="'cl99k' is none of the encodings"):
        read(path, encoding="cl99k")
    assert read(path, encoding="gpt2").patterns == (GPT2,)
    assert read(path, pattern="x").patterns == ("x",)


def test_a_small_file_of_zeros_that_unpacks_to_a_huge_one_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(tiktoken_file, "_LARGEST_FILE", 1000)
    path = at(tmp_path, gzip.compress(bytes(100_000)))
    with pytest.raises(ValueError, match="it has more than 1000 bytes"):
        read(path, pattern=GPT2)


@given(st.binary(max_size=200), st.integers(0, 4000))
def test_damage_is_refused_or_harmless(tmp_path_factory, noise, place):
    data = bytearray(lines(BYTES))
    data[place : place + len(noise)] = noise
    path = tmp_path_factory.mktemp("damage") / "x.tiktoken"
    path.write_bytes(data)
    with contextlib.suppress(ValueError):
        assert len(read(path, pattern=GPT2).tokens) >= 256


def pair_of_files(folder, ids, merges):
    (folder / "encoder.json").write_text(ids if isinstance(ids, str) else json.dumps(ids))
    (folder / "vocab.bpe").write_text("#version: 0.2\n" + merges)
    return folder


def test_a_pair_under_hugging_faces_names(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0, "#": 1, "#a": 2, "<|endoftext|>": 3}')
    (tmp_path / "merges.txt").write_text("# a\r\n")
    definition = read_pair(tmp_path)
    assert definition.merges == [(1, 0, 2)]
    assert definition.end_token == "<|endoftext|>"


@pytest.mark.parametrize(
    ("ids", "merges", "words"),
    [
        ("[]", "", "encoder.json does not give each token its id"),
        ("{", "", "cannot be read"),
        ({"a": -1}, "", "does not give each token its id"),
        ({"a": "b"}, "", "does not give each token its id"),
        ({"a": True}, "", "does not give each token its id"),
        ({"a": 1, "b": 1}, "", "gives two tokens the same id"),
        ({"a": 0, "b": 1}, "a b\n", "merge 'a b' in line 2 does not join two tokens to a third"),
        ({"a": 0}, "a\n", "merge 'a' in line 2"),
    ],
)
def test_a_broken_pair_is_refused(tmp_path, ids, merges, words):
    with pytest.raises(ValueError, match=words):
        read_pair(pair_of_files(tmp_path, ids, merges))


def test_a_pair_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_pair(tmp_path)


def test_a_name_may_leave_its_ending_off(tmp_path, shared_data):
    whole = shared_data / "tiktoken_vocabs" / "cl100k_base.tiktoken.gz"
    (tmp_path / "cl100k.tiktoken").write_bytes(gzip.decompress(whole.read_bytes()))
    assert tiktoken_file.read(tmp_path / "cl100k.tiktoken") == tiktoken_file.read(whole)
