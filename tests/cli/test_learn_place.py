from types import SimpleNamespace

import pytest

from groundup.cli import _learn_place as verb
from groundup.course import catalogue, exercise, grader, stub
from groundup.course.checking import Outcome
from groundup.course.facts import Attempt, Claim
from groundup.course.progress import Progress

OWN = [one for one in catalogue.entries() if one.topic == "p04_transformer/attention"]
NAMES = [one.name for one in OWN]


class FakeGrader:
    """Says of each file what stands in it."""

    asked: list = []  # noqa: RUF012, emptied by the fixture

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def grade(self, entry, file, *, tier):
        self.asked.append((entry.name, tier))
        status = file.read_text()
        one = Outcome(check="it adds up", tier="core", status=status)
        return SimpleNamespace(
            status=status, seed=7, checks=(one,), message="", is_passed=status == "passed"
        )


@pytest.fixture
def progress(tmp_path):
    return Progress(tmp_path / "data" / "progress.db")


@pytest.fixture
def workspace(tmp_path):
    (tmp_path / "mine" / "p04_transformer").mkdir(parents=True)
    return tmp_path / "mine"


@pytest.fixture
def place(progress, workspace, capsys, monkeypatch):
    monkeypatch.setattr(grader, "Grader", FakeGrader)
    FakeGrader.asked.clear()

    def run(*arguments):
        code = verb.run([*arguments, "--use", str(workspace), "--progress", str(progress.file)])
        return code, capsys.readouterr().out

    return run


def answer(workspace, name, says):
    (workspace / "p04_transformer" / f"{name}.py").write_text(says)


def test_a_topic_whose_exercises_all_pass_is_mastered(place, workspace, progress):
    for name in NAMES:
        answer(workspace, name, "passed")
    code, shown = place("attention")
    assert code == 0
    assert FakeGrader.asked == [(name, "deep") for name in NAMES]
    assert "1 of 1 topics are mastered; the plan skips them" in shown
    facts = progress.facts(Attempt, details=True)
    assert [one.exercise for one in facts] == NAMES
    assert {(one.purpose, one.tier, one.seed) for one in facts} == {("placement", "deep", 7)}
    assert facts[0].code == "passed"
    assert facts[0].results[0]["check"] == "it adds up"


def test_an_answer_that_fails_is_named_with_its_check_and_kept(place, workspace, progress):
    answer(workspace, NAMES[0], "failed")
    code, shown = place("attention")
    assert code == 1
    assert f"  failed         {NAMES[0]}: it adds up" in shown
    assert "0 of 1 topics are mastered" in shown
    assert progress.facts()[0].status == "failed"


def test_what_nobody_wrote_is_no_failure_and_no_attempt(place, workspace, progress):
    answer(workspace, NAMES[0], "not implemented")
    code, shown = place("attention")
    assert code == 0
    assert f"  no answer      {NAMES[0]} ({NAMES[0]}.py is as it was given)" in shown
    assert progress.facts() == []


def test_a_phase_holds_its_topics_and_what_has_no_answer_is_left_alone(place):
    code, shown = place("phase", "4")
    assert code == 0
    assert f"  no answer      {NAMES[0]} (there is no {NAMES[0]}.py)" in shown
    assert shown.count("\np04_transformer/") + shown.startswith("p04_transformer/") >= 9
    assert FakeGrader.asked == []


def test_what_was_passed_before_is_not_checked_again(place, workspace, progress):
    for one in OWN:
        answer(workspace, one.name, "failed")
        progress.add(Attempt(exercise=one.name, status="passed", version=one.version))
    code, shown = place("attention")
    assert code == 0
    assert f"  passed before  {NAMES[0]}" in shown
    assert FakeGrader.asked == []


def test_a_topic_can_be_said_to_be_known_and_that_taken_back(place, progress):
    code, shown = place("--known", "logic", "--known", "graphs")
    assert code == 0
    assert "p01_mathematics/logic: known, as you say" in shown
    assert {one.topic for one in progress.facts(Claim) if one.known} == {
        "p01_mathematics/logic",
        "p01_mathematics/graphs",
    }
    place("--unknown", "logic")
    assert [one.known for one in progress.facts(Claim)][-1] is False


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say what to check, as `groundup learn place 'phase 3'`"),
        (["phase", "11"], "no goal 'phase 11'"),
        (["--known", "../logic"], "no goal '../logic'"),
    ],
)
def test_what_cannot_be_placed_is_said(place, progress, arguments, message):
    with pytest.raises(ValueError, match=message):
        place(*arguments)
    assert progress.facts() == []


def test_two_files_for_one_exercise_and_a_missing_folder_are_said(place, workspace, progress):
    answer(workspace, NAMES[0], "passed")
    (workspace / ".old").mkdir()
    (workspace / ".old" / f"{NAMES[0]}.py").write_text("failed")
    assert place("attention")[0] == 0  # hidden folders are left out
    progress.delete()
    (workspace / f"{NAMES[0]}.py").write_text("passed")
    with pytest.raises(ValueError, match=f"are both {NAMES[0]}.py; keep one"):
        place("attention")
    with pytest.raises(ValueError, match="is no folder; --use wants the one with your answers"):
        verb.run(["attention", "--use", str(workspace / "nowhere")])


@pytest.mark.distributed
def test_the_real_grader_masters_a_topic_by_the_librarys_own_answers(workspace, progress, capsys):
    for one in exercise.of_topic("p04_transformer/attention"):
        answer(workspace, one.name, stub.solution(one))
    arguments = ["attention", "--use", str(workspace), "--progress", str(progress.file)]
    assert verb.run(arguments) == 0
    assert "1 of 1 topics are mastered" in capsys.readouterr().out
    answer(workspace, NAMES[0], stub.stub(exercise.of_topic("p04_transformer/attention")[0]))
    progress.delete()
    assert verb.run(arguments) == 0
    assert "is as it was given" in capsys.readouterr().out
