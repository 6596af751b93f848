"""The JSONL rows of a run reach TensorBoard's event files."""

import sys

import pytest

from groundup.observe.metrics import Metrics
from groundup.train.tracking import write_events


def test_without_tensorboard_one_sentence_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match=r"not installed .*pip install 'groundup\[tracking\]'"):
        write_events(tmp_path / "metrics.jsonl", tmp_path / "events")


def test_rows_become_events(tmp_path):
    pytest.importorskip("tensorboard", reason="the extra `tracking` is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(ValueError, match="has no rows"):
        write_events(tmp_path / "metrics.jsonl", tmp_path / "events")
    metrics = Metrics(tmp_path / "metrics.jsonl")
    metrics.write(0, loss=2.5, sample="def f():")
    metrics.write(1, loss=2.0, final=True)
    metrics.close()
    assert write_events(tmp_path / "metrics.jsonl", tmp_path / "events") == 2
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [(e.step, e.value) for e in events.Scalars("loss")] == [(0, 2.5), (1, 2.0)]
    assert events.Tags()["scalars"] == ["loss"]
