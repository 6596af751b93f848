"""Text from ids that come one by one, as a model makes them: never half a character."""

import codecs
from collections.abc import Container
from typing import Protocol


class TokenBytes(Protocol):
    """What a stream needs of a tokenizer."""

    def token_bytes(self, token: int) -> bytes:
        """The bytes one id stands for."""
        ...


class StreamDecoder:
    """Decodes ids as they come.

    A character may be spread over several tokens (an emoji is four bytes), so bytes are held back
    until their character is whole. All that `push` gives and the `flush` at the end, joined, is
    `tokenizer.decode` of all ids.
    """

    def __init__(
        self,
        tokenizer: TokenBytes,
        *,
        drops_first_space: bool = False,
        keeps: Container[int] = (),
    ) -> None:
        """`keeps`: ids whose own first space stays, wherever they stand."""
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._drops_first_space = drops_first_space
        self._keeps = keeps
        self._begun = False

    def push(self, token: int) -> str:
        """The text that this id completes; empty while a character is not whole."""
        data = self._tokenizer.token_bytes(token)
        if self._drops_first_space and not self._begun:
            self._begun = bool(data)
            data = data if token in self._keeps else data.removeprefix(b" ")
        return self._decoder.decode(data)

    def flush(self) -> str:
        """U+FFFD if the ids ended inside a character, else nothing; ready for another text."""
        rest = self._decoder.decode(b"", final=True)
        self._decoder.reset()
        self._begun = False
        return rest
