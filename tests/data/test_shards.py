"""Shards hold the documents' tokens, and half-written ones are never taken for whole."""

import hashlib
import json
import subprocess
import sys

import numpy as np
import pytest

from groundup.data.corpus import CorpusConfig, read_documents, write_corpus
from groundup.data.shards import ShardsConfig, open_shard, tokenizer_fingerprint, write_shards
from groundup.tokenizers.bpe import BPE


class Bytes:
    """One token a byte, and one special token."""

    def __init__(self, vocab_size=257, special="<|endoftext|>"):
        self.vocab_size = vocab_size
        self.special_tokens = {special: 256}

    def encode_batch(self, texts, *, threads):
        return [np.frombuffer(text.encode(), np.uint8).astype(np.int32) for text in texts]

    def token_bytes(self, token):
        return bytes([token % 256])


@pytest.fixture
def corpus(tmp_path):
    root = tmp_path / "src"
    root.mkdir()
    for i in range(30):
        (root / f"m{i}.py").write_text(f"name = 'é{i}'\n" * (i + 1))
    write_corpus(CorpusConfig(path=root, validation_share=0.2), tmp_path / "corpus")
    return tmp_path / "corpus"


@pytest.mark.parametrize(("vocab_size", "dtype"), [(257, "uint16"), (70_000, "uint32")])
def test_documents_come_back_token_for_token(corpus, tmp_path, vocab_size, dtype):
    tokenizer = Bytes(vocab_size)
    manifest = write_shards(corpus, tokenizer, tmp_path / "out")
    assert manifest["dtype"] == dtype
    for split in ("train", "validation"):
        shard = open_shard(tmp_path / "out" / split)
        documents = read_documents(corpus, split)
        assert [bytes(ids.tolist()).decode() for ids in shard.documents()] == [
            document.text for document in documents
        ]
        assert all(shard.tokens[end - 1] == 256 for end in shard.starts[1:])
        assert shard.bytes == sum(document.size for document in documents)
        assert manifest["splits"][split]["tokens"] == len(shard.tokens)
        assert isinstance(shard.tokens, np.memmap)


def test_two_threads_write_the_same_bytes(corpus, tmp_path):
    tokenizer = BPE.train(["name = 'é1'"], vocab_size=265)
    for threads in (1, 2):
        write_shards(corpus, tokenizer, tmp_path / str(threads), ShardsConfig(threads=threads))
    for name in ("train.bin", "train.index.npy", "validation.bin", "manifest.json"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes()


def test_an_interrupted_folder_is_not_taken_for_whole_and_can_be_written_again(corpus, tmp_path):
    class Breaks(Bytes):
        def encode_batch(self, texts, *, threads):
            raise KeyboardInterrupt

    out = tmp_path / "out"
    write_shards(corpus, Bytes(), out)
    with pytest.raises(KeyboardInterrupt):
        write_shards(corpus, Breaks(), out)
    with pytest.raises(ValueError, match="holds no finished shards"):
        open_shard(out / "train")
    write_shards(corpus, Bytes(), out)
    assert len(open_shard(out / "train").tokens) > 0
    assert not list(out.glob("*.partial"))


def test_a_cut_file_is_found(corpus, tmp_path):
    write_shards(corpus, Bytes(), tmp_path / "out")
    path = tmp_path / "out/train.bin"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ValueError, match=r"train.bin has \d+ bytes and its manifest says"):
        open_shard(tmp_path / "out/train")
    path.unlink()
    with pytest.raises(ValueError, match="has 0 bytes"):
        open_shard(tmp_path / "out/train")


def test_bad_requests_say_what_is_there(corpus, tmp_path):
    write_shards(corpus, Bytes(), tmp_path / "out")
    with pytest.raises(ValueError, match=r"no split 'test'; it has: train, validation"):
        open_shard(tmp_path / "out/test")
    with pytest.raises(ValueError, match=r"has no <\|endoftext\|>"):
        write_shards(corpus, Bytes(special="</s>"), tmp_path / "other")
    with pytest.raises(ValueError, match="threads is 0"):
        ShardsConfig(threads=0)


def test_the_manifest_names_the_tokenizer_and_the_files_hash(corpus, tmp_path):
    write_shards(corpus, Bytes(), tmp_path / "out")
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["tokenizer"] == tokenizer_fingerprint(Bytes())
    assert manifest["tokenizer"] != tokenizer_fingerprint(Bytes(300))
    digest = hashlib.sha256((tmp_path / "out/train.bin").read_bytes()).hexdigest()
    assert manifest["splits"]["train"]["sha256"] == digest


def test_tokenizing_alone_does_not_load_torch():
    code = "import sys, groundup.data.shards; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
