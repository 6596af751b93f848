"""What the server allows: sizes, counts and times."""

import math
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Bounds that hold for every client; those of one client are in `serve.limits`."""

    body_bytes: int = 4 * 1024 * 1024
    """The largest body of a request; a larger one is answered with 413."""
    body_seconds: float = 30.0
    """How long a body may take to arrive; then 408."""
    answer_seconds: float = 600.0
    """How long an answer may take, its time in the queue included; then 504."""
    write_seconds: float = 30.0
    """How long a reader may leave a piece of a stream unread; then its connection is closed."""
    sequences: int = 256
    """Most sequences one request may become: prompts times answers."""
    embeddings: int = 2048
    """Most texts of one embeddings request."""
    hosts: tuple[str, ...] = ()
    """Names that the server may be called by (the header Host, without the port); empty: any. Where
    only this machine may connect, it keeps web pages from reaching in by a name of their own."""

    def __post_init__(self) -> None:
        """Refuse bounds that would let nothing through."""
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name != "hosts" and not (value > 0 and math.isfinite(value)):
                raise ValueError(f"{field.name} is {value}; it must be above 0")
