"""What every kind of tokenizer can do, and what makes it a kind of its own.

A text is cut at the special and added tokens that stand in it, each part between them is
normalised, cut into pieces and turned into ids by the kind's model, and the post-processor may put
special tokens around the whole.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from groundup.tokenizers import tokenizer_json
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.stream import StreamDecoder

Names: TypeAlias = Collection[str] | Literal["all"]
"""Names of special tokens, or "all" of them."""


class Part(NamedTuple):
    """A stretch of a text: a token that stands in it by name, or ordinary text."""

    start: int
    end: int
    token: int | None
    """The id, where the stretch is one token's name."""


class Tokenizer(ABC):
    """Text to ids and back; the kinds are its subclasses.

    A special token's name in a text is plain text, so what a stranger writes never becomes a
    control token: `allowed_special` says which names are read as tokens, `disallowed_special` which
    are an error.
    """

    drops_first_space = False
    """Whether `decode` leaves out the space that the first token's bytes begin with."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.special_tokens: dict[str, int] = dict(frame.special_tokens)

    # What makes a kind

    @abstractmethod
    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        """The ids of ordinary text; `first`: whether it begins the whole text."""

    @abstractmethod
    def _spans(self, text: str, *, first: bool) -> list[tuple[int, int]]:
        """For each id of `_encode_text`, where in the text its characters stand."""

    @abstractmethod
    def token_bytes(self, token: int) -> bytes:
        """The bytes one id stands for. Raises ValueError if there is no such id."""

    @property
    @abstractmethod
    def vocab_size(self) -> int:
        """The highest id plus one: how many rows an embedding needs at least."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The contents of tokenizer.json."""

    @classmethod
    @abstractmethod
    def from_json(cls, data: dict[str, Any], config: dict[str, Any]) -> Self:
        """The inverse of `to_json`; `config` is what tokenizer_config.json holds."""

    # Text to ids

    def encode(
        self,
        text: str,
        *,
        allowed_special: Names = frozenset(),
        disallowed_special: Names = frozenset(),
        add_special_tokens: bool = False,
        errors: Literal["strict", "replace"] = "strict",
    ) -> list[int]:
        """The ids of a text.

        A special token's name in the text is plain text, unless it is allowed. With
        `disallowed_special="all"` every name that is not allowed is an error, as in tiktoken.
        `errors="replace"` joins pairs of surrogates and makes U+FFFD of the others.

        Raises ValueError on lone surrogates, on a disallowed name in the text, and on an allowed
        one that this tokenizer does not have.
        """
        text = checked(text, errors)
        ids: list[int] = []
        for part in self.parts(text, allowed_special, disallowed_special):
            if part.token is None:
                ids += self._encode_text(text[part.start : part.end], first=part.start == 0)
            else:
                ids.append(part.token)
        return self.surround(ids) if add_special_tokens else ids

    def encode_ordinary(self, text: str) -> list[int]:
        """The ids of a text in which every special token's name is plain text."""
        return self.encode(text)

    def encode_batch(
        self,
        texts: Iterable[str],
        *,
        threads: int = 1,
        allowed_special: Names = frozenset(),
        add_special_tokens: bool = False,
    ) -> list[NDArray[np.int32]]:
        """The ids of many texts, each an array; `threads` texts at a time."""
        encode = partial(
            self.encode, allowed_special=allowed_special, add_special_tokens=add_special_tokens
        )
        if threads < 2:
            return [np.array(encode(text), dtype=np.int32) for text in texts]
        with ThreadPoolExecutor(threads) as pool:
            return [np.array(ids, dtype=np.int32) for ids in pool.map(encode, texts)]

    def surround(self, ids: list[int]) -> list[int]:
        """The ids between the special tokens that the post-processor puts around a text."""
        before = [self.special_tokens[name] for name in self.frame.before]
        return before + ids + [self.special_tokens[name] for name in self.frame.after]

    def offsets(self, text: str, *, allowed_special: Names = frozenset()) -> list[tuple[int, int]]:
        """For each id of `encode`, the span `text[start:end]` of characters it stands for.

        An id that holds only some bytes of a character has the whole character's span.
        """
        text = checked(text, "strict")
        spans = []
        for part in self.parts(text, allowed_special):
            if part.token is None:
                inner = self._spans(text[part.start : part.end], first=part.start == 0)
                spans += [(part.start + start, part.start + end) for start, end in inner]
            else:
                spans.append((part.start, part.end))
        return spans

    def parts(
        self, text: str, allowed_special: Names = frozenset(), disallowed_special: Names = ()
    ) -> Iterator[Part]:
        """The text's stretches: ordinary text, and the tokens that stand in it by name."""
        allowed = set(self.special_tokens if allowed_special == "all" else allowed_special)
        if unknown := allowed - self.special_tokens.keys():
            raise ValueError(
                f"{sorted(unknown)[0]!r} is not a special token here; "
                f"there are: {', '.join(self.special_tokens) or 'none'}"
            )
        everything = disallowed_special == "all"
        self._refuse(text, set(self.special_tokens if everything else disallowed_special) - allowed)
        named = self.frame.added_tokens | {name: self.special_tokens[name] for name in allowed}
        end = 0
        for found in _any_of(named).finditer(text) if named else ():
            if found.start() > end:
                yield Part(end, found.start(), None)
            yield Part(*found.span(), named[found.group()])
            end = found.end()
        if end < len(text):
            yield Part(end, len(text), None)

    def _refuse(self, text: str, disallowed: Collection[str]) -> None:
        if disallowed and (found := _any_of(disallowed).search(text)):
            raise ValueError(
                f"the text holds the special token {found.group()!r} at character {found.start()};"
                " put it into allowed_special to have it read as that token, or take it out of"
                " disallowed_special to have it read as plain text"
            )

    # Ids to text

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = False) -> str:
        """The text of ids; bytes that are no UTF-8 (half a character) become U+FFFD."""
        special = set(self.special_tokens.values()) if skip_special_tokens else ()
        kept = [token for token in ids if token not in special]
        return self.decode_bytes(kept).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ids; special tokens are their names. Raises ValueError as `token_bytes`."""
        data = b"".join([self.token_bytes(token) for token in ids])
        return data.removeprefix(b" ") if self.drops_first_space else data

    def stream(self) -> StreamDecoder:
        """A decoder for ids that come one by one, which never gives half a character."""
        return StreamDecoder(self)

    # Names and files

    @property
    def chat_template(self) -> str | None:
        """The Jinja source that lays out a conversation, if there is one."""
        return self.frame.chat_template

    @property
    def start_token(self) -> str | None:
        """The special token a chat template may begin with, if there is one."""
        return self.frame.start_token

    @property
    def end_token(self) -> str | None:
        """The special token a model ends its text with, if there is one."""
        return self.frame.end_token

    def save(self, folder: str | Path) -> None:
        """Write tokenizer.json and tokenizer_config.json, which Hugging Face's libraries read."""
        tokenizer_json.write(self.to_json(), self.frame, Path(folder))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a folder (or a tokenizer.json): ours, or Hugging Face's of the same kind.

        Raises ValueError if it is of another kind, OSError if it is not there.
        """
        return tokenizer_json.read(Path(path), cls.from_json)


def checked(text: str, errors: Literal["strict", "replace"] = "strict") -> str:
    """The text if it has no lone surrogates; Raises ValueError if it has, or replaces them."""
    if not isinstance(text, str):
        raise ValueError(f"wanted a text, got {type(text).__name__}")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError as problem:
        if errors == "replace":
            return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        raise ValueError(
            f"character {problem.start} of the text is the lone surrogate "
            f"U+{ord(text[problem.start]):04X}, half of a character; "
            "repair the text first, as with errors='replace'"
        ) from problem
    return text


def _any_of(names: Iterable[str]) -> re.Pattern[str]:
    longest_first: Sequence[str] = sorted(names, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)))
