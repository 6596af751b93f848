"""What a tokenizer is, as plain data: files are read into it and written from it."""

from collections.abc import Collection
from dataclasses import dataclass, field

from groundup.tokenizers.added_tokens import Matching
from groundup.tokenizers.byte_alphabet import to_bytes, to_characters
from groundup.tokenizers.normalize import Normalizer
from groundup.tokenizers.post_process import Template
from groundup.tokenizers.pre_tokenize import PreTokenizer

_GAPS = 1 << 18  # ids that may be unused in a vocabulary of any size


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around the model of every kind: special tokens, and what is done to the text.

    Raises ValueError if a token that is named is not one of the special tokens, or has no name.
    """

    special_tokens: dict[str, int] = field(default_factory=dict)
    """Control tokens: never made from plain text unless the caller allows it."""
    added_tokens: dict[str, int] = field(default_factory=dict)
    """Whole strings outside the model that are recognised in any text, as Qwen3's `<think>`."""
    matching: dict[str, Matching] = field(default_factory=dict)
    """Special or added tokens that are looked for in another way than by their bare name."""
    normalizers: tuple[Normalizer, ...] = ()
    """What changes the text before it is cut, in this order."""
    pre_tokenizers: tuple[PreTokenizer, ...] = ()
    """What cuts the text into pieces, in this order; byte-level BPE has `patterns` instead."""
    post_processor: Template | None = None
    """The special tokens that `add_special_tokens` puts around a text, as BERT's `[CLS]`."""
    start_token: str | None = None
    """The special token templates may begin a text with; `bos_token` in tokenizer_config.json."""
    end_token: str | None = None
    """The special token a model ends with; `eos_token` in tokenizer_config.json."""
    chat_template: str | None = None
    """Jinja source that lays out a conversation, see `groundup.tokenizers.chat_template`."""

    def __post_init__(self) -> None:
        if twice := self.special_tokens.keys() & self.added_tokens.keys():
            raise ValueError(f"{min(twice)!r} is both a special and an added token; it can be one")
        if "" in self.special_tokens or "" in self.added_tokens:
            raise ValueError("a special or added token has an empty name; give it one")
        named = [("start", self.start_token), ("end", self.end_token)]
        if self.post_processor:
            named += [("template's", name) for name in sorted(self.post_processor.special_tokens)]
        for place, name in named:
            if name is not None and name not in self.special_tokens:
                raise ValueError(
                    f"the {place} token {name!r} is not one of the special tokens "
                    f"{sorted(self.special_tokens)}"
                )


def check_gaps(ids: Collection[int]) -> None:
    """Raises ValueError if nearly all ids are unused: tables have a row for each."""
    if (last := max(ids, default=0)) > _GAPS + 16 * len(ids):
        raise ValueError(
            f"ids run to {last}, though there are only {len(ids)} tokens; "
            "tables with a row for each id would be nearly empty"
        )


@dataclass(frozen=True, kw_only=True)
class Definition(Frame):
    """A byte-level BPE: the tokens, and the merges in the order they are tried.

    Raises ValueError if a merge names a token that is not there, two tokens stand for the same
    bytes, a special or added token has the id of an ordinary one or is written as one, or nearly
    all ids are unused.
    """

    tokens: dict[int, bytes]
    """Ordinary tokens: id to bytes."""
    merges: list[tuple[int, int, int]]
    """`(left, right, merged)` ids, most important first."""
    patterns: tuple[str, ...]
    """Pre-tokenization, see `groundup.tokenizers.split`."""
    whole_first: bool = False
    """Whether a piece that is a token is taken whole, before any merge (Llama 3 does)."""
    by_rank: bool = False
    """Whether any two tokens whose bytes joined are a token merge, the lowest id first: how
    tiktoken's files, which list no merges, are read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        ids: dict[bytes, int] = {}
        for token, data in self.tokens.items():
            if (first := ids.setdefault(data, token)) != token:
                raise ValueError(
                    f"the tokens {first} and {token} both stand for the bytes {data!r}"
                )
        for name, token in [*self.special_tokens.items(), *self.added_tokens.items()]:
            if token in self.tokens:
                raise ValueError(f"the tokens {self.tokens[token]!r} and {name!r} share id {token}")
            if ids.get(written := to_bytes(name)) is not None and to_characters(written) == name:
                raise ValueError(
                    f"the special or added token {name!r} is also how files write the ordinary "
                    f"token {written!r}; choose a name that is no word, as '<|{name}|>'"
                )
        check_gaps([*self.tokens, *self.special_tokens.values(), *self.added_tokens.values()])
        for rank, merge in enumerate(self.merges):
            if missing := [token for token in merge if token not in self.tokens]:
                raise ValueError(
                    f"merge {rank} {merge} needs token {missing[0]}, which the vocabulary lacks"
                )
