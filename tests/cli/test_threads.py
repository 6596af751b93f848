"""--threads of the verbs that talk: what it reaches, and what it refuses."""

import os

import pytest
import torch

from groundup.cli import _serving, chat, complete, main
from groundup.cli._threads import set_threads

VERBS = {
    "serve": (_serving, ["serve", "no/model", "--port", "0"]),
    "chat": (chat, ["chat", "no/model"]),
    "complete": (complete, ["complete", "no/model", "text"]),
}


@pytest.fixture(autouse=True)
def threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def asked(monkeypatch):
    """How the model was to be opened, and with how many threads torch would compute then."""
    made = []

    def open_engine(source, **settings):
        made.append((settings["threads"], torch.get_num_threads()))
        raise ValueError("this is as far as it goes")

    for module, _ in VERBS.values():
        monkeypatch.setattr(module, "open_engine", open_engine)
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    return made


@pytest.mark.parametrize("verb", VERBS)
def test_both_backends_are_told(verb, asked, capsys):
    torch.set_num_threads(1)
    assert main.main([*VERBS[verb][1], "--threads", "3"]) == 1
    assert "as far as it goes" in capsys.readouterr().err
    assert asked == [(3, 3)]


@pytest.mark.parametrize("verb", VERBS)
def test_unasked_nothing_is_changed(verb, asked):
    torch.set_num_threads(2)
    main.main(VERBS[verb][1])
    assert asked == [(None, 2)]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("threads", ["0", "-2", "5", "99999999999"])
def test_a_number_that_cannot_help_is_refused(verb, threads, asked, capsys):
    assert main.main([*VERBS[verb][1], "--threads", threads]) == 1
    told = capsys.readouterr().err
    assert f"threads is {threads}; wanted 1 to 4" in told
    assert asked == []


def test_none_leaves_it_to_torch():
    before = torch.get_num_threads()
    set_threads(None)
    assert torch.get_num_threads() == before
