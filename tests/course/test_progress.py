import contextlib
import json
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from groundup.course import progress
from groundup.course.facts import Attempt, Claim, ProjectRun, Setting, Study, as_json
from groundup.course.progress import SCHEMA, Merged, Progress

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def kept(tmp_path):
    return Progress(tmp_path / "deep" / "progress.db")


def claim(topic="t", **fields):
    return Claim(topic=topic, known=True, **fields)


def attempt(code="def attend(): ...", **fields):
    return Attempt(exercise="attention", status="passed", code=code, results=[{"a": 1}], **fields)


def in_file(file):
    return Progress(file).facts(details=True)


# Keeping and reading


def test_facts_come_back_oldest_first_also_to_another_reader(kept):
    late, early = claim("late", at=NOON), attempt(at=NOON - timedelta(days=1))
    kept.add(late)
    kept.add(early, Study(about="t", minutes=5, at=NOON + timedelta(seconds=1)))
    found = Progress(kept.file).facts(details=True)
    assert found[:2] == [early, late]
    assert found[2].minutes == 5


def test_only_the_kinds_asked_for_are_read(kept):
    kept.add(claim(), attempt(), Setting(name="plan", value={"hours": 25}))
    assert [type(one) for one in kept.facts(Claim)] == [Claim]
    assert {type(one) for one in kept.facts(Claim, Attempt)} == {Claim, Attempt}
    assert len(kept.facts()) == 3


def test_without_details_the_long_fields_are_empty(kept):
    kept.add(attempt(), ProjectRun(project="P1", passed=True, gates={"loss": 1}))
    for one in kept.facts(Attempt):
        assert (one.code, one.results, one.status) == ("", None, "passed")
    assert kept.facts(ProjectRun)[0].gates is None
    assert kept.facts(ProjectRun, details=True)[0].gates == {"loss": 1}


def test_before_the_first_fact_there_is_no_file_and_nothing_in_it(kept):
    assert kept.facts() == []
    assert kept.delete() == 0
    kept.add()
    assert not kept.file.exists()


def test_the_same_fact_twice_is_there_once(kept):
    one = claim()
    kept.add(one)
    kept.add(one, one)
    assert kept.facts() == [one]


def test_code_that_no_encoding_holds_is_kept(kept):
    one = attempt("s = '\udcff\x00\ud800'\n")
    kept.add(one)
    assert kept.facts(details=True) == [one]


def test_the_file_itself_refuses_to_change_or_delete_a_fact(kept):
    kept.add(claim())
    with contextlib.closing(sqlite3.connect(kept.file)) as database:
        for statement in ("DELETE FROM facts", "UPDATE facts SET body = '{}'"):
            with pytest.raises(sqlite3.IntegrityError, match="a fact is never"):
                database.execute(statement)


def test_facts_are_added_all_or_none(kept):
    broken = claim()
    object.__setattr__(broken, "known", {1, 2})
    with pytest.raises(TypeError):
        kept.add(claim(), broken)
    assert kept.facts() == []


def test_it_lies_in_the_persons_data_folder_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    file = Progress().file
    assert file.name == "progress.db"
    assert "groundup" in file.parts


def test_without_platformdirs_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "platformdirs", None)
    with pytest.raises(ValueError, match=r"pip install 'groundup\[learn\]'"):
        Progress()


# Delete is real


def test_delete_removes_every_trace_from_the_file(kept):
    secret = "ZEBRA-0471"
    kept.add(*(attempt(secret * 300) for _ in range(20)))
    kept.add(claim(secret))
    everything = b"".join(p.read_bytes() for p in kept.file.parent.iterdir())
    assert secret.encode() in everything  # so that the next lines can fail
    assert kept.delete() == 21
    assert kept.facts() == []
    everything = b"".join(p.read_bytes() for p in kept.file.parent.iterdir())
    assert secret.encode() not in everything
    assert kept.file.stat().st_size < 40_000


