"""Which parts of a workspace run in a build: those that pass now, not those that once did."""

import pytest
from tests.course.graded import WRONG

from groundup.cli import build
from groundup.course import catalogue, passed_parts, workspace
from groundup.course.grader import Grader
from groundup.course.verdict import Result
from groundup.layers.attention import attend
from groundup.swap import is_replaced, replaced

ATTENTION = catalogue.find("attention")
SLOW = pytest.mark.distributed


@pytest.fixture
def made(tmp_path, monkeypatch):
    entries = [ATTENTION, *[one for one in catalogue.entries() if one.methods][:1]]
    monkeypatch.setattr(catalogue, "entries", lambda: entries)
    return workspace.start(tmp_path / "w")[0]


def solve(made, *entries):
    for entry in entries:
        made.path(entry).write_text(made.solution(entry))


class Saying:
    """A grader that gives a verdict it is told, on the file as it is or another."""

    def __init__(self, status, sha256=None):
        self.status, self.sha256, self.asked = status, sha256, []

    def grade(self, entry, path):
        import hashlib

        self.asked.append(entry.name)
        digest = self.sha256 or hashlib.sha256(path.read_bytes()).hexdigest()
        return Result(
            exercise=entry.name, status=self.status, checks=(), tier="core", seed=1, seconds=0.0,
            file=str(path), sha256=digest,
        )  # fmt: skip


def test_what_passes_stands_in_and_only_what_the_pipeline_can_use_is_asked(made):
    solve(made, *catalogue.entries())
    grader = Saying("passed")
    [part] = passed_parts.find(made, grader)
    assert grader.asked == ["attention"]
    assert (part.part, part.file) == ("layers.attention:attend", str(made.path(ATTENTION)))
    with replaced([part]):
        assert is_replaced(attend)


def test_what_does_not_pass_is_said_and_none_at_all_is_refused(made):
    solve(made, ATTENTION)
    said = []
    with pytest.raises(ValueError, match=r"no part of .* that the pipeline can use passes"):
        passed_parts.find(made, Saying("failed"), say=said.append)
    assert said == ["attention: failed; the library's own layers.attention:attend runs"]


def test_a_stub_nobody_touched_is_not_even_asked(made):
    grader = Saying("passed")
    with pytest.raises(ValueError, match="no part of"):
        passed_parts.find(made, grader)
    assert grader.asked == []


def test_a_file_that_changes_meanwhile_is_refused(made):
    solve(made, ATTENTION)
    with pytest.raises(ValueError, match="was changed while it was checked; build again"):
        passed_parts.find(made, Saying("passed", sha256="0" * 64))


@SLOW
def test_the_real_grader_decides(made):
    solve(made, ATTENTION)
    with Grader() as grader:
        assert [one.name for one in passed_parts.find(made, grader)] == ["attend"]
        made.path(ATTENTION).write_text(WRONG)
        with pytest.raises(ValueError, match="no part of"):
            passed_parts.find(made, grader)


@SLOW
def test_build_takes_a_workspace_or_a_part(made):
    solve(made, ATTENTION)
    file = made.path(ATTENTION)
    [of_workspace] = build.replacements_of(str(made.folder))
    [of_file] = build.replacements_of(f"layers.attention:attend={file}")
    assert of_workspace.record() == of_file.record()


def test_build_refuses_a_folder_that_is_no_workspace(tmp_path):
    with pytest.raises(ValueError, match=r"is no workspace: it has no groundup\.json"):
        build.replacements_of(str(tmp_path))
