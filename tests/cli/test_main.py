"""The command's front door: help, errors as sentences, exit codes."""

import subprocess
import sys
import types

import pytest

from groundup.cli import main as front
from groundup.cli.main import main


@pytest.fixture
def verb(monkeypatch):
    """Makes `groundup try_it` run a function given by the test."""

    def install(run):
        module = types.ModuleType("groundup.cli.try_it")
        module.run = run
        monkeypatch.setitem(sys.modules, "groundup.cli.try_it", module)
        monkeypatch.setattr(front, "verbs", lambda: ["try_it"])

    return install


def raising(problem):
    def run(arguments):
        raise problem

    return run


def test_help_lists_every_verb_under_a_chapter_with_its_sentence(capsys):
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name in front.verbs():
        line = next(line for line in text.splitlines() if f"groundup {name} " in line)
        assert len(line.split()) > 3, f"{name} has no sentence"
    for title in front.CHAPTERS.values():
        assert title in text


def test_help_imports_neither_torch_nor_a_verb():
    code = (
        "import sys; from groundup.cli.main import main; main(['--help']); "
        "sys.exit(any(name == 'torch' or name.startswith('groundup.cli.') and "
        "name != 'groundup.cli.main' for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
    assert done.returncode == 0


def test_a_misspelt_verb_is_answered_with_the_nearest(capsys):
    assert main(["biuld"]) == 1
    assert "did you mean `groundup build`?" in capsys.readouterr().err


def test_arguments_reach_the_verb_without_debug(verb):
    seen = []
    verb(lambda arguments: seen.append(arguments) or 0)
    assert main(["try_it", "a", "--debug", "--b"]) == 0
    assert seen == [["a", "--b"]]


@pytest.mark.parametrize(
    ("problem", "code", "words"),
    [
        (ValueError("the depth is 0; wanted 1 or more"), 1, "the depth is 0; wanted 1 or more"),
        (FileNotFoundError(2, "No such file", "x.txt"), 1, "No such file: x.txt"),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (KeyError("secret"), 70, "unexpected KeyError: 'secret' (--debug shows where)"),
        (KeyboardInterrupt(), 130, "stopped"),
    ],
)
def test_errors_are_one_sentence_and_an_exit_code(verb, capsys, problem, code, words):
    verb(raising(problem))
    assert main(["try_it"]) == code
    text = capsys.readouterr().err
    assert words in text
    assert "Traceback" not in text


def test_debug_lets_the_traceback_through(verb):
    verb(raising(ValueError("x")))
    with pytest.raises(ValueError, match="x"):
        main(["try_it", "--debug"])


def test_a_reader_that_leaves_is_no_error():
    command = f"{sys.executable} -m groundup --help | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], check=False, capture_output=True, text=True)
    assert "Traceback" not in done.stderr
