"""The door: each client's requests held against the limits of its key (`serve.limits`)."""

import time
from collections.abc import Callable

from groundup.serve.errors import ApiError
from groundup.serve.keys import Keys
from groundup.serve.limits import Account, Limits
from groundup.serve.observer import Asked


class KeyGate:
    """A `Gate` with an account for each key, and one that all share who need none.

    A request reserves its prompt and the longest answers it may get; when it has ended, what it did
    not use is given back.
    """

    def __init__(
        self,
        keys: Keys | None = None,
        *,
        without_key: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`without_key`: what clients may use together where no key is asked for."""
        now = clock()
        self._clock = clock
        self._accounts = {key.name: Account(key.limits, now=now) for key in keys or ()}
        self._accounts[""] = Account(without_key or Limits(), now=now)

    def admit(self, asked: Asked) -> None:
        """Let it in, or raise ApiError: 429 with the time after which it would pass."""
        refusal = self._accounts[asked.key].enter(reserve(asked), now=self._clock())
        if refusal is not None:
            raise ApiError(
                429,
                refusal.sentence(),
                code="rate_limit_exceeded",
                retry_after=refusal.wait,
            )

    def left(self, asked: Asked, used: int) -> None:
        """An admitted request has ended, having used so many tokens."""
        self._accounts[asked.key].leave(reserve(asked), used, now=self._clock())


def reserve(asked: Asked) -> int:
    """The most tokens a request may use: its prompts and its longest answers."""
    return asked.prompt_tokens + asked.max_tokens
