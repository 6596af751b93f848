"""Training learns, stops well, and goes on exactly where it was."""

import errno
import json
import os
import signal
import threading

import pytest
import torch

from groundup import swap
from groundup.checkpoints import store as stores
from groundup.checkpoints.store import Store
from groundup.observe import metrics
from groundup.train.loop import train
from groundup.train.stability import NotFiniteError


class Stop(Exception):
    pass


def stop_at(wanted):
    def watch(step, row):
        if step == wanted:
            raise Stop

    return watch


def weights(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def assert_equal(a, b):
    assert list(a) == list(b)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_it_learns_and_reports(make_model, batches, make_config, tmp_path):
    model = make_model()
    seen = []

    def watch(step, row):
        seen.append((step, dict(row)))
        return {"sample": "abc"} if "validation_loss" in row else None

    config = make_config(steps=150, checkpoint_every=50)
    result = train(model, batches, config, tmp_path, validation=batches, watch=watch)
    assert result.loss < 0.3
    assert result.validation_loss < 0.3
    assert result.steps == 150
    assert result.tokens == 150 * 24
    assert result.resumed_from is None
    assert result.notes == ()
    rows = metrics.read(tmp_path / "metrics.jsonl")
    assert [row["step"] for row in rows] == list(range(150)) == [step for step, _ in seen]
    assert rows[0]["loss"] > rows[-1]["loss"]
    assert set(rows[0]) == {"step", "loss", "grad_norm", "lr", "tokens", "tokens_per_second"}
    evaluated = [row["step"] for row in rows if "validation_loss" in row]
    assert evaluated == list(range(14, 150, 15))
    assert rows[14]["sample"] == "abc"
    assert Store(tmp_path / "checkpoints").steps() == [100, 150]
    assert_equal(Store(tmp_path / "checkpoints").load()[1]["model"], weights(model))


@pytest.mark.parametrize("kind", ["muon", "adamw"])
def test_stopped_and_resumed_is_the_same_as_never_stopped(
    make_model, batches, make_config, tmp_path, kind
):
    optimizer = type(make_config().optimizer)(kind=kind, weight_decay=0.1)
    config = make_config(optimizer=optimizer, checkpoint_every=7, micro_batch=3)
    straight = make_model()
    train(straight, batches, config, tmp_path / "straight", validation=batches)
    with pytest.raises(Stop):
        train(make_model(), batches, config, tmp_path / "halting", watch=stop_at(17))
    resumed = make_model(seed=99)
    result = train(resumed, batches, config, tmp_path / "halting", validation=batches)
    assert result.resumed_from == 14
    assert result.tokens == 30 * 24
    assert_equal(weights(straight), weights(resumed))
    rows = [metrics.read(tmp_path / run / "metrics.jsonl") for run in ("straight", "halting")]
    assert [row["loss"] for row in rows[0]] == [row["loss"] for row in rows[1]]
    states = [Store(tmp_path / run / "checkpoints").load()[1] for run in ("straight", "halting")]
    for state in states:
        state["facts"].pop("seconds")
    assert str(states[0]) == str(states[1])


def test_a_finished_run_is_not_trained_again(make_model, batches, make_config, tmp_path):
    first, second = make_model(), make_model(seed=5)
    train(first, batches, make_config(), tmp_path)
    result = train(second, batches, make_config(), tmp_path, watch=stop_at(0))
    assert result.resumed_from == 30
    assert result.loss == metrics.read(tmp_path / "metrics.jsonl")[-1]["loss"]
    assert_equal(weights(first), weights(second))


def test_another_config_or_model_in_the_same_folder_is_refused(
    make_model, batches, make_config, tmp_path
):
    train(make_model(), batches, make_config(), tmp_path)
    with pytest.raises(ValueError, match="was made for another training config"):
        train(make_model(), batches, make_config(steps=31), tmp_path)
    other = make_model()
    other.up = torch.nn.Linear(8, 20, bias=False)
    with pytest.raises(ValueError, match="does not belong to this model"):
        train(other, batches, make_config(), tmp_path)


def test_a_number_that_is_none_stops_before_the_update(make_model, batches, make_config, tmp_path):
    model = make_model()

    def objective(model, inputs_BT, targets_BT):
        loss = model.loss(inputs_BT, targets_BT)
        return loss * float("nan") if torch.equal(inputs_BT, batches.at(12)[0]) else loss

    config = make_config(checkpoint_every=5)
    with pytest.raises(NotFiniteError, match=r"step 12: the loss is nan.*that of step 10 is good"):
        train(model, batches, config, tmp_path, objective=objective)
    assert all(tensor.isfinite().all() for tensor in weights(model).values())
    assert Store(tmp_path / "checkpoints").steps() == [5, 10]
    assert metrics.read(tmp_path / "metrics.jsonl")[-1]["step"] == 11


def test_an_infinite_gradient_stops_too(make_model, batches, make_config, tmp_path):
    def objective(model, inputs_BT, targets_BT):
        zero = (model.embed.weight * 0).sum()
        return model.loss(inputs_BT, targets_BT) + zero.sqrt()

    with pytest.raises(NotFiniteError, match=r"gradient's norm (nan|inf).*none is saved yet"):
        train(make_model(), batches, make_config(), tmp_path, objective=objective)


def test_ctrl_c_ends_the_step_saves_and_raises(make_model, batches, make_config, tmp_path):
    before = signal.getsignal(signal.SIGINT)

    def interrupt(step, row):
        if step == 11:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt, match="stopped after step 11; run again"):
        train(make_model(), batches, make_config(), tmp_path, watch=interrupt)
    assert signal.getsignal(signal.SIGINT) is before
    assert Store(tmp_path / "checkpoints").steps() == [12]
    straight, resumed = make_model(), make_model(seed=3)
    assert train(resumed, batches, make_config(), tmp_path).resumed_from == 12
    train(straight, batches, make_config(), tmp_path / "straight")
    assert_equal(weights(straight), weights(resumed))


