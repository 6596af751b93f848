"""Which of the architectures that others know can hold a model of ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from groundup.models.gpt_config import GPTConfig

Allowed = Mapping[str, tuple[Any, ...]]
"""An architecture: for each field of a config it is strict about, the values it can hold."""


def architecture_of(config: GPTConfig, known: Mapping[str, Allowed], world: str) -> str:
    """The first of the `known` architectures that holds this config.

    `world` is whose they are, for the error. Raises ValueError, naming the fields in the way of
    the nearest, if there is none.
    """
    misfits = {kind: list(_misfits(config, allowed)) for kind, allowed in known.items()}
    nearest = min(misfits, key=lambda kind: len(misfits[kind]))
    if misfits[nearest]:
        raise ValueError(
            f"no {world} architecture holds this model; {nearest} is nearest, but "
            + "; ".join(misfits[nearest])
        )
    return nearest


def _misfits(config: GPTConfig, allowed: Allowed) -> Iterator[str]:
    for name, values in allowed.items():
        value = getattr(config, name)
        if value not in values:
            yield f"{name} is {value!r} and it wants {' or '.join(map(repr, values))}"
    if allowed["positions"] == ("learned",):
        if config.key_head_count != config.heads:
            yield f"key_heads is {config.key_heads} and it wants as many as heads"
        if config.head_size * config.heads != config.width:
            yield f"head_width is {config.head_width} and it wants width / heads"
