"""The stages before the model: corpus, tokenizer, shards."""

from dataclasses import dataclass

from groundup.data.corpus import read_documents, write_corpus
from groundup.data.shards import write_shards
from groundup.pipeline.stage import Work
from groundup.tokenizers.bpe import BPE


@dataclass(frozen=True, kw_only=True)
class TokenizerConfig:
    """How the tokenizer is trained."""

    vocab_size: int = 8192
    """Tokens, the special ones and the 256 bytes included."""
    most_bytes: int | None = None
    """Learn from the first documents that hold this many bytes together (none: from all)."""

    def __post_init__(self) -> None:
        if self.most_bytes is not None and self.most_bytes < 1:
            raise ValueError(f"most_bytes is {self.most_bytes}; it must be 1 or more")


def corpus(work: Work) -> None:
    """Find, filter and split the documents."""
    manifest = write_corpus(work.config, work.folder, progress=work.progress)
    documents, size = manifest["documents"], manifest["bytes"]
    dropped = sum(item["files"] for item in manifest["dropped"].values())
    work.say(
        f"corpus: {documents['train']:,} documents ({size['train'] / 1e6:.1f} MB) to train on, "
        f"{documents['validation']:,} ({size['validation'] / 1e6:.1f} MB) held out; "
        f"{dropped:,} files left out, see excluded.jsonl; licence: {manifest['licence']}"
    )


def tokenizer(work: Work) -> None:
    """Learn the merges from the training documents alone."""
    config: TokenizerConfig = work.config
    texts, size = [], 0
    for document in read_documents(work.inputs["corpus"], "train"):
        texts.append(document.text)
        size += document.size
        if config.most_bytes is not None and size >= config.most_bytes:
            break
    trained = BPE.train(texts, vocab_size=config.vocab_size, progress=work.progress)
    trained.save(work.folder)
    longest = max(trained.definition.tokens.values(), key=len)
    work.say(f"tokenizer: {trained.vocab_size:,} tokens; the longest is {longest.decode()!r}")


def shards(work: Work) -> None:
    """Both splits as token ids, mapped from disk later."""
    manifest = write_shards(
        work.inputs["corpus"],
        BPE.load(work.inputs["tokenizer"]),
        work.folder,
        work.config,
        progress=work.progress,
    )
    train = manifest["splits"]["train"]
    work.say(
        f"shards: {train['tokens']:,} training tokens, "
        f"{train['bytes'] / train['tokens']:.2f} bytes each"
    )