def test_it_trains_outside_the_main_thread_too(make_model, batches, make_config, tmp_path):
    results = []

    def work():
        results.append(train(make_model(), batches, make_config(steps=2), tmp_path))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results[0].steps == 2


def test_a_full_disk_leaves_the_checkpoint_before(
    make_model, batches, make_config, tmp_path, monkeypatch
):
    real = stores.write_durably

    def full(path, content):
        if "step_000020" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    config = make_config(checkpoint_every=10)
    monkeypatch.setattr(stores, "write_durably", full)
    with pytest.raises(OSError, match=r"step 20 could not be written .* step 10 is intact"):
        train(make_model(), batches, config, tmp_path)
    monkeypatch.undo()
    straight, resumed = make_model(), make_model(seed=3)
    assert train(resumed, batches, config, tmp_path).resumed_from == 10
    train(straight, batches, config, tmp_path / "straight")
    assert_equal(weights(straight), weights(resumed))


def test_a_damaged_checkpoint_is_noted_and_the_one_before_taken(
    make_model, batches, make_config, tmp_path
):
    config = make_config(checkpoint_every=10)
    with pytest.raises(Stop):
        train(make_model(), batches, config, tmp_path, watch=stop_at(25))
    (tmp_path / "checkpoints" / "step_000020" / "model.safetensors").write_bytes(b"")
    result = train(make_model(), batches, config, tmp_path)
    assert result.resumed_from == 10
    assert "step_000020 is not a whole checkpoint" in result.notes[0]


def test_the_best_is_kept(make_model, batches, make_config, tmp_path):
    optimizer = type(make_config().optimizer)(lr=3.0, matrix_lr=3.0)
    config = make_config(keep_best=True, keep_last=1, evaluate_every=1, warmup=0)
    model = make_model()
    train(model, batches, config, tmp_path / "a", validation=batches)
    wild = make_config(
        keep_best=True, keep_last=1, evaluate_every=1, warmup=0, clip=None, optimizer=optimizer
    )
    train(make_model(), batches, wild, tmp_path / "b", validation=batches)
    for run in ("a", "b"):
        losses = [row["validation_loss"] for row in metrics.read(tmp_path / run / "metrics.jsonl")]
        store = Store(tmp_path / run / "checkpoints")
        assert store.best() == 1 + losses.index(min(losses))
        assert store.load_best()[1]["facts"]["best_validation_loss"] == min(losses)


def test_batches_of_another_shape_are_refused(make_model, batches, make_config, tmp_path):
    with pytest.raises(ValueError, match=r"inputs \(4, 6\).*batch_size x context = \(4, 7\)"):
        train(make_model(), batches, make_config(context=7), tmp_path)


def test_a_learners_schedule_and_step_are_what_trains(make_model, batches, make_config, tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "def schedule(step, total, *, warmup=0, kind='wsd', decay=0.2, floor=0.0):\n"
        "    return 0.0\n"
    )
    model = make_model()
    before = weights(model)
    with swap.replaced([swap.load(f"optimizers.schedules:schedule={file}")]):
        train(model, batches, make_config(), tmp_path / "run")
    assert_equal(before, weights(model))


def test_a_time_budget_becomes_a_number_of_steps_once(make_model, batches, make_config, tmp_path):
    config = make_config(steps=None, minutes=0.01)
    with pytest.raises(Stop):
        train(make_model(), batches, config, tmp_path, watch=stop_at(0))
    plan = json.loads((tmp_path / "plan.json").read_text())
    assert plan["steps"] >= 1
    assert plan["seconds_per_step"] > 0
    resumed = make_model()
    result = train(resumed, batches, config, tmp_path)
    assert result.steps == plan["steps"]
    straight = make_model()
    train(straight, batches, make_config(steps=plan["steps"]), tmp_path / "straight")
    assert_equal(weights(straight), weights(resumed))
    assert json.loads((tmp_path / "plan.json").read_text()) == plan
