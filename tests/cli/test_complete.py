"""The complete verb's side of things; completing itself is tested in tests/inference."""

import io
import sys
from types import SimpleNamespace

import pytest

from groundup.cli import complete as verb
from groundup.inference.sampling import Sampling

AUTO = {"device": "auto", "quant": "auto", "backend": "auto"}


@pytest.fixture(autouse=True)
def calls(monkeypatch):
    made = []

    def open_engine(source, **settings):
        made.append((source, settings))
        return SimpleNamespace(name="parrot", note="a perch")

    def complete(loaded, prompt, **settings):
        made.append((loaded.name, prompt, settings))
        if not prompt:
            raise ValueError("a prompt is empty")
        return iter([" and", "", " on"])

    monkeypatch.setattr(verb, "open_engine", open_engine)
    monkeypatch.setattr(verb, "complete", complete)
    return made


def test_the_text_goes_to_the_output_and_the_speed_beside_it(capsys, calls):
    assert verb.run(["runs/x", "on", "--max-tokens", "9", "--temperature", "0.5"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "on and on\n"
    assert shown.err.startswith("[3 tokens, ")
    assert shown.err.endswith(" tokens/s; a perch]\n")
    assert calls == [
        ("runs/x", {"prefer": "base", "threads": None, **AUTO}),
        ("parrot", "on", {"max_tokens": 9, "sampling": Sampling(temperature=0.5)}),
    ]


def test_without_a_prompt_it_reads_the_pipe(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\ntwo"))
    assert verb.run(["x"]) == 0
    assert capsys.readouterr().out == "one\ntwo and on\n"


def test_nothing_is_printed_when_the_prompt_is_refused(capsys):
    with pytest.raises(ValueError, match="empty"):
        verb.run(["x", ""])
    assert capsys.readouterr().out == ""
