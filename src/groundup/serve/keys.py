"""API keys: who may ask, under what name, and how much.

A key is kept as its SHA-256 digest only and compared in constant time with all of them, so neither
a log, a traceback nor the time of an answer tells one. A file of keys is TOML or JSON:

    [[keys]]
    name = "ana"                  # what logs and metrics call this client
    key = "sk-..."                # or sha256 = "..." (hex), so that the file holds no secret
    requests_per_minute = 60      # limits are optional
    tokens_per_minute = 20000
    concurrency = 4
"""

import hashlib
import hmac
import json
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from groundup.serve.limits import Limits

_LIMITS = ("requests_per_minute", "tokens_per_minute", "concurrency")
_FIELDS = ("name", "key", "sha256", *_LIMITS)


@dataclass(frozen=True, kw_only=True)
class Key:
    """A client's key."""

    name: str
    """What the client is called; unique."""
    digest: bytes = field(repr=False)
    """SHA-256 of the key's UTF-8 bytes."""
    limits: Limits = field(default_factory=Limits)
    """How much it may use."""


class Keys:
    """All keys of a server."""

    def __init__(self, keys: Sequence[Key]) -> None:
        """Raises ValueError when two have the same name or the same key."""
        _unique([key.name for key in keys], "two keys are named {!r}; a name is one client's")
        twice = {key.digest: key.name for key in keys}
        if len(twice) != len(keys):
            named = [key.name for key in keys if twice[key.digest] != key.name]
            raise ValueError(f"the key of {named[0]!r} stands there twice; each client has its own")
        self._keys = tuple(keys)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._keys)

    def __iter__(self) -> Iterator[Key]:
        """One after the other."""
        return iter(self._keys)

    def find(self, presented: str) -> Key | None:
        """Whose key this is; None: nobody's. Takes as long for a wrong one as for a right one."""
        digest = _digest(presented)
        found = None
        for key in self._keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def from_options(secrets: Sequence[str], limits: Limits | None = None) -> Keys:
    """Keys given on the command line, named `key-1`, `key-2` ..., all under the same limits."""
    keys = []
    for number, secret in enumerate(secrets, start=1):
        if not secret.strip():
            raise ValueError(f"API key {number} is empty; give one that cannot be guessed")
        keys.append(Key(name=f"key-{number}", digest=_digest(secret), limits=limits or Limits()))
    return Keys(keys)


def from_file(path: Path) -> Keys:
    """The keys of a TOML or JSON file. Raises ValueError that says where it is wrong.

    No message holds a key.
    """
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8")
        data = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except ValueError as problem:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        # `from None`: the parser's error may quote the line, and in it the key.
        raise ValueError(f"{path} is not {kind}{_place(problem)}") from None
    entries = data.get("keys") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ValueError(f"{path} holds no keys; it must have a list `keys` with at least one")
    try:
        return Keys([_key(entry, f"keys[{i}]") for i, entry in enumerate(entries)])
    except ValueError as problem:
        raise ValueError(f"{path}: {problem}") from None


def _place(problem: ValueError) -> str:
    """Where, without what stands there."""
    found = re.search(r"\b(?:line \d+,? column \d+|end of document)", str(problem))
    return f": look at {found[0]}" if found else ""


def _key(entry: Any, where: str) -> Key:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is a {type(entry).__name__}; wanted a table with name and key")
    if unknown := sorted(set(entry) - set(_FIELDS)):
        raise ValueError(f"{where} has {unknown[0]!r}; there are: {', '.join(_FIELDS)}")
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"{where} needs a name: a text, what logs call this client")
    for field_name in _LIMITS:
        value = entry.get(field_name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ValueError(f"{where}.{field_name} is {value!r}; wanted a whole number")
    try:
        limits = Limits(**{name: entry.get(name) for name in _LIMITS})
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}") from None
    return Key(name=name, digest=_digest_of(entry, where), limits=limits)


def _digest_of(entry: dict[str, Any], where: str) -> bytes:
    if ("key" in entry) == ("sha256" in entry):
        raise ValueError(f"{where} needs either key or sha256, one of the two")
    secret = entry.get("key", entry.get("sha256"))
    if not isinstance(secret, str) or not secret.strip():
        raise ValueError(f"{where}: the key must be a text that is not empty")
    if "key" in entry:
        return _digest(secret)
    try:
        digest = bytes.fromhex(secret)
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError(f"{where}.sha256 must be 64 hexadecimal digits")
    return digest


def _digest(secret: str) -> bytes:
    # A header may hold what is no UTF-8; such a key is wrong, not a crash.
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _unique(names: Sequence[str], problem: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(problem.format(name))
        seen.add(name)
