"""What a byte-level BPE tokenizer is, as plain data: files are read into it and written from it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Definition:
    """The tokens, the merges in the order they are tried, and how text is cut before them.

    Raises ValueError if a merge names a token that is not there.
    """

    tokens: dict[int, bytes]
    """Ordinary tokens: id to bytes."""
    merges: list[tuple[int, int, int]]
    """`(left, right, merged)` ids, most important first."""
    patterns: tuple[str, ...]
    """Pre-tokenization, see `groundup.tokenizers.split`."""
    special_tokens: dict[str, int] = field(default_factory=dict)
    """Control tokens: never made from plain text unless the caller allows it."""
    added_tokens: dict[str, int] = field(default_factory=dict)
    """Whole strings outside the merges that are recognised in any text, as Qwen3's `<think>`."""
    normalize: bool = False
    """Whether text is first brought into Unicode's form NFC (Qwen does)."""
    whole_first: bool = False
    """Whether a piece that is a token is taken whole, before any merge (Llama 3 does)."""
    start_token: str | None = None
    """The special token templates may begin a text with; `bos_token` in tokenizer_config.json."""
    end_token: str | None = None
    """The special token a model ends with; `eos_token` in tokenizer_config.json."""
    chat_template: str | None = None
    """Jinja source that lays out a conversation, see `groundup.tokenizers.chat_template`."""

    def __post_init__(self) -> None:
        for rank, merge in enumerate(self.merges):
            if missing := [token for token in merge if token not in self.tokens]:
                raise ValueError(
                    f"merge {rank} {merge} needs token {missing[0]}, which the vocabulary lacks"
                )
        for place, name in (("start", self.start_token), ("end", self.end_token)):
            if name is not None and name not in self.special_tokens:
                raise ValueError(
                    f"the {place} token {name!r} is not one of the special tokens "
                    f"{sorted(self.special_tokens)}"
                )
