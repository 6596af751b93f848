"""A workspace's good and bad days: whatever happens to it, nothing of the learner's is lost."""

import json
import os
from dataclasses import replace

import pytest

from groundup.course import catalogue, workspace
from groundup.course.workspace import BACKUPS, MANIFEST, Workspace

ATTENTION = catalogue.find("attention")
MINE = "# mine\n"


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """Three exercises are enough."""
    entries = [ATTENTION, *[one for one in catalogue.entries() if one.name != "attention"][:2]]
    monkeypatch.setattr(catalogue, "entries", lambda: entries)
    return entries


@pytest.fixture
def made(tmp_path):
    return workspace.start(tmp_path / "my-llm")[0]


def test_a_new_one_has_a_stub_for_each_exercise_in_its_phases_folder(tmp_path, few):
    made, changes = workspace.start(tmp_path / "deep" / "my-llm")
    assert changes.given == [one.name for one in few]
    assert made.path(ATTENTION) == made.folder / "p04_transformer" / "attention.py"
    assert made.path(ATTENTION).read_text() == made.stub(ATTENTION)
    assert {made.state(one) for one in few} == {"untouched"}
    assert "NotImplementedError" not in made.solution(ATTENTION)


def test_starting_again_changes_nothing(made):
    made.path(ATTENTION).write_text(MINE)
    before = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    _, changes = workspace.start(made.folder)
    assert changes == workspace.Changes()
    after = {path: path.read_bytes() for path in made.folder.rglob("*") if path.is_file()}
    assert after == before


def test_what_was_deleted_is_given_again_and_what_was_written_stays(made, few):
    made.path(ATTENTION).write_text(MINE)
    made.path(few[1]).unlink()
    again, changes = workspace.start(made.folder)
    assert changes.given == [few[1].name]
    assert again.path(ATTENTION).read_text() == MINE


def test_a_lost_manifest_loses_no_work(made, few):
    made.path(ATTENTION).write_text(MINE)
    (made.folder / MANIFEST).unlink()
    with pytest.raises(ValueError, match=r"has no groundup\.json; `groundup learn start"):
        Workspace(made.folder)
    again, changes = workspace.start(made.folder)
    assert changes.given == []
    assert (again.path(ATTENTION).read_text(), again.state(ATTENTION)) == (MINE, "written")
    assert again.state(few[1]) == "untouched"


def test_a_moved_file_is_found_and_two_of_a_name_are_named(made):
    inner = made.folder / "mine" / "best"
    inner.mkdir(parents=True)
    made.path(ATTENTION).rename(inner / "attention.py")
    again = Workspace(made.folder)
    assert again.path(ATTENTION) == inner / "attention.py"
    assert workspace.start(made.folder)[1].given == []
    (made.folder / "attention.py").write_text(MINE)
    with pytest.raises(ValueError, match="have one name; keep one"):
        again.path(ATTENTION)


def test_a_moved_workspace_works_where_it_is(made, tmp_path):
    made.path(ATTENTION).write_text(MINE)
    made.folder.rename(tmp_path / "elsewhere")
    found = workspace.find(tmp_path / "elsewhere" / "p04_transformer", str(made.folder))
    assert found.path(ATTENTION).read_text() == MINE


def test_a_workspace_that_is_gone_is_told_with_what_to_do(made, tmp_path):
    made.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(ValueError, match=r"is gone; if you moved it, go into its folder"):
        workspace.find(tmp_path, str(made.folder))
    with pytest.raises(ValueError, match="there is no workspace yet"):
        workspace.find(tmp_path, None)


def test_outside_of_one_the_last_is_found(made, tmp_path):
    assert workspace.find(tmp_path, str(made.folder)).folder == made.folder


def newer(monkeypatch, few):
    """The course has another stub for attention, of a higher version."""
    own = Workspace.stub
    text = lambda self, e: own(self, e) + ("# new\n" if e.name == "attention" else "")  # noqa: E731
    monkeypatch.setattr(Workspace, "stub", text)
    few[0] = replace(ATTENTION, version=2)
    return few[0]


