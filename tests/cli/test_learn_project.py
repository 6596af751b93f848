"""`groundup learn project`: the list, the brief, a run with its verdict, report and fact."""

import pytest

from groundup.cli import _learn_project
from groundup.course import project
from groundup.course.facts import ProjectRun
from groundup.course.progress import Progress
from groundup.course.project import Found, Gate, Project


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A project whose only gate depends on nothing."""
    look = "Look there, for it is there that one looks when it has failed, and nowhere else at all."
    made = Project(
        "small", number="P3", title="A small one", parts=(),
        gates=(Gate(name="enough", number="one.size", at_least=2.0, look=look),),
    )  # fmt: skip

    def one(size):
        made.steps.clear()

        @made.step("one")
        def _(work):
            """Says a size."""
            return Found(numbers={"size": size})

        return made

    monkeypatch.setattr(project, "projects", lambda: [made])
    monkeypatch.setattr(project, "PROJECTS", tmp_path / "projects")
    made.brief.parent.mkdir(parents=True)
    made.brief.write_text("# Do it\n", encoding="utf-8")
    return one


def run(tmp_path, *more):
    kept = tmp_path / "progress.db"
    given = ["small", "--runs", str(tmp_path / "runs"), "--progress", str(kept), *more]
    return _learn_project.run(given), Progress(kept).facts(ProjectRun, details=True)


def test_it_lists_them_and_prints_a_brief(small, tmp_path, capsys):
    small(1.0)
    assert _learn_project.run([]) == 0
    assert "small            P3   A small one" in capsys.readouterr().out
    assert _learn_project.run(["small", "--brief"]) == 0
    assert capsys.readouterr().out == "# Do it\n"


def test_a_failed_gate_says_where_to_look_and_is_a_fact(small, tmp_path, capsys):
    small(1.5)
    code, [fact] = run(tmp_path)
    out = capsys.readouterr().out
    assert code == 1
    assert "FAILED  enough" in out
    assert "1.5 (at least 2)" in out
    assert "          Look there, for it is there" in out
    assert "1 of 2 gates: not passed yet" in out
    assert (fact.project, fact.passed) == ("P3", False)
    assert fact.gates[0]["value"] == 1.5


def test_a_passed_one_too_and_the_report_is_named(small, tmp_path, capsys):
    small(2.0)
    code, [fact] = run(tmp_path)
    page = tmp_path / "runs" / "small" / "report" / "index.html"
    assert code == 0
    assert f"the report: {page}" in capsys.readouterr().out
    assert page.is_file()
    assert fact.passed


def test_a_run_need_not_be_recorded(small, tmp_path):
    small(2.0)
    code, facts = run(tmp_path, "--no-progress")
    assert (code, facts) == (0, [])


def test_a_project_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match="there is no project 'none' that can be run"):
        _learn_project.run(["none"])