def test_after_delete_facts_are_kept_and_protected_again(kept):
    kept.add(claim())
    kept.delete()
    one = claim("new")
    kept.add(one)
    assert kept.facts() == [one]
    with (
        contextlib.closing(sqlite3.connect(kept.file)) as database,
        pytest.raises(sqlite3.IntegrityError, match="never deleted"),
    ):
        database.execute("DELETE FROM facts")


def test_delete_says_so_when_another_still_reads_what_was_there(kept, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    kept.add(claim())
    with contextlib.closing(sqlite3.connect(kept.file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM facts").fetchall()
        with pytest.raises(OSError, match="another process still reads"):
            kept.delete()
    assert kept.facts() == []


# Other versions, other programs, damage


@pytest.mark.parametrize("version", range(1, len(SCHEMA)))
def test_an_older_file_is_brought_up_and_loses_nothing(kept, tmp_path, version):
    one = attempt(at=NOON)
    kept.add(one)
    old = tmp_path / "old.db"
    with (
        contextlib.closing(sqlite3.connect(old, isolation_level=None)) as database,
        contextlib.closing(sqlite3.connect(kept.file)) as new,
    ):
        for step in SCHEMA[:version]:
            progress._run(database, step)
        for row in new.execute("SELECT * FROM facts"):
            database.execute("INSERT INTO facts VALUES (?, ?, ?, ?, ?)", row)
        database.execute(f"PRAGMA application_id = {progress._APPLICATION}")
        database.execute(f"PRAGMA user_version = {version}")
    assert in_file(old) == [one]
    with contextlib.closing(sqlite3.connect(old)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (len(SCHEMA),)
        with pytest.raises(sqlite3.IntegrityError):
            database.execute("DELETE FROM facts")


def test_a_step_that_fails_leaves_the_older_file_as_it_was(kept, monkeypatch):
    one = claim()
    kept.add(one)
    half = "CREATE TABLE more (x);\nCREATE TABLE facts (x);"
    with monkeypatch.context() as patch:
        patch.setattr(progress, "SCHEMA", (*SCHEMA, half))
        with pytest.raises(ValueError, match="facts already exists"):
            kept.facts()
    assert kept.facts() == [one]


def test_a_newer_file_is_refused_and_untouched(kept, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(progress, "SCHEMA", (*SCHEMA, "CREATE TABLE moods (x)"))
        kept.add(claim())
    before = kept.file.read_bytes()
    for call in (kept.facts, kept.delete, lambda: kept.add(claim())):
        with pytest.raises(ValueError, match=r"newer groundup \(version 3; .* up to 2\): update"):
            call()
    assert kept.file.read_bytes() == before


@pytest.mark.parametrize("pragma", ["user_version = 1", "application_id = 7"])
def test_another_programs_database_is_refused_and_untouched(tmp_path, pragma):
    file = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE notes (x)")
        database.execute(f"PRAGMA {pragma}")
    before = file.read_bytes()
    with pytest.raises(ValueError, match="another program's database; give another file"):
        Progress(file).add(claim())
    assert file.read_bytes() == before


@pytest.mark.parametrize("damage", ["text", "head", "middle", "cut", "body"])
def test_a_damaged_file_is_named_and_left_as_it_is(kept, damage):
    kept.add(*(attempt("x" * 2000, at=NOON) for _ in range(40)))
    if damage == "text":
        kept.file.write_text("these are my notes, no database at all\n" * 200)
    elif damage == "cut":
        kept.file.write_bytes(kept.file.read_bytes()[:20_000])
    elif damage == "body":
        with contextlib.closing(sqlite3.connect(kept.file, isolation_level=None)) as database:
            database.execute("DROP TRIGGER facts_are_not_changed")
            database.execute("UPDATE facts SET body = '[1'")
    else:
        start = 0 if damage == "head" else 4096
        whole = bytearray(kept.file.read_bytes())
        whole[start : start + 8192] = b"\xa5" * 8192
        kept.file.write_bytes(whole)
    before = kept.file.read_bytes()
    with pytest.raises(ValueError, match=r"progress.db is damaged .* move it away") as caught:
        kept.facts(details=True)
    assert "groundup learn progress import" in str(caught.value)
    assert kept.file.read_bytes() == before


def test_an_empty_file_is_a_new_one(kept):
    kept.file.parent.mkdir()
    kept.file.touch()
    one = claim()
    kept.add(one)
    assert kept.facts() == [one]


# Places that cannot be written


@contextlib.contextmanager
def nobody():
    """As a user who owns nothing, where we are root; as ourselves otherwise."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder():
    folder = Path(tempfile.mkdtemp())  # tmp_path lies in folders that only we may enter
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions are others there")
def test_a_read_only_folder_is_said_so_and_nothing_changes(open_folder):
    file = open_folder / "progress.db"
    Progress(file).add(claim())
    file.chmod(0o444)
    open_folder.chmod(0o555)
    before = file.read_bytes()
    with nobody():
        with pytest.raises(OSError, match=r"progress.db: .*read-only"):
            Progress(file).add(claim())
        with pytest.raises(PermissionError):
            Progress(open_folder / "new" / "progress.db").add(claim())
    assert file.read_bytes() == before


def test_a_folder_or_a_file_in_the_way_is_said_so(tmp_path):
    with pytest.raises(OSError, match="it is a folder itself"):
        Progress(tmp_path).add(claim())
    (tmp_path / "file").touch()
    with pytest.raises((FileExistsError, NotADirectoryError)):
        Progress(tmp_path / "file" / "progress.db").add(claim())


def test_a_full_disk_loses_nothing_that_was_there(kept, monkeypatch):
    one = claim(at=NOON)
    kept.add(one)
    prepare = progress._prepare

    def full(database, file):
        prepare(database, file)
        database.execute("PRAGMA max_page_count = 1")  # SQLite's own way to be out of room

    with monkeypatch.context() as patch:
        patch.setattr(progress, "_prepare", full)
        with pytest.raises(OSError, match="the disk is full; nothing was added"):
            kept.add(claim("small", at=NOON), attempt("x" * 100_000))
    assert kept.facts() == [one]
    kept.add(claim("after"))
    assert len(kept.facts()) == 2


def test_another_that_writes_too_long_is_said_so(kept, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    kept.add(claim())
    with contextlib.closing(sqlite3.connect(kept.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OSError, match="another process has been writing"):
            kept.add(claim())
        assert len(kept.facts()) == 1  # readers wait for nobody
    kept.add(claim())
    assert len(kept.facts()) == 2


def write_many(folder, name, start):
    for number in range(8):
        start.wait()  # all four make the same new file
        for again in range(5):
            Progress(Path(folder) / f"{number}.db").add(Claim(topic=f"{name} {again}", known=True))


@pytest.mark.slow
def test_processes_that_make_the_file_and_write_at_once_lose_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(4)
    writers = [
        context.Process(target=write_many, args=(str(tmp_path), name, start)) for name in "abcd"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        if writer.is_alive():  # the others ended before the barrier
            writer.kill()
    assert [writer.exitcode for writer in writers] == [0] * 4
    wanted = sorted(f"{name} {again}" for name in "abcd" for again in range(5))
    for number in range(8):
        found = Progress(tmp_path / f"{number}.db").facts()
        assert sorted(one.topic for one in found) == wanted


def test_another_that_makes_the_file_while_it_is_looked_at_is_not_taken_for_a_stranger(
    kept, monkeypatch
):
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    prepare = progress._prepare
    looks = iter([True])

    def interrupted(database, file):
        def trace(statement):
            if "user_version" in statement and next(looks, False):  # between two looks at it
                with contextlib.suppress(OSError):  # it may have to wait for us
                    Progress(file).add(claim("theirs"))

        database.set_trace_callback(trace)
        prepare(database, file)

    monkeypatch.setattr(progress, "_prepare", interrupted)
    kept.add(claim("mine"))
    assert next(looks, "looked") == "looked"
    assert "mine" in [one.topic for one in kept.facts()]


# Export and import


def test_an_export_brings_everything_to_another_machine(kept, tmp_path):
    kept.add(attempt(at=NOON), claim(), Setting(name="plan", value={"hours": 2.5}))
    assert kept.export(tmp_path / "out.json") == 3
    other = Progress(tmp_path / "other.db")
    assert other.merge(tmp_path / "out.json") == Merged(added=3, known=0, different=0)
    assert other.facts(details=True) == kept.facts(details=True)
    assert other.merge(tmp_path / "out.json") == Merged(added=0, known=3, different=0)
    assert len(other.facts()) == 3


def test_two_machines_have_the_union_after_exchanging(kept, tmp_path):
    other = Progress(tmp_path / "other.db")
    both = claim("both", at=NOON)
    kept.add(both, claim("here", at=NOON + timedelta(1)))
    other.add(both, claim("there", at=NOON + timedelta(2)))
    kept.export(tmp_path / "a.json")
    assert other.merge(tmp_path / "a.json") == Merged(added=1, known=1, different=0)
    other.export(tmp_path / "b.json")
    kept.merge(tmp_path / "b.json")
    assert [one.topic for one in kept.facts()] == ["both", "here", "there"]
    assert kept.facts() == other.facts()


def test_of_two_facts_with_one_id_the_one_that_is_here_stays(kept, tmp_path):
    mine = claim("mine", id="1")
    kept.add(mine)
    table = {"format": "groundup progress", "version": 1}
    table["facts"] = [as_json(claim("theirs", id="1"))]
    (tmp_path / "in.json").write_text(json.dumps(table))
    assert kept.merge(tmp_path / "in.json") == Merged(added=0, known=1, different=1)
    assert kept.facts() == [mine]


def test_an_export_overwrites_only_when_told_and_leaves_no_rest(kept, tmp_path):
    kept.add(claim())
    out = tmp_path / "out.json"
    out.write_text("mine")
    with pytest.raises(ValueError, match="is there already"):
        kept.export(out)
    assert out.read_text() == "mine"
    kept.export(out, overwrite=True)
    assert json.loads(out.read_text())["version"] == 1
    with pytest.raises(FileNotFoundError):
        kept.export(tmp_path / "nowhere" / "out.json")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["deep", "out.json"]


def test_an_export_that_fails_on_the_way_leaves_no_half_file(kept, tmp_path, monkeypatch):
    kept.add(claim())

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kept.export(tmp_path / "out.json")
    assert [p.name for p in tmp_path.iterdir()] == ["deep"]


GOOD = as_json(claim())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is no exported progress"),
        ("{", "is no exported progress"),
        ("[" * 100_000, "is no exported progress"),
        (b"\xff\xfe\x00", "is no exported progress"),
        ([], "does not say 'groundup progress'"),
        ({"facts": []}, "does not say 'groundup progress'"),
        ({"format": "groundup progress", "version": 2, "facts": []}, "version 2; .* update"),
        ({"format": "groundup progress", "version": 1}, "version 1"),
        (
            {"format": "groundup progress", "version": 1, "facts": [GOOD, GOOD | {"kind": "x"}]},
            "fact 1: there is no kind of fact 'x'.*nothing was added",
        ),
        (
            {"format": "groundup progress", "version": 1, "facts": [GOOD, {**GOOD, "at": "1"}]},
            "fact 1: its time is '1'.*nothing was added",
        ),
    ],
)
def test_what_is_no_export_is_refused_and_adds_nothing(kept, tmp_path, content, message):
    file = tmp_path / "in.json"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(ValueError, match=message):
        kept.merge(file)
    assert kept.facts() == []
