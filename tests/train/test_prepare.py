"""What is resolved before the first step: precision, device, compiling, the plan, the settings."""

import json
import shutil

import pytest
import torch

from groundup.train import allocator, compile, precision
from groundup.train.loop import train
from groundup.train.objectives import next_token
from groundup.train.plan import Plan, read_plan, steps_within, write_plan
from groundup.train.prepare import Computation, untouched
from groundup.train.reproducible import reproducible

CPU = torch.device("cpu")


def rates(single, half):
    return lambda dtype, device, *, seconds: single if dtype == torch.float32 else half


@pytest.mark.parametrize(("half", "chosen"), [(129.0, "float32"), (131.0, "bfloat16")])
def test_auto_precision_takes_what_is_faster(monkeypatch, half, chosen):
    monkeypatch.setattr(precision, "matmul_flops", rates(100.0, half))
    assert precision.choose_precision("auto", CPU) == chosen


def test_a_named_precision_is_not_measured(monkeypatch):
    monkeypatch.setattr(precision, "matmul_flops", None)
    assert precision.choose_precision("bfloat16", CPU) == "bfloat16"


def test_autocast_computes_in_the_named_type():
    x = torch.ones(2, 2)
    for name in ("float32", "bfloat16"):
        with precision.autocast(name, CPU):
            assert (x @ x).dtype == getattr(torch, name)


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert precision.choose_device("auto") == CPU
    with pytest.raises(ValueError, match="no usable CUDA device; use 'cpu'"):
        precision.choose_device("cuda")


def test_training_in_bfloat16_keeps_float32_weights(make_model, batches, make_config, tmp_path):
    model = make_model()
    config = make_config(precision="bfloat16", steps=60)
    result = train(model, batches, config, tmp_path, validation=batches)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert result.validation_loss < 2.2
    assert json.loads((tmp_path / "plan.json").read_text())["precision"] == "bfloat16"


@pytest.mark.parametrize("chosen", ["float32", "bfloat16"])
def test_an_update_multiplies_as_precisely_as_the_forward_pass(make_model, make_config, chosen):
    model, seen = make_model(), []

    class Multiplies(torch.optim.SGD):
        def step(self):
            seen.append((model.up.weight @ model.down.weight).dtype)
            super().step()

    model.up.weight.grad = torch.ones_like(model.up.weight)
    before = model.up.weight.detach().clone()
    computation = Computation(model, next_token, make_config(), CPU)
    computation.precision = chosen
    computation.update([Multiplies(model.parameters(), lr=0.5)])
    assert seen == [getattr(torch, chosen)]
    assert torch.equal(model.up.weight, before - 0.5)
    assert model.up.weight.grad is None


def test_untouched_gives_back_weights_and_randomness(make_model):
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.get_rng_state()
    with untouched(model):
        torch.randn(3)
        for p in model.parameters():
            p.data.add_(1)
    assert torch.equal(state, torch.get_rng_state())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_what_is_settled_for_a_run_is_undone_after_it():
    def state():
        return (
            torch.get_num_threads(),
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
        )

    before = state()
    with reproducible(CPU, threads=before[0] + 1):
        assert state() == (before[0] + 1, True, True, False)
    assert state() == before

    def fails():
        with reproducible(CPU):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fails()
    assert state() == before


def test_the_allocator_says_whether_it_could(monkeypatch):
    assert allocator.keep_freed_memory() in (True, False)
    monkeypatch.setattr(allocator.sys, "platform", "win32")
    assert allocator.keep_freed_memory() is False


def test_without_a_compiler_training_goes_on_and_says_so(
    make_model, batches, make_config, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    result = train(make_model(), batches, make_config(compile="on", steps=2), tmp_path)
    assert result.notes == (
        "training without compiling: there is no C++ compiler (g++ or clang++) on this machine",
    )


def test_a_loss_that_cannot_be_compiled_is_used_as_it_is():
    def fails(loss):
        raise RuntimeError("no\nway")

    def plain(inputs, targets):
        return inputs

    loss, reason = compile.compiled(plain, fails)
    assert loss is plain
    assert reason == "RuntimeError: no"


def test_a_run_begun_compiled_is_not_resumed_without(
    make_model, batches, make_config, tmp_path, monkeypatch
):
    config = make_config()
    train(make_model(), batches, config, tmp_path)
    plan = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "compile": True}))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ValueError, match="begun with a compiled loss, which cannot be compiled"):
        train(make_model(), batches, config, tmp_path)
    (tmp_path / "plan.json").write_text(json.dumps({**plan, "device": "cuda"}))
    with pytest.raises(ValueError, match="begun on cuda and the device is cpu now"):
        train(make_model(), batches, config, tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(compile.missing_compiler(CPU) is not None, reason="needs a C++ compiler")
def test_compiled_training_is_resumed_exactly_and_agrees(
    make_model, batches, make_config, tmp_path
):
    config = make_config(compile="on", checkpoint_every=10)
    straight, resumed, plain = make_model(), make_model(), make_model()

    class Stop(Exception):
        pass

    def stop(step, row):
        if step == 14:
            raise Stop

    train(straight, batches, config, tmp_path / "straight")
    with pytest.raises(Stop):
        train(resumed, batches, config, tmp_path / "halting", watch=stop)
    torch.compiler.reset()  # as in a new process
    assert train(resumed, batches, config, tmp_path / "halting").resumed_from == 10
    train(plain, batches, make_config(), tmp_path / "plain")
    for a, b, c in zip(*(m.parameters() for m in (straight, resumed, plain)), strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(a, c, rtol=1e-3, atol=1e-3)


def make_plan(**changes):
    some = {"steps": 5, "precision": "float32", "compile": False, "device": "cpu", "threads": 2}
    return Plan(**{**some, "config_fingerprint": "abc", **changes})


def test_a_plan_comes_back_or_is_refused(tmp_path):
    path = tmp_path / "new" / "plan.json"
    assert read_plan(path, config_fingerprint="abc") is None
    write_plan(make_plan(notes=("one",), seconds_per_step=0.5), path)
    plan = read_plan(path, config_fingerprint="abc")
    assert plan == make_plan(notes=("one",), seconds_per_step=0.5)
    with pytest.raises(ValueError, match="made for another training config"):
        read_plan(path, config_fingerprint="abd")
    path.write_text("{")
    with pytest.raises(ValueError, match="is not a Plan"):
        read_plan(path, config_fingerprint="abc")


def test_steps_within_pays_for_evaluations_first():
    assert steps_within(100, per_step=2.0, per_evaluation=3.0, evaluations=10) == 35
    assert steps_within(1, per_step=2.0, per_evaluation=0.0, evaluations=10) == 1


def test_evaluations_never_take_more_than_half_of_the_time():
    assert steps_within(100, per_step=2.0, per_evaluation=30.0, evaluations=10) == 25


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps": 0}, "steps is 0; it must be at least 1"),
        ({"micro_batch": 0}, "micro_batch is 0"),
        ({"minutes": 0.0}, "there must be some time"),
        ({"warmup": -1}, "warmup is -1"),
        ({"decay": 1.5}, r"decay is 1\.5; it is a share"),
        ({"clip": 0.0}, r"clip is 0\.0"),
    ],
)
def test_settings_are_checked(make_config, change, message):
    with pytest.raises(ValueError, match=message):
        make_config(**change)
