"""Tokens as text for log-probabilities: what OpenAI's API writes for each, and where it stands."""

import codecs
from collections.abc import Sequence

from groundup.inference.request import TokenLogprob
from groundup.serve.protocol_chat import ChatLogprob, ChatLogprobs, TopLogprob
from groundup.serve.protocol_completions import CompletionLogprobs
from groundup.tokenizers.stream import TokenBytes

LOWEST = -9999.0
"""What stands for minus infinity, which JSON has no number for: as in OpenAI's answers."""


def token_text(tokenizer: TokenBytes, token: int) -> str:
    r"""The token's text, or `bytes:\xe2\x82` where it is no whole character.

    So two tokens have the same text only if they have the same bytes. A model may have more ids
    than its tokenizer has tokens; such a one is `token:50000`.
    """
    data = _bytes(tokenizer, token)
    if data is None:
        return f"token:{token}"
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def _bytes(tokenizer: TokenBytes, token: int) -> bytes | None:
    try:
        return tokenizer.token_bytes(token)
    except ValueError:
        return None


def chat_logprobs(tokenizer: TokenBytes, logprobs: Sequence[TokenLogprob]) -> ChatLogprobs:
    """As /v1/chat/completions tells them."""
    content = []
    for place in logprobs:
        top = [_top(tokenizer, token, value) for token, value in place.top]
        own = _top(tokenizer, place.token, place.logprob)
        content.append(ChatLogprob(**own.model_dump(), top_logprobs=top))
    return ChatLogprobs(content=content)


def _top(tokenizer: TokenBytes, token: int, logprob: float) -> TopLogprob:
    data = _bytes(tokenizer, token)
    text = token_text(tokenizer, token) if data is None else data.decode("utf-8", errors="replace")
    numbers = None if data is None else list(data)
    return TopLogprob(token=text, logprob=max(logprob, LOWEST), bytes=numbers)


class CompletionLogprobWriter:
    """Writes log-probabilities as /v1/completions tells them, and counts characters for offsets.

    A token begins where the characters that are whole before it end.
    """

    def __init__(self, tokenizer: TokenBytes) -> None:
        self._tokenizer = tokenizer
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._characters = 0

    def write(
        self, tokens: Sequence[int], logprobs: Sequence[TokenLogprob | None]
    ) -> CompletionLogprobs:
        """Of the next tokens; None where there is no log-probability (a prompt's first token)."""
        written = CompletionLogprobs(tokens=[], token_logprobs=[], top_logprobs=[], text_offset=[])
        for token, place in zip(tokens, logprobs, strict=True):
            written.tokens.append(token_text(self._tokenizer, token))
            written.token_logprobs.append(None if place is None else max(place.logprob, LOWEST))
            written.top_logprobs.append(None if place is None else self._alternatives(place))
            written.text_offset.append(self._characters)
            self._characters += len(self._decoder.decode(_bytes(self._tokenizer, token) or b""))
        return written

    def _alternatives(self, place: TokenLogprob) -> dict[str, float]:
        """The likeliest with the token that stands there, the likeliest first."""
        alternatives: dict[str, float] = {}
        for token, logprob in (*place.top, (place.token, place.logprob)):
            alternatives.setdefault(token_text(self._tokenizer, token), max(logprob, LOWEST))
        return alternatives
