"""What a tokenizer is, as plain data: files are read into it and written from it."""

from dataclasses import dataclass, field

from groundup.tokenizers.normalize import Normalizer


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around the model of every kind: special tokens, and what is done to the text.

    Raises ValueError if a token that is named is not one of the special tokens.
    """

    special_tokens: dict[str, int] = field(default_factory=dict)
    """Control tokens: never made from plain text unless the caller allows it."""
    added_tokens: dict[str, int] = field(default_factory=dict)
    """Whole strings outside the model that are recognised in any text, as Qwen3's `<think>`."""
    normalizers: tuple[Normalizer, ...] = ()
    """What changes the text before it is cut, in this order."""
    before: tuple[str, ...] = ()
    """Special tokens that `add_special_tokens` puts before a text, as BERT's `[CLS]`."""
    after: tuple[str, ...] = ()
    """Special tokens that `add_special_tokens` puts after a text, as BERT's `[SEP]`."""
    start_token: str | None = None
    """The special token templates may begin a text with; `bos_token` in tokenizer_config.json."""
    end_token: str | None = None
    """The special token a model ends with; `eos_token` in tokenizer_config.json."""
    chat_template: str | None = None
    """Jinja source that lays out a conversation, see `groundup.tokenizers.chat_template`."""

    def __post_init__(self) -> None:
        named = [("start", self.start_token), ("end", self.end_token)]
        named += [("before", name) for name in self.before]
        named += [("after", name) for name in self.after]
        for place, name in named:
            if name is not None and name not in self.special_tokens:
                raise ValueError(
                    f"the {place} token {name!r} is not one of the special tokens "
                    f"{sorted(self.special_tokens)}"
                )


@dataclass(frozen=True, kw_only=True)
class Definition(Frame):
    """A byte-level BPE: the tokens, and the merges in the order they are tried.

    Raises ValueError if a merge names a token that is not there.
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
        for rank, merge in enumerate(self.merges):
            if missing := [token for token in merge if token not in self.tokens]:
                raise ValueError(
                    f"merge {rank} {merge} needs token {missing[0]}, which the vocabulary lacks"
                )
