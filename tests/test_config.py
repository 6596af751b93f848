"""Configs go to plain data and back, and refuse what they do not know."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import config


@dataclass(frozen=True, kw_only=True)
class Inner:
    depth: int = 4
    rate: float = 0.1
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: str
    inner: Inner = Inner()
    path: Path | None = None
    sizes: tuple[int, ...] = ()
    pair: tuple[int, float] = (1, 2.0)
    table: dict[str, int] = dataclasses.field(default_factory=dict)
    flag: bool = False


outers = st.builds(
    Outer,
    name=st.text(),
    inner=st.builds(
        Inner,
        depth=st.integers(),
        rate=st.floats(allow_nan=False, allow_infinity=False),
        kind=st.sampled_from(["a", "b"]),
    ),
    path=st.none() | st.just(Path("x/y")),
    sizes=st.lists(st.integers()).map(tuple),
    table=st.dictionaries(st.text(), st.integers()),
    flag=st.booleans(),
)


@given(outers)
def test_plain_data_round_trips_through_json(outer):
    data = json.loads(json.dumps(config.to_plain(outer)))
    assert config.from_plain(Outer, data) == outer


@given(outers, outers)
def test_fingerprints_are_equal_exactly_when_configs_are(one, other):
    assert (config.fingerprint(one) == config.fingerprint(other)) == (one == other)


def test_write_then_read(tmp_path):
    outer = Outer(name="x", inner=Inner(depth=7))
    config.write(outer, tmp_path / "config.json")
    assert config.read(Outer, tmp_path / "config.json") == outer


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"name": "x", "inner": {"dept": 3}}, ["inner.dept", "did you mean 'depth'"]),
        ({"name": "x", "qqqq": 3}, ["qqqq", "there are: name"]),
        ({}, ["needs 'name'"]),
        ({"name": 3}, ["name is 3", "type str"]),
        ({"name": "x", "inner": {"depth": True}}, ["inner.depth is True", "int"]),
        ({"name": "x", "inner": {"depth": 1.5}}, ["inner.depth is 1.5"]),
        ({"name": "x", "inner": {"rate": "fast"}}, ["inner.rate is 'fast'", "number"]),
        ({"name": "x", "inner": {"kind": "c"}}, ["inner.kind", "one of ['a', 'b']"]),
        ({"name": "x", "inner": 5}, ["inner is 5", "Inner"]),
        ({"name": "x", "sizes": 5}, ["sizes is 5", "list"]),
        ({"name": "x", "pair": [1]}, ["pair", "2 items"]),
        ({"name": "x", "path": 5}, ["path is 5"]),
    ],
)
def test_wrong_data_is_refused_with_the_place_and_what_was_wanted(data, words):
    with pytest.raises(ValueError) as problem:
        config.from_plain(Outer, data)
    for word in words:
        assert word in str(problem.value)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"config\.json is not a Outer"):
        config.read(Outer, tmp_path / "config.json")


def test_what_json_cannot_hold_is_refused():
    with pytest.raises(ValueError, match="not a set"):
        config.to_plain({"a": {1}})
