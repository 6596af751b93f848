"""Runs and their curves, finished, under way, damaged, and with hostile names."""

import json

import pytest
from tests.studio.fake_desk import known, make_desk

from groundup.pipeline import artifact
from groundup.pipeline.artifact import Record
from groundup.studio.runs_view import MOST_POINTS, Runs, quantities, shown


def write_rows(folder, rows, tail=""):
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "metrics.jsonl").write_text(text + tail, encoding="utf-8")


def loss_rows(count, start=0):
    return [{"step": start + i, "loss": 3.0 - i / count, "lr": 0.1} for i in range(count)]


def record(stage, **changes):
    fields = {"status": "complete", "fingerprint": "f", "base_fingerprint": "f", "config": {}}
    return Record(stage=stage, inputs={}, **{**fields, **changes})


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return Runs(folder)


def test_no_folder_and_an_empty_one_have_no_runs(tmp_path, runs):
    assert Runs(tmp_path / "none").all() == []
    (runs.folder / "empty").mkdir()
    assert runs.all() == []


def test_a_run_lists_its_stages_in_the_order_in_which_they_began(runs):
    for stage, started in (("tokenizer", "2026-01-02"), ("corpus", "2026-01-01")):
        artifact.write_record(record(stage, started=started), runs.folder / "a" / stage)
    uses = ({"part": "layers.attention:attend", "name": "attend", "file": "x", "sha256": "0"},)
    running = record("pretrain", started="2026-01-03", status="running", uses=uses)
    artifact.write_record(running, runs.folder / "a" / "pretrain")
    artifact.write_record(record("x"), runs.folder / "a" / "previous" / "corpus-1")
    [run] = runs.all()
    assert [one.name for one in run.stages] == ["corpus", "tokenizer", "pretrain"]
    assert [one.status for one in run.stages] == ["complete", "complete", "not finished"]
    assert run.stages[2].parts == ("layers.attention:attend",)
    assert run.started == "2026-01-01"


def test_the_latest_run_stands_first(runs):
    for name, started in (("old", "2026-01-01"), ("new", "2026-02-01")):
        artifact.write_record(record("s", started=started), runs.folder / name / "s")
    assert [run.name for run in runs.all()] == ["new", "old"]


def test_a_damaged_record_does_not_hide_the_other_runs(runs):
    artifact.write_record(record("s"), runs.folder / "good" / "s")
    (runs.folder / "bad" / "s").mkdir(parents=True)
    (runs.folder / "bad" / "s" / artifact.RECORD).write_text("{")
    assert {run.name: run.stages[0].status for run in runs.all()} == {
        "good": "complete",
        "bad": "unreadable",
    }


def test_a_curve_grows_while_it_is_written(runs):
    folder = runs.folder / "a" / "pretrain"
    write_rows(folder, loss_rows(3), tail='{"step": 3, "lo')
    assert [step for step, _ in runs.curve("a", "pretrain")["points"]] == [0, 1, 2]
    write_rows(folder, loss_rows(5))
    assert runs.curve("a", "pretrain")["last_step"] == 4


def test_any_number_can_be_drawn_but_nothing_else(runs):
    rows = [{"step": 0, "loss": 1.0, "is": True, "text": "x"}, {"step": 1, "validation": 2}]
    write_rows(runs.folder / "a" / "s", [*rows, {"step": 2, "loss": None}])
    found = runs.curve("a", "s", "validation")
    assert found["quantities"] == ["loss", "validation"]
    assert found["points"] == [(1.0, 2.0)]
    with pytest.raises(LookupError, match="did not measure 'text'"):
        runs.curve("a", "s", "text")


def test_infinity_is_left_out():
    assert quantities([{"step": 1, "a": float("nan"), "b": float("inf"), "c": 1}]) == ["c"]


def test_a_long_curve_is_thinned_and_keeps_its_ends():
    points = [(float(i), 1.0) for i in range(10 * MOST_POINTS)]
    found = shown(points)
    assert len(found) <= MOST_POINTS + 2
    assert (found[0], found[-1]) == (points[0], points[-1])


@pytest.mark.parametrize(
    "path", ["..%2f..%2fetc/passwd", "a/..", "a/previous", "none/s", "a%00/s", "a/s%2f..%2fs"]
)
def test_a_name_that_is_no_stage_leads_nowhere(tmp_path, path):
    desk = make_desk(tmp_path)
    write_rows(desk.runs / "a" / "s", loss_rows(2))
    answer = known(desk).get(f"/api/runs/{path}")
    assert answer.status_code == 404
    assert "error" in answer.json()


def test_the_page_lists_them_and_escapes_names(tmp_path):
    desk = make_desk(tmp_path)
    write_rows(desk.runs / "<b>a" / "s", loss_rows(2))
    client = known(desk)
    text = client.get("/runs").text
    assert "&lt;b&gt;a" in text
    assert "<b>a" not in text
    assert client.get("/api/runs/<b>a/s").json()["points"] == [[0.0, 3.0], [1.0, 2.5]]


def test_without_runs_the_page_says_how_to_make_one(client):
    assert "groundup build names_rnn" in client.get("/runs").text


def test_a_damaged_curve_is_named(tmp_path):
    desk = make_desk(tmp_path)
    write_rows(desk.runs / "a" / "s", loss_rows(1), tail="{\n" + '{"step": 9}\n')
    answer = known(desk).get("/api/runs/a/s")
    assert answer.status_code == 400
    assert "line 2 is not JSON" in answer.json()["error"]
