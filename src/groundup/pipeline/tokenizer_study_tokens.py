"""The stage of the tokenizer study that learns a vocabulary; and the price of what it lacks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.data.corpus import read_documents
from groundup.data.shards import END_OF_TEXT, write_shards
from groundup.evaluate.unknown_text import Speller, can_be_read_back, unknown_stretches
from groundup.pipeline.artifact import write_text_atomically
from groundup.pipeline.stage import Work
from groundup.tokenizers.kinds import train_kind, unknown_id
from groundup.tokenizers.pre_tokenize import Cut
from groundup.tokenizers.split import GPT2
from groundup.tokenizers.tokenizer import Tokenizer
from groundup.tokenizers.unigram_training import UnigramTraining
from groundup.tokenizers.words import UNKNOWN_TOKEN

_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One tokenizer of the experiment."""

    name: str
    """What it is called in tables; its stages' folders too."""
    kind: str
    """A kind of `groundup.tokenizers.kinds`."""
    vocab_size: int | None = None
    """Tokens (none: what the kind needs, for bytes)."""

    def __post_init__(self) -> None:
        if not self.name or not set(self.name) <= set(_NAME_LETTERS):
            raise ValueError(
                f"the tokenizer's name {self.name!r} is to be a folder's; "
                "take small letters, digits and -"
            )


def tokens(work: Work) -> None:
    """Learn one contender's vocabulary, write its shards, see that nothing is lost."""
    contender: Contender = work.config
    corpus = work.inputs["corpus"]
    training = [document.text for document in read_documents(corpus, "train")]
    tokenizer = learn(contender, training, work)
    tokenizer.save(work.folder)
    manifest = write_shards(corpus, tokenizer, work.folder / "shards", progress=work.progress)
    held_out = [document.text for document in read_documents(corpus, "validation")]
    unknown = unknown_id(tokenizer)
    if broken := sum(not can_be_read_back(tokenizer, text, unknown) for text in held_out):
        raise ValueError(
            f"{contender.name} loses something of {broken} held-out documents, "
            "so its bits per byte could not be compared; choose a kind that keeps white space"
        )
    split = manifest["splits"]
    facts = {
        "vocab_size": tokenizer.vocab_size,
        "bytes_per_token": split["train"]["bytes"] / split["train"]["tokens"],
    }
    write_text_atomically(work.folder / "facts.json", json.dumps(facts, indent=2) + "\n")
    work.say(
        f"{contender.name}: {tokenizer.vocab_size:,} tokens, "
        f"{facts['bytes_per_token']:.2f} bytes each"
    )


def learn(contender: Contender, training: Sequence[str], work: Work) -> Tokenizer:
    """A tokenizer of the contender's kind that loses nothing of a text but what is unknown."""
    kind, size = contender.kind, contender.vocab_size
    options: dict[str, Any] = {"special_tokens": (END_OF_TEXT,)} | (
        {} if size is None else {"vocab_size": size}
    )
    if kind in ("words", "characters", "wordpiece"):
        options["special_tokens"] = (END_OF_TEXT, UNKNOWN_TOKEN)
    if kind in ("words", "wordpiece"):  # pieces with their spaces, nothing changed
        options |= {"pre_tokenizers": (Cut(GPT2),), "normalizers": ()}
    if kind == "unigram":  # indentation in one token, as the patterns of the others have it
        options["options"] = UnigramTraining(space_runs=True)
    return train_kind(kind, training, progress=work.progress, **options)


@dataclass(frozen=True, kw_only=True)
class Spelling:
    """What a vocabulary lacks of the held-out documents, and the price of it."""

    document_bytes: tuple[int, ...]
    """Size of each document."""
    unknown: tuple[int, ...]
    """Stretches in each that are unknown."""
    bits: tuple[float, ...]
    """What spelling those takes."""


def spell(tokenizer: Tokenizer, corpus: Path, *, learnt_bytes: int) -> Spelling:
    """Price the unknown by a speller that learnt from as much text as the model read."""
    unknown = unknown_id(tokenizer)
    held_out = [document.text for document in read_documents(corpus, "validation")]
    learnt: list[str] = []
    size = 0
    for document in read_documents(corpus, "train") if unknown is not None else ():
        if size >= learnt_bytes:
            break
        learnt += unknown_stretches(tokenizer, document.text, unknown)
        size += document.size
    speller = Speller(learnt)
    stretches = [unknown_stretches(tokenizer, text, unknown) for text in held_out]
    return Spelling(
        document_bytes=tuple(len(text.encode()) for text in held_out),
        unknown=tuple(map(len, stretches)),
        bits=tuple(map(speller.bits, stretches)),
    )
