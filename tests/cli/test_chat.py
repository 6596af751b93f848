"""The chat verb's side of things; the conversation itself is tested in tests/inference."""

import io
import sys
from types import SimpleNamespace

import pytest

from groundup import swap
from groundup.cli import chat as verb
from groundup.inference import sampling


class Fake:
    """A conversation that echoes the question word by word."""

    made = None

    def __init__(self, loaded, *, system=None):
        self.loaded, self.forgotten, self.asked, self.closed = loaded, 0, [], 0
        self.begin(system)
        type(self).made = self

    def begin(self, system=None):
        self.messages = [{"role": "system", "content": system}] if system else []

    def ask(self, question, *, max_tokens, sampling):
        self.asked.append((question, max_tokens, sampling))
        if question == "too long":
            raise ValueError("the question is too long")
        self.messages.append({"role": "user", "content": question})
        try:
            for word in question.split():
                if word == "ctrl-c":
                    raise KeyboardInterrupt
                self.forgotten += word == "forget"
                yield f"{word} "
        finally:
            self.closed += 1


AUTO = {"device": "auto", "quant": "auto", "backend": "auto"}


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    calls = []

    def open_engine(source, **settings):
        calls.append((source, settings))
        return SimpleNamespace(name="parrot", note="a perch")

    monkeypatch.setattr(verb, "open_engine", open_engine)
    monkeypatch.setattr(verb, "Conversation", Fake)
    return calls


def pipe(monkeypatch, text):
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def terminal(monkeypatch, *lines):
    """A person at a terminal: types lines, or presses a key that raises."""
    typed = iter(lines)

    def read(prompt):
        line = next(typed)
        if isinstance(line, type):
            raise line
        return line

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", read)


def test_a_pipe_gets_the_answers_alone(monkeypatch, capsys, opened):
    pipe(monkeypatch, "one two\n\nthree\n")
    assert verb.run(["smollm2"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "one two \nthree \n"
    assert "[2 tokens, " in shown.err
    assert "tokens/s]" in shown.err
    assert opened == [
        (
            "smollm2",
            {"prefer": "chat", "threads": None, **AUTO},
        )
    ]


def test_options_reach_the_conversation(monkeypatch):
    pipe(monkeypatch, "hello\n")
    options = "--temperature 0 --top-k 5 --seed 3 --max-tokens 7 --system brief --device cpu"
    assert verb.run(["runs/x", *options.split()]) == 0
    [(question, max_tokens, settings)] = Fake.made.asked
    assert (question, max_tokens) == ("hello", 7)
    assert settings == sampling.Sampling(temperature=0, top_k=5, seed=3, top_p=0.9)
    assert Fake.made.messages[0] == {"role": "system", "content": "brief"}


def test_commands_are_obeyed_and_not_asked(monkeypatch, capsys):
    pipe(monkeypatch, "a\n/system be brief\nb\n/reset\nc\n/dance\n/system\n/quit\nnever\n")
    verb.run(["x"])
    assert [question for question, _, _ in Fake.made.asked] == ["a", "b", "c"]
    shown = capsys.readouterr().err
    assert "there is no /dance" in shown
    assert Fake.made.messages == []  # /system alone starts afresh without one


def test_reset_keeps_the_system_message(monkeypatch):
    pipe(monkeypatch, "a\n/reset\n")
    verb.run(["x", "--system", "be brief"])
    assert Fake.made.messages == [{"role": "system", "content": "be brief"}]


def test_ctrl_c_stops_the_answer_and_not_the_chat(monkeypatch, capsys):
    terminal(monkeypatch, "one ctrl-c two", "three", EOFError)
    assert verb.run(["x"]) == 0
    assert capsys.readouterr().out == "one \nthree \n\n"
    assert Fake.made.closed == 2


def test_ctrl_c_at_the_prompt_says_how_to_leave(monkeypatch, capsys):
    terminal(monkeypatch, KeyboardInterrupt, "/quit")
    assert verb.run(["x"]) == 0
    assert "/quit or Ctrl-D leaves" in capsys.readouterr().err


def test_ctrl_c_ends_a_pipe(monkeypatch):
    pipe(monkeypatch, "ctrl-c\nmore\n")
    with pytest.raises(KeyboardInterrupt):
        verb.run(["x"])
    assert Fake.made.closed == 1


def test_a_question_that_cannot_be_asked_does_not_end_the_chat(monkeypatch, capsys):
    pipe(monkeypatch, "too long\nshort\n")
    assert verb.run(["x"]) == 0
    shown = capsys.readouterr()
    assert "the question is too long" in shown.err
    assert shown.out == "short \n"


def test_what_is_forgotten_is_said(monkeypatch, capsys):
    pipe(monkeypatch, "please forget this\n")
    verb.run(["x"])
    assert "forgot the oldest 1 exchanges" in capsys.readouterr().err


def test_a_learners_part_stands_in_while_the_chat_lasts(monkeypatch, tmp_path, capsys):
    mine = tmp_path / "mine.py"
    mine.write_text(
        "def sample(logits_BV, sampling, *, chance_B, seen_BV=None, counts_BV=None):\n"
        "    return logits_BV.argmax(-1)\n"
    )
    monkeypatch.setattr(
        Fake, "ask", lambda self, *a, **k: (str(swap.is_replaced(sampling.sample)) for _ in "1")
    )
    pipe(monkeypatch, "hello\n")
    verb.run(["x", "--use", f"inference.sampling:sample={mine}"])
    assert capsys.readouterr().out == "True\n"
    assert not swap.is_replaced(sampling.sample)


def test_wrong_options_are_refused(capsys):
    with pytest.raises(SystemExit):
        verb.run(["x", "--temperature", "warm"])
    with pytest.raises((SystemExit, ValueError)):
        verb.run(["x", "--top-k", "0"])
    with pytest.raises(SystemExit):
        verb.run([])
    with pytest.raises(ValueError, match="should read room"):
        verb.run(["x", "--use", "nonsense"])
