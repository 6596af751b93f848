"""Frozen dataclasses as configuration: read, overridden, written, fingerprinted.

A config is a frozen, keyword-only dataclass that lives beside the code it configures. This module
turns such a dataclass into plain JSON data and back, and refuses what it does not know: a key that
is misspelt is an error with the nearest right one, never silently ignored.
"""

import dataclasses
import difflib
import hashlib
import json
import types
import typing
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Plain: TypeAlias = "None | bool | int | float | str | list[Plain] | dict[str, Plain]"


def to_plain(value: Any) -> Plain:
    """A config (or any value inside one) as what JSON can hold; paths become text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(
        f"a config may hold numbers, text, paths, tuples and other configs, "
        f"not a {type(value).__name__}: {value!r}"
    )


def from_plain(kind: type[T], data: Any, *, where: str = "") -> T:
    """The inverse of `to_plain`: a `kind` made from JSON data, checked key by key.

    Raises ValueError on an unknown or missing key and on a value of the wrong type, naming the
    place (`model.depth`), what came and what was wanted.
    """
    return typing.cast(T, _read(kind, data, where))


def _read(kind: Any, data: Any, where: str) -> Any:
    origin, choices = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(typing.cast(type, kind), data, where)
    if origin is typing.Literal:
        return _expect(data in choices, data, f"one of {list(choices)}", where)
    if origin in (types.UnionType, typing.Union):
        return _read_union(choices, data, where)
    if origin is tuple:
        _expect(isinstance(data, list | tuple), data, "a list", where)
        kinds = (choices[0],) * len(data) if choices[-1] is Ellipsis else choices
        _expect(len(kinds) == len(data), data, f"{len(kinds)} items", where)
        return tuple(
            _read(item_kind, item, f"{where}[{i}]")
            for i, (item_kind, item) in enumerate(zip(kinds, data, strict=True))
        )
    if origin is dict:
        _expect(isinstance(data, dict), data, "a table", where)
        return {key: _read(choices[1], item, f"{where}.{key}") for key, item in data.items()}
    if kind is float:
        is_number = isinstance(data, int | float) and not isinstance(data, bool)
        return float(_expect(is_number, data, "a number", where))
    if kind is Path:
        return Path(_expect(isinstance(data, str | Path), data, "a path", where))
    is_right = isinstance(data, kind) and not (kind is int and isinstance(data, bool))
    return _expect(is_right, data, f"a value of type {kind.__name__}", where)


def _read_dataclass(kind: type, data: Any, where: str) -> Any:
    _expect(isinstance(data, dict), data, f"a table of {kind.__name__} fields", where)
    hints = typing.get_type_hints(kind)
    names = [f.name for f in dataclasses.fields(kind)]
    for key in data:
        if key not in names:
            near = difflib.get_close_matches(key, names, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are: {', '.join(names)}"
            raise ValueError(f"{kind.__name__} has no field {_join(where, key)!r}{hint}")
    for field in dataclasses.fields(kind):
        optional = (
            field.default is not dataclasses.MISSING
            or field.default_factory is not dataclasses.MISSING
        )
        if field.name not in data and not optional:
            raise ValueError(
                f"{kind.__name__} needs {_join(where, field.name)!r}, and it is missing"
            )
    return kind(**{key: _read(hints[key], data[key], _join(where, key)) for key in data})


def _read_union(choices: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in choices:
        return None
    problems = []
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return _read(choice, data, where)
        except ValueError as problem:
            problems.append(str(problem))
    raise ValueError(" or ".join(problems))


def _join(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key


def _expect(is_right: bool, data: Any, wanted: str, where: str) -> Any:
    if not is_right:
        raise ValueError(f"{where or 'the config'} is {data!r}; wanted {wanted}")
    return data


def write(config: Any, path: Path) -> None:
    """Write the resolved config as indented JSON."""
    path.write_text(json.dumps(to_plain(config), indent=2) + "\n", encoding="utf-8")


def read(kind: type[T], path: Path) -> T:
    """Read what `write` wrote. Raises ValueError with the file's name if it is not that."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return from_plain(kind, data)
    except ValueError as problem:
        raise ValueError(f"{path} is not a {kind.__name__}: {problem}") from problem


def fingerprint(value: Any) -> str:
    """SHA-256 (hex) of a config's canonical JSON: equal configs, equal fingerprints."""
    canonical = json.dumps(to_plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
