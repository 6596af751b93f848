"""`groundup learn` as a person types it: from an empty folder to a passed exercise."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from groundup.cli import (
    _learn_check,
    _learn_hint,
    _learn_next,
    _learn_reset,
    _learn_solution,
    _learn_start,
    _learn_status,
    _learn_watch,
    _learning,
    _verdict_text,
    learn,
)
from groundup.cli.main import main
from groundup.course import catalogue, workspace
from groundup.course.case import Finding
from groundup.course.checking import Outcome
from groundup.course.facts import Attempt, Hint, Setting
from groundup.course.progress import Progress
from groundup.course.verdict import Result

ATTENTION = catalogue.find("attention")
SOFTMAX_ALONE = "return (q_BHTD @ k_BHSD.mT).softmax(-1) @ v_BHSD"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A workspace made once, copied by each test."""
    return workspace.start(tmp_path_factory.mktemp("made") / "w")[0].folder


@pytest.fixture
def place(whole, tmp_path, monkeypatch):
    import shutil

    folder = tmp_path / "my-llm"
    shutil.copytree(whole, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def file(tmp_path):
    return tmp_path / "progress.db"


@pytest.fixture
def say(place, file, capsys):
    """Type a command; its exit code and all it said."""

    def typed(*words):
        code = main(["learn", *words, "--progress", str(file)])
        said = capsys.readouterr()
        return code, said.out + said.err

    return typed


def solve(folder, entry=ATTENTION):
    made = workspace.Workspace(folder)
    made.path(entry).write_text(made.solution(entry))


def spoil(folder):
    made = workspace.Workspace(folder)
    text = made.stub(ATTENTION).replace('raise NotImplementedError("write me")', SOFTMAX_ALONE)
    made.path(ATTENTION).write_text(text)


def test_help_lists_every_word_with_its_sentence_and_says_what_limits_are_worth(capsys):
    assert main(["learn", "--help"]) == 0
    text = capsys.readouterr().out
    for word in learn.words():
        line = next(line for line in text.splitlines() if f"groundup learn {word} " in line)
        assert len(line.split()) > 4, f"{word} has no sentence"
    assert "not from malice" in " ".join(text.split())


@pytest.mark.parametrize(
    "module",
    [
        _learn_check, _learn_hint, _learn_next, _learn_reset, _learn_solution, _learn_start,
        _learn_status, _learn_watch,
    ],
    ids=lambda module: module.__name__,
)  # fmt: skip
def test_a_word_explains_itself(module, capsys):
    with pytest.raises(SystemExit) as end:
        module.run(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert module.__doc__.splitlines()[0] in text
    assert "--progress" in text


def test_a_misspelt_word_is_answered_with_the_nearest(capsys):
    assert main(["learn", "wacth"]) == 1
    assert "did you mean 'watch'?" in capsys.readouterr().err


def test_start_makes_the_files_remembers_them_and_says_what_to_do(tmp_path, file, capsys):
    folder = tmp_path / "new"
    assert main(["learn", "start", str(folder), "--progress", str(file)]) == 0
    said = capsys.readouterr().out
    assert f"{len(catalogue.entries())} new files" in said
    assert "groundup learn watch" in said
    assert _learning.setting(Progress(file).facts(Setting), "workspace") == str(folder)
    assert main(["learn", "start", str(folder), "--progress", str(file)]) == 0
    assert "0 new files, 0 renewed" in capsys.readouterr().out


def test_without_a_workspace_one_is_told_how_to_make_it(tmp_path, file, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["learn", "status", "--progress", str(file)]) == 1
    assert "groundup learn start ~/my-llm" in capsys.readouterr().err


def test_the_last_workspace_is_found_from_elsewhere(place, file, tmp_path, monkeypatch, capsys):
    Progress(file).add(Setting(name="workspace", value=str(place)))
    monkeypatch.chdir(tmp_path)
    assert main(["learn", "status", "--progress", str(file)]) == 0
    assert str(place) in capsys.readouterr().out


def test_the_current_exercise_is_the_chosen_one_and_next_goes_on(say):
    first, second = _learning.in_order()[:2]
    assert say("status")[1].splitlines()[-1].startswith(f"current: {first.name},")
    code, said = say("next")
    assert (code, said.splitlines()[0].split(":")[0]) == (0, second.name)
    say("next", "attention")
    assert "current: attention," in say("status")[1]
    assert "no exercise 'atention'" in say("next", "atention")[1]


def test_hints_come_one_at_a_time_and_are_noted(say, file):
    for level in (1, 2, 3, 3):
        said = say("hint", "attention")[1]
        assert f"{level} of 3: {ATTENTION.hints[level - 1]}" in said
        assert f"{level + 1} of 3" not in said
    assert "--give-up" in said
    assert [fact.level for fact in Progress(file).facts(Hint)] == [1, 2, 3]


def test_the_solution_comes_after_a_pass_or_by_giving_up(say, file):
    code, said = say("solution", "attention")
    assert (code, "is not passed yet" in said) == (1, True)
    code, said = say("solution", "attention", "--give-up")
    assert (code, "share_heads(k_BHSD, G)" in said) == (0, True)
    assert [fact.level for fact in Progress(file).facts(Hint)] == [4]
    progress = Progress(file)
    progress.add(Attempt(exercise="attention", status="passed"))
    assert say("solution", "attention")[0] == 0
    assert len(progress.facts(Hint)) == 1


def test_reset_keeps_what_was_written(say, place):
    spoil(place)
    said = say("reset", "attention")[1]
    [backup] = (place / "_backups").rglob("*.py")
    assert str(backup) in said
    assert SOFTMAX_ALONE in backup.read_text()
    assert workspace.Workspace(place).state(ATTENTION) == "untouched"


def test_a_missing_file_is_told(say, place):
    (place / "p04_transformer" / "attention.py").unlink()
    assert "1 files are missing" in say("status")[1]
    assert "the file is missing; `groundup learn reset`" in say("next", "attention")[1]


@pytest.mark.distributed
def test_check_says_what_is_wrong_and_keeps_it_and_a_pass_says_what_next(say, place, file):
    assert say("check", "attention")[0] == 1
    assert Progress(file).facts(Attempt) == []  # nobody wrote anything yet
    spoil(place)
    code, said = say("check", "attention", "--seed", "7")
    assert code == 1
    for words in (
        "attention: failed, 1 of 4 checks",
        "a known mistake: the scores are not divided by the root of the head's width",
        "q_BHTD",
        "where",
        "within 4e-10",
        "with seed 7",
    ):
        assert words in said
    solve(place)
    code, said = say("check", "attention", "--deep")
    assert (code, "attention: passed, 8 of 8 checks" in said) == (0, True)
    assert "groundup learn solution attention" in said
    kept = Progress(file).facts(Attempt, details=True)
    assert [(one.status, one.tier, one.seed == 7) for one in kept] == [
        ("failed", "core", True),
        ("passed", "deep", False),
    ]
    assert SOFTMAX_ALONE in kept[0].code


@pytest.mark.distributed
def test_check_all_checks_what_was_written(say, place):
    assert "nothing is written yet" in say("check", "--all")[1]
    solve(place)
    code, said = say("check", "--all")
    assert (code, said.count("passed, ")) == (0, 1)


class Watched:
    """`groundup learn watch` in a process of its own."""

    def __init__(self, folder, file, *words):
        command = [sys.executable, "-m", "groundup", "learn", "watch", *words]
        self.process = subprocess.Popen(
            [*command, "--progress", str(file)], cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self.said += line

    def until(self, words, seconds=240):
        for _ in range(seconds * 20):
            if words in self.said:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        pytest.fail(f"it never said {words!r}:\n{self.said}")

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(60)
        self._reader.join(10)


@pytest.fixture
def watch(place, file):
    begun = []

    def begin(*words):
        begun.append(Watched(place, file, *words))
        return begun[-1]

    yield begin
    for one in begun:
        one.end()
        one.process.stdout.close()


@pytest.mark.distributed
def test_watch_checks_on_save_and_goes_on_after_a_pass(watch, place, file):
    one = watch("attention")
    one.until("attention: not implemented")
    spoil(place)
    one.until("a known mistake: the scores are not divided")
    path = place / "p04_transformer" / "attention.py"
    new = path.with_suffix(".new")  # as editors do that write beside and rename
    made = workspace.Workspace(place)
    new.write_text(made.solution(ATTENTION))
    new.rename(path)
    first = _learning.in_order()[0]
    one.until(f"{first.name}: not implemented")
    assert "attention: passed, 4 of 4 checks" in one.said
    one.end()
    assert one.process.returncode == 130
    assert [fact.status for fact in Progress(file).facts(Attempt)] == ["failed", "passed"]


@pytest.mark.distributed
def test_watch_follows_next_and_a_file_that_comes_and_goes(watch, place, file):
    one = watch("attention")
    one.until("attention: not implemented")
    path = place / "p04_transformer" / "attention.py"
    path.unlink()
    one.until("there is no file")
    path.write_text("def attend(:\n")
    one.until("line 1: SyntaxError")
    Progress(file).add(Setting(name="exercise", value="merge"))
    one.until("merge: not implemented")


@pytest.mark.distributed
def test_two_watchers_do_no_harm_and_a_workspace_that_goes_away_is_told(watch, place, file):
    both = [watch("attention"), watch("attention")]
    for one in both:
        one.until("attention: not implemented")
    solve(place)
    for one in both:
        one.until("attention: passed")
    assert {fact.status for fact in Progress(file).facts(Attempt)} == {"passed"}
    os.rename(place, place.with_name("moved"))
    for one in both:
        one.until("is gone; if you moved it, go there")
        one.process.wait(60)
        assert one.process.returncode == 1


# The words of a result


def result(*outcomes, **fields):
    given = {"exercise": "x", "status": "failed", "tier": "core", "seed": 3, "seconds": 0.1}
    return Result(**{**given, "checks": outcomes, "file": "x.py", "sha256": "", **fields})


def test_only_the_first_failure_shows_its_inputs():
    finding = Finding(says="other", given={"q": "1"}, got="2", expected="3", where="at [0]")
    one = Outcome(check="a", tier="core", status="failed", finding=finding)
    text = _verdict_text.text_of(result(one, one))
    assert [text.count(word) for word in ("got", "expected", "where", "other")] == [1, 1, 2, 2]


def test_a_table_stands_below_its_name_and_prints_are_marked():
    finding = Finding(says="other", given={"q": "[[1\n  2]]"})
    one = Outcome(check="a", tier="core", status="failed", finding=finding)
    text = _verdict_text.text_of(result(one, output="x: passed\n"))
    assert "    q\n        [[1\n          2]]" in text
    assert "  | x: passed" in text


def test_a_message_about_the_file_stands_first():
    text = _verdict_text.text_of(result(status="error", message="line 2: SyntaxError: no"))
    assert text.splitlines()[:2] == ["x: error (core, 0.10 s)", "    line 2: SyntaxError: no"]
