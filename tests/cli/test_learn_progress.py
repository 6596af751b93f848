import io
from datetime import UTC, datetime, timedelta

import pytest

from groundup.cli import _learn_progress as verb
from groundup.course import catalogue
from groundup.course.facts import Attempt, Claim, ProjectRun, Study
from groundup.course.progress import Progress

NOW = datetime(2026, 12, 10, 12, tzinfo=UTC)


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "progress.db")


@pytest.fixture
def run(progress, capsys):
    def call(*arguments):
        code = verb.run(["--progress", str(progress.file), *arguments])
        return code, capsys.readouterr().out

    return call


def passed(exercise="attention", days_ago=0, **fields):
    at = NOW - timedelta(days=days_ago)
    return Attempt(exercise=exercise, status="passed", at=at, **fields)


def line(facts, start):
    [found] = [one for one in verb.standing(facts, NOW).splitlines() if one.startswith(start)]
    return found


def test_before_anything_it_says_what_is_first(run, progress):
    code, shown = run()
    assert code == 0
    assert shown.startswith(f"0 facts in {progress.file}\n")
    assert "projects passed: none" in shown
    assert "days in a row: 0" in shown
    assert "due for review: nothing\n" in shown
    assert "next: p01_mathematics/vectors_and_eigenvalues, " in shown
    assert not progress.file.exists()


def test_it_counts_topics_by_phase_and_how_far_they_are():
    before = line([], " 1 Mathematical").split()
    facts = [
        Claim(topic="p01_mathematics/logic", known=True),
        Study(about="p01_mathematics/graphs", minutes=5, at=NOW),
    ]
    after = line(facts, " 1 Mathematical").split()
    assert before[-5:-1] == [".", ".", ".", "."]
    assert after[-5:-1] == [".", "1", ".", "1"]
    assert int(after[-1]) == int(before[-1]) - 2
    assert line([], "10 Production").split()[-1] != "."


def test_what_was_begun_is_next_and_a_passed_project_is_named():
    facts = [
        Study(about="p01_mathematics/derivatives", minutes=5, at=NOW),
        ProjectRun(project="P1", passed=True, at=NOW - timedelta(days=1)),
    ]
    assert line(facts, "next: ").startswith("next: p01_mathematics/derivatives, ")
    assert line(facts, "projects passed") == "projects passed: P1"
    assert line(facts, "days in a row") == "days in a row: 2"


def test_what_is_due_for_review_is_named_or_the_day_of_the_next():
    version = next(one.version for one in catalogue.entries() if one.name == "attention")
    recent = [passed(days_ago=1, version=version)]
    assert line(recent, "due") == "due for review: nothing; the next on 2026-12-11"
    assert line([passed(days_ago=9, version=version)], "due") == "due for review: attention"


def test_a_long_list_of_reviews_is_cut():
    facts = [passed(one.name, 99, version=one.version) for one in catalogue.entries()]
    told = line(facts, "due")
    assert told.endswith(f" and {len(facts) - 8} more")


def test_measured_pace_is_told():
    facts = [Study(about="P1", minutes=600, at=NOW), ProjectRun(project="P1", passed=True, at=NOW)]
    assert line(facts, "pace") == "pace: 10 h for what was estimated at 8 h"


def test_export_and_import_bring_facts_to_another_file(run, progress, tmp_path, capsys):
    progress.add(Claim(topic="t", known=True), passed())
    out = tmp_path / "out.json"
    assert run("export", str(out)) == (0, f"2 facts written to {out}\n")
    with pytest.raises(ValueError, match="is there already"):
        run("export", str(out))
    run("export", str(out), "--overwrite")
    other = tmp_path / "other.db"
    for added, known in ((2, 0), (0, 2)):
        assert verb.run(["--progress", str(other), "import", str(out)]) == 0
        shown = capsys.readouterr().out
        assert shown == f"{added} facts added; {known} were here already\n"
    assert Progress(other).facts(details=True) == progress.facts(details=True)


def test_an_import_tells_of_facts_that_are_different(run, progress, tmp_path):
    progress.add(Claim(topic="theirs", known=True, id="1", at=NOW))
    run("export", str(tmp_path / "out.json"))
    progress.delete()
    progress.add(Claim(topic="mine", known=True, id="1", at=NOW))
    _, shown = run("import", str(tmp_path / "out.json"))
    assert "1 of those are different" in shown
    assert progress.facts()[0].topic == "mine"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("answer", "code", "left"), [("delete\n", 0, 0), ("yes\n", 1, 1)])
def test_delete_asks_first(run, progress, monkeypatch, answer, code, left):
    progress.add(passed())
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert run("delete")[0] == code
    assert len(progress.facts()) == left


def test_delete_without_anyone_to_ask_wants_yes(run, progress, monkeypatch):
    progress.add(passed())
    monkeypatch.setattr("sys.stdin", io.StringIO("delete\n"))
    with pytest.raises(ValueError, match="`delete --yes` deletes without asking"):
        run("delete")
    assert len(progress.facts()) == 1
    assert run("delete", "--yes") == (0, f"1 facts deleted from {progress.file}\n")
    assert progress.facts() == []
