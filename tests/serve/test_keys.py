"""API keys: found by digest, read from files, never shown."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.serve.keys import Key, Keys, from_file, from_options
from groundup.serve.limits import Limits

SECRET = "sk-do-not-show-me"


def write(tmp_path, text, name="keys.toml"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_key_is_found_under_its_name():
    keys = from_options([SECRET, "another"], Limits(concurrency=2))
    assert len(keys) == 2
    assert keys.find(SECRET).name == "key-1"
    assert keys.find("another").name == "key-2"
    assert keys.find("another").limits == Limits(concurrency=2)
    assert keys.find("") is None
    assert keys.find(SECRET + " ") is None


@given(st.text(st.characters(), max_size=40))
def test_only_the_key_itself_opens(text):
    assert from_options([SECRET]).find(text) is None
    assert from_options([text + "x"]).find(text + "x").name == "key-1"


def test_no_key_shows_its_secret():
    keys = from_options([SECRET])
    digest = hashlib.sha256(SECRET.encode())
    for shown in (repr(list(keys)), str(keys), repr(keys)):
        assert SECRET not in shown
        assert digest.hexdigest() not in shown
        assert repr(digest.digest()) not in shown


def test_toml_and_json_say_the_same(tmp_path):
    digest = hashlib.sha256(b"other").hexdigest()
    toml = f"""
        [[keys]]
        name = "ana"
        key = "{SECRET}"
        requests_per_minute = 60
        tokens_per_minute = 1000
        concurrency = 3
        [[keys]]
        name = "ben"
        sha256 = "{digest}"
    """
    data = {
        "keys": [
            {
                "name": "ana",
                "key": SECRET,
                "requests_per_minute": 60,
                "tokens_per_minute": 1000,
                "concurrency": 3,
            },
            {"name": "ben", "sha256": digest.upper()},
        ]
    }
    files = [write(tmp_path, toml), write(tmp_path, json.dumps(data), "keys.json")]
    for keys in map(from_file, files):
        ana, ben = keys.find(SECRET), keys.find("other")
        assert (ana.name, ben.name) == ("ana", "ben")
        assert ana.limits == Limits(requests_per_minute=60, tokens_per_minute=1000, concurrency=3)
        assert ben.limits == Limits()


def test_what_is_no_text_is_refused(tmp_path):
    path = tmp_path / "keys.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="is not TOML"):
        from_file(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no keys"),
        ("keys = []", "at least one"),
        ("keys = 3", "holds no keys"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}", "not TOML: look at"),
        (f"keys = ['{SECRET}']", r"keys\[0\] is a str"),
        (f"[[keys]]\nkey = '{SECRET}'", r"keys\[0\] needs a name"),
        (f"[[keys]]\nname = 3\nkey = '{SECRET}'", r"keys\[0\] needs a name"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}'\nconcurency = 1", "has 'concurency'; there are"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}'\nconcurrency = 0", "must be at least 1"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}'\nconcurrency = true", "wanted a whole number"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}'\nconcurrency = 1.5", "wanted a whole number"),
        ("[[keys]]\nname = 'a'", "either key or sha256"),
        (f"[[keys]]\nname = 'a'\nkey = '{SECRET}'\nsha256 = 'ab'", "either key or sha256"),
        ("[[keys]]\nname = 'a'\nkey = 123", "must be a text"),
        ("[[keys]]\nname = 'a'\nkey = ' '", "not empty"),
        (f"[[keys]]\nname = 'a'\nsha256 = '{SECRET}'", "64 hexadecimal digits"),
        ("[[keys]]\nname = 'a'\nsha256 = 'abcd'", "64 hexadecimal digits"),
        ("[[keys]]\nname='a'\nkey='x'\n[[keys]]\nname='a'\nkey='y'", "two keys are named 'a'"),
        ("[[keys]]\nname='a'\nkey='x'\n[[keys]]\nname='b'\nkey='x'", "stands there twice"),
    ],
)
def test_a_bad_file_is_refused_and_the_key_not_shown(tmp_path, text, said):
    path = write(tmp_path, text)
    with pytest.raises(ValueError, match=said) as caught:
        from_file(path)
    shown = str(caught.value)
    assert str(path) in shown
    assert SECRET not in shown
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_json_that_is_none_says_where_and_not_what(tmp_path):
    path = write(tmp_path, json.dumps({"keys": [{"key": SECRET}]})[:-2], "keys.json")
    with pytest.raises(ValueError, match="not JSON: look at line 1") as caught:
        from_file(path)
    assert SECRET not in str(caught.value)


def test_an_empty_option_is_refused():
    with pytest.raises(ValueError, match="API key 2 is empty"):
        from_options(["x", " "])


def test_a_missing_file_is_the_systems_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        from_file(tmp_path / "none.toml")


def test_two_equal_keys_are_refused():
    one = Key(name="a", digest=b"1" * 32)
    with pytest.raises(ValueError, match="twice"):
        Keys([one, Key(name="b", digest=b"1" * 32)])
