"""A stage runs when it must, goes on where it was, and never loses a result."""

from dataclasses import dataclass

import pytest

from groundup.observe.progress import silent
from groundup.pipeline import artifact
from groundup.pipeline.stage import KEPT, Site, Stage, Work, decide, run_stage
from groundup.swap import Replacement


@dataclass(frozen=True, kw_only=True)
class Settings:
    value: int = 1


class Runs:
    """Runs two stages, the second of which needs the first, and keeps a diary."""

    def __init__(self, folder):
        self.lines = []
        self.ran = []
        self.site = Site(run_folder=folder, progress=silent, say=self.lines.append)
        self.crash = False
        self.references = []

    def write(self, work: Work):
        self.ran.append(work.folder.name)
        self.references.append(work.reference)
        unfinished = work.folder / "half"
        before = unfinished.read_text() if unfinished.exists() else ""
        unfinished.write_text(before + "x")
        if self.crash:
            raise KeyboardInterrupt
        given = "".join((folder / "out").read_text() for folder in work.inputs.values())
        (work.folder / "out").write_text(f"{given}{work.config.value}")
        unfinished.unlink()

    def build(self, first=1, second=1, uses=()):
        one = Stage(name="one", config=Settings(value=first), run=self.write, rooms=("layers",))
        two = Stage(name="two", config=Settings(value=second), run=self.write, needs=("one",))
        self.ran.clear()
        records = {"one": run_stage(one, self.site, inputs={}, uses=uses)}
        records["two"] = run_stage(two, self.site, inputs=records, uses=uses)
        return records


@pytest.fixture
def runs(tmp_path):
    return Runs(tmp_path / "runs" / "x")


def mine(sha256="0"):
    return Replacement(
        part="layers.attention:attend", file="m.py", name="attend", sha256=sha256, function=print
    )


def test_what_is_up_to_date_is_not_run_again(runs):
    runs.build()
    assert runs.ran == ["one", "two"]
    runs.build()
    assert runs.ran == []
    assert runs.lines[-2:] == ["one: up to date", "two: up to date"]


def test_a_changed_config_runs_its_stage_and_what_follows(runs):
    runs.build()
    runs.build(second=2)
    assert runs.ran == ["two"]
    runs.build(first=2, second=2)
    assert runs.ran == ["one", "two"]
    assert (runs.site.folder("two") / "out").read_text() == "22"


def test_going_back_to_earlier_settings_restores_their_results(runs):
    first = runs.build()
    runs.build(second=2)
    again = runs.build()
    assert runs.ran == []
    assert again["two"].fingerprint == first["two"].fingerprint
    assert (runs.site.folder("two") / "out").read_text() == "11"


def test_only_so_many_earlier_results_are_kept(runs):
    for value in range(KEPT + 3):
        runs.build(second=value)
    assert len(runs.site.previous("two")) == KEPT


def test_an_interrupted_stage_goes_on_in_its_folder(runs):
    runs.crash = True
    with pytest.raises(KeyboardInterrupt):
        runs.build()
    assert artifact.read_record(runs.site.folder("one")).status == "running"
    runs.crash = False
    records = runs.build()
    assert "one: going on where it was" in runs.lines
    assert records["one"].status == "complete"
    assert set(records["one"].outputs) == {"out"}


def test_damaged_files_are_noticed_and_made_again(runs):
    runs.build()
    (runs.site.folder("one") / "out").write_text("tampered")
    runs.build()
    assert runs.ran == ["one"]
    assert "one: out has changed since it was written; running it again" in runs.lines
    (runs.site.folder("two") / "out").unlink()
    runs.build()
    assert runs.ran == ["two"]


def test_a_folder_that_no_build_made_is_not_touched(runs):
    runs.site.folder("one").mkdir(parents=True)
    (runs.site.folder("one") / "precious").write_text("x")
    with pytest.raises(ValueError, match="was not made by a build"):
        runs.build()
    assert (runs.site.folder("one") / "precious").read_text() == "x"


def test_an_unreadable_record_is_named(runs):
    runs.build()
    (runs.site.folder("one") / artifact.RECORD).write_text("{")
    with pytest.raises(ValueError, match=r"one/stage\.json cannot be read"):
        runs.build()


def test_a_replaced_part_is_another_result_with_the_reference_beside_it(runs):
    runs.build()
    reference = artifact.read_record(runs.site.folder("one"))
    records = runs.build(uses=[mine()])
    assert records["one"].uses == (
        {"part": "layers.attention:attend", "file": "m.py", "name": "attend", "sha256": "0"},
    )
    assert records["one"].base_fingerprint == reference.fingerprint
    assert artifact.read_record(runs.references[-1]).fingerprint == reference.fingerprint
    assert runs.ran == ["one"], "the same output needs no second run of what follows"
    runs.build(uses=[mine("1")])
    assert runs.ran == ["one"], "a changed file is a changed part"
    runs.build()
    assert runs.ran == [], "without --use the library's own result is back"


def test_a_part_of_another_room_changes_nothing(runs):
    runs.build()
    elsewhere = Replacement(
        part="optimizers.adamw:adamw_step", file="m.py", name="f", sha256="0", function=print
    )
    runs.build(uses=[elsewhere])
    assert runs.ran == []


def test_the_decision_is_a_table():
    def record(status):
        return artifact.Record(
            stage="s", status=status, fingerprint="f", base_fingerprint="f", config={}, inputs={}
        )

    assert decide("f", None, damaged=False) == "run"
    assert decide("f", record("complete"), damaged=False) == "skip"
    assert decide("f", record("complete"), damaged=True) == "run"
    assert decide("f", record("running"), damaged=False) == "resume"
    assert decide("g", record("complete"), damaged=False) == "run"
    assert decide("g", record("complete"), damaged=False, kept=["g"]) == "restore"
    assert decide("f", record("complete"), damaged=False, kept=["f"]) == "skip"