def test_an_older_course_leaves_an_untouched_stub_that_is_renewed(made, monkeypatch, few):
    entry = newer(monkeypatch, few)
    assert made.is_outdated(entry)
    again, changes = workspace.start(made.folder)
    assert changes.renewed == ["attention"]
    assert again.path(entry).read_text().endswith("# new\n")
    assert not again.is_outdated(entry)


def test_an_older_course_leaves_work_that_is_not_touched_only_told(made, monkeypatch, few):
    made.path(ATTENTION).write_text(MINE)
    entry = newer(monkeypatch, few)
    again, changes = workspace.start(made.folder)
    assert (changes.renewed, changes.outdated) == ([], ["attention"])
    assert again.path(entry).read_text() == MINE
    assert again.is_outdated(entry)


def test_reset_keeps_every_old_file(made):
    asides = []
    for number in range(3):
        made.path(ATTENTION).write_text(f"{MINE}{number}")
        asides.append(made.reset(ATTENTION))
    assert [aside.read_text() for aside in asides] == [f"{MINE}{number}" for number in range(3)]
    assert all(aside.is_relative_to(made.folder / BACKUPS) for aside in asides)
    assert made.state(ATTENTION) == "untouched"
    assert Workspace(made.folder).state(ATTENTION) == "untouched"


def test_reset_of_a_missing_file_gives_it_anew(made):
    made.path(ATTENTION).unlink()
    assert made.reset(ATTENTION) is None
    assert made.state(ATTENTION) == "untouched"


def test_other_line_ends_are_no_change(made):
    path = made.path(ATTENTION)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert made.state(ATTENTION) == "untouched"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b"[" * 10**5, "is damaged"),
        (b"[]", "is not a workspace's"),
        (b"{}", "is not a workspace's"),
        (b'{"format": "groundup workspace", "version": 9}', "update groundup"),
        (b'{"format": "groundup workspace", "version": 1}', "is damaged"),
        (b'{"format": "groundup workspace", "version": 1, "exercises": []}', "is damaged"),
        (b'{"format": "groundup workspace", "version": 1, "exercises": {"a": {}}}', "is damaged"),
    ],
)
def test_a_manifest_that_is_none_is_told_and_left(made, text, words):
    (made.folder / MANIFEST).write_bytes(text)
    for open_it in (Workspace, workspace.start):
        with pytest.raises(ValueError, match=words):
            open_it(made.folder)
    assert (made.folder / MANIFEST).read_bytes() == text


@pytest.mark.parametrize("file", ["../../outside.py", "/etc/passwd", "p/../../x.py", 3])
def test_a_hostile_manifest_leads_nowhere_else(made, file):
    table = json.loads((made.folder / MANIFEST).read_text())
    table["exercises"]["attention"]["file"] = file
    (made.folder / MANIFEST).write_text(json.dumps(table))
    assert Workspace(made.folder).path(ATTENTION).is_relative_to(made.folder)


def test_a_folder_with_other_things_or_a_file_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match=r"other things in it \(thesis\.tex"):
        workspace.start(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(ValueError, match="is a file; give a folder"):
        workspace.start(tmp_path / "thesis.tex")


def test_a_folder_under_version_control_is_empty_enough(tmp_path):
    (tmp_path / ".git").mkdir()
    assert workspace.start(tmp_path)[1].given


def test_a_disk_that_fills_up_leaves_what_was_done_and_it_goes_on(tmp_path, monkeypatch, few):
    own = Workspace._give

    def full(self, entry, text, path):
        if entry is few[2]:
            raise OSError(28, "No space left on device")
        own(self, entry, text, path)

    monkeypatch.setattr(Workspace, "_give", full)
    with pytest.raises(OSError, match="No space"):
        workspace.start(tmp_path / "w")
    monkeypatch.setattr(Workspace, "_give", own)
    assert workspace.start(tmp_path / "w")[1].given == [few[2].name]


def test_a_learner_that_writes_meanwhile_is_not_overwritten(made, monkeypatch):
    made.path(ATTENTION).unlink()
    path = made.path(ATTENTION)
    own = Workspace._give

    def late(self, entry, text, where):
        if entry is ATTENTION:
            path.write_text(MINE)
        own(self, entry, text, where)

    monkeypatch.setattr(Workspace, "_give", late)
    workspace.start(made.folder)
    assert path.read_text() == MINE
    assert os.access(path, os.W_OK)
