"""What every kind of tokenizer can do, and what makes it a kind of its own.

A text is cut at the special and added tokens that stand in it, each part between them is
normalised, cut into pieces and turned into ids by the kind's model, and the post-processor may put
special tokens around the whole.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from groundup.tokenizers import tokenizer_json
from groundup.tokenizers.added_tokens import AS_WRITTEN, Part, any_of, find
from groundup.tokenizers.aligned import Span
from groundup.tokenizers.definition import Frame
from groundup.tokenizers.normalize import align, normalize
from groundup.tokenizers.post_process import FIRST, SECOND, fill
from groundup.tokenizers.stream import StreamDecoder

Names: TypeAlias = Collection[str] | Literal["all"]
"""Names of special tokens, or "all" of them."""


class Tokenizer(ABC):
    """Text to ids and back; the kinds are its subclasses.

    A special token's name in a text is plain text, so what a stranger writes never becomes a
    control token: `allowed_special` says which names are read as tokens, `disallowed_special` which
    are an error.
    """

    drops_first_space = False
    """Whether `decode` leaves out the space that the first token's bytes begin with."""
    keeps_first_space_of: Collection[int] = ()
    """Ids whose own space stays even so, as that of SentencePiece's unknown token " ⁇ "."""

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.special_tokens: dict[str, int] = dict(frame.special_tokens)

    # What makes a kind

    @abstractmethod
    def _encode_text(self, text: str, *, first: bool) -> list[int]:
        """The ids of ordinary, normalised text; `first`: whether it begins the whole text."""

    @abstractmethod
    def _spans(self, text: str, *, first: bool) -> list[Span]:
        """For each id of `_encode_text`, where in that text its characters stand."""

    @abstractmethod
    def _bytes_of_ids(self) -> dict[int, bytes]:
        """The bytes that every id stands for; what is not in it is no id."""

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
                ordinary = text[part.start : part.end]
                ids += self._encode_ordinary(ordinary, allowed_special, first=part.start == 0)
            else:
                ids.append(part.token)
        return self.surround(ids) if add_special_tokens else ids

    def _encode_ordinary(self, text: str, allowed_special: Names, *, first: bool) -> list[int]:
        text = normalize(self.frame.normalizers, text)
        ids: list[int] = []
        for part in self._normalized_parts(text, allowed_special):
            if part.token is None:
                inner = text[part.start : part.end]
                ids += self._encode_text(inner, first=first and part.start == 0)
            else:
                ids.append(part.token)
        return ids

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

    def encode_pair(
        self,
        first: str,
        second: str,
        *,
        allowed_special: Names = frozenset(),
        add_special_tokens: bool = True,
    ) -> tuple[list[int], list[int]]:
        """The ids of two texts that belong together, and for each id which one it belongs to.

        The post-processor says what stands around them and what the type ids are; without one, the
        second text follows the first, with type 1. Raises ValueError as `encode`.
        """
        texts = {
            FIRST: self.encode(first, allowed_special=allowed_special),
            SECOND: self.encode(second, allowed_special=allowed_special),
        }
        template = self.frame.post_processor
        if template is None:
            a, b = texts[FIRST], texts[SECOND]
            return a + b, [0] * len(a) + [1] * len(b)
        places = [place for place in template.pair if add_special_tokens or place.is_text]
        return fill(places, texts, self.special_tokens)

    def surround(self, ids: list[int]) -> list[int]:
        """The ids between the special tokens that the post-processor puts around a text."""
        template = self.frame.post_processor
        return fill(template.single, {FIRST: ids}, self.special_tokens)[0] if template else ids

    def offsets(self, text: str, *, allowed_special: Names = frozenset()) -> list[Span]:
        """For each id of `encode`, the span `text[start:end]` of characters it stands for.

        An id that holds only some bytes of a character has the whole character's span, and one
        that stands for nothing in the text, as a space that was put in front, an empty span.
        """
        text = checked(text, "strict")
        spans: list[Span] = []
        for part in self.parts(text, allowed_special):
            if part.token is None:
                ordinary = text[part.start : part.end]
                inner = self._ordinary_spans(ordinary, allowed_special, first=part.start == 0)
                spans += [(part.start + start, part.start + end) for start, end in inner]
            else:
                spans.append((part.start, part.end))
        return spans

    def _ordinary_spans(self, text: str, allowed_special: Names, *, first: bool) -> list[Span]:
        aligned = align(self.frame.normalizers, text)
        spans: list[Span] = []
        for part in self._normalized_parts(aligned.text, allowed_special):
            if part.token is None:
                inner = aligned.cut(part.start, part.end)
                found = self._spans(inner.text, first=first and part.start == 0)
                spans += [inner.source(start, end) for start, end in found]
            else:
                spans.append(aligned.source(part.start, part.end))
        return spans

    def parts(
        self, text: str, allowed_special: Names = frozenset(), disallowed_special: Names = ()
    ) -> Iterator[Part]:
        """The text's stretches: ordinary text, and the tokens that stand in it by name."""
        refused = self._set_of(disallowed_special) - self._set_of(allowed_special)
        named = self._named(allowed_special, normalized=False)
        self._refuse(text, refused)
        return find(text, named, self.frame.matching)

    def _set_of(self, names: Names) -> set[str]:
        if names == "all":
            return set(self.special_tokens)
        if isinstance(names, str):
            raise ValueError(
                f"special tokens are named by a set of names or 'all'; got the text {names!r}"
            )
        return set(names)

    def _named(self, allowed_special: Names, *, normalized: bool) -> dict[str, int]:
        """The tokens that are found by name: in the text as written, or in the normalised one."""
        allowed = self._set_of(allowed_special)
        if unknown := allowed - self.special_tokens.keys():
            raise ValueError(
                f"{sorted(unknown)[0]!r} is not a special token here; "
                f"there are: {', '.join(self.special_tokens) or 'none'}"
            )
        named = self.frame.added_tokens | {name: self.special_tokens[name] for name in allowed}
        matching = self.frame.matching
        return {
            name: token
            for name, token in named.items()
            if matching.get(name, AS_WRITTEN).normalized == normalized
        }

    def _normalized_parts(self, text: str, allowed_special: Names) -> Iterable[Part]:
        """The stretches of a normalised text, by the names that are looked for in such."""
        if not any(how.normalized for how in self.frame.matching.values()):
            return [Part(0, len(text), None)] if text else []
        named = self._named(allowed_special, normalized=True)
        written = {name: normalize(self.frame.normalizers, name) for name in named}
        return find(
            text,
            {written[name]: token for name, token in named.items() if written[name]},
            {written[name]: self.frame.matching[name] for name in named},
        )

    def _refuse(self, text: str, disallowed: Collection[str]) -> None:
        if disallowed and (found := any_of(frozenset(disallowed)).search(text)):
            raise ValueError(
                f"the text holds the special token {found.group()!r} at character {found.start()};"
                " put it into allowed_special to have it read as that token, or take it out of"
                " disallowed_special to have it read as plain text"
            )

    # Ids to text

    @cached_property
    def _bytes(self) -> dict[int, bytes]:
        return self._bytes_of_ids()

    @cached_property
    def _vocab_size(self) -> int:
        return max(self._bytes, default=-1) + 1

    @property
    def vocab_size(self) -> int:
        """The highest id plus one: how many rows an embedding needs at least."""
        return self._vocab_size

    def token_bytes(self, token: int) -> bytes:
        """The bytes one id stands for. Raises ValueError if there is no such id."""
        try:
            return self._bytes[token]
        except (KeyError, TypeError):
            raise ValueError(
                f"there is no token {token!r}; this vocabulary's ids run to {self.vocab_size - 1}"
            ) from None

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = False) -> str:
        """The text of ids; bytes that are no UTF-8 (half a character) become U+FFFD."""
        if skip_special_tokens:
            special = set(self.special_tokens.values())
            ids = [token for token in ids if token not in special]
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ids; special tokens are their names. Raises ValueError as `token_bytes`."""
        if not self.drops_first_space:
            return b"".join([self.token_bytes(token) for token in ids])
        parts = [(token, self.token_bytes(token)) for token in ids]
        data = b"".join([part for _, part in parts])
        first = next((token for token, part in parts if part), None)
        return data if first in self.keeps_first_space_of else data.removeprefix(b" ")

    def stream(self) -> StreamDecoder:
        """A decoder for ids that come one by one, which never gives half a character."""
        keeps = self.keeps_first_space_of
        return StreamDecoder(self, drops_first_space=self.drops_first_space, keeps=keeps)

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
