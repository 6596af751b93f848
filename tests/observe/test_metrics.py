"""Metrics survive crashes and never hold a step twice."""

import pytest

from groundup.observe.metrics import Metrics, read


def test_rows_come_back_as_written(tmp_path):
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.write(0, loss=2.5)
    metrics.write(1, loss=2.25, sample="hé\n")
    assert read(tmp_path / "metrics.jsonl") == [
        {"step": 0, "loss": 2.5},
        {"step": 1, "loss": 2.25, "sample": "hé\n"},
    ]
    metrics.close()


def test_a_torn_last_line_is_ignored_and_a_torn_middle_is_an_error(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0}\n{"step": 1, "lo')
    assert read(path) == [{"step": 0}]
    path.write_text('{"step": 0}\n{"st\n{"step": 2}\n')
    with pytest.raises(ValueError, match="line 2 is not JSON"):
        read(path)


def test_resuming_drops_the_steps_that_will_be_run_again(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0}\n{"step": 1}\n{"step": 2}\n{"step": 3, "l')
    metrics = Metrics(path, resume_at=2)
    metrics.write(2, again=True)
    metrics.close()
    assert read(path) == [{"step": 0}, {"step": 1}, {"step": 2, "again": True}]


def test_starting_afresh_empties_the_file(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 0}\n')
    Metrics(path).close()
    assert read(path) == []


def test_no_file_is_no_rows(tmp_path):
    assert read(tmp_path / "nothing.jsonl") == []
