"""What both kinds of answers need: deltas that failed become errors, and tokens are counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.inference.request import Delta
from groundup.serve.errors import ApiError
from groundup.serve.protocol import PromptTokensDetails, Usage


def checked(delta: Delta) -> Delta:
    """The delta, if all is well. Raises ApiError (500 if it failed, 503 if it was stopped).

    A grammar that outgrows its bounds while it is followed is the request's own fault: 400.
    """
    if "the grammar cannot go on" in delta.error:
        reason = delta.error.removeprefix("ValueError: ")
        raise ApiError(400, reason, code="invalid_grammar")
    if delta.finish_reason == "error":
        raise ApiError(500, f"the answer failed: {delta.error}", code="answer_failed")
    if delta.finish_reason == "cancelled":
        raise ApiError(503, "the answer was stopped by the server", code="stopped")
    return delta


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What stands around every answer."""

    id: str
    """The request's, as "chatcmpl-..."."""
    created: int
    """Seconds since 1970."""
    model: str
    """Its name."""
    fingerprint: str
    """Changes with whatever computes."""

    def header(self, kind: str) -> dict[str, Any]:
        """The fields that all chunks of a stream begin with."""
        return {
            "id": self.id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": self.fingerprint,
        }


class Count:
    """The tokens of a request, counted as they come. Sequences of one prompt stand together."""

    def __init__(self, prompts: Sequence[int], answers: int) -> None:
        """`prompts`: their lengths; `answers`: how many sequences each has."""
        self._prompts = list(prompts)
        self._answers = answers
        self._cached: dict[int, int] = {}
        self.generated = 0

    def add(self, index: int, delta: Delta) -> None:
        """A delta of the sequence `index`."""
        self.generated += len(delta.tokens)
        if index % self._answers == 0:  # the others find what the first one computed
            self._cached.setdefault(index, delta.cached_tokens)

    def usage(self) -> Usage:
        """So far, as the API tells it."""
        read = sum(self._prompts)
        return Usage(
            prompt_tokens=read,
            completion_tokens=self.generated,
            total_tokens=read + self.generated,
            prompt_tokens_details=PromptTokensDetails(cached_tokens=sum(self._cached.values())),
        )
