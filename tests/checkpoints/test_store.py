"""The store survives kills, full disks and flipped bits; it loads exactly what was saved."""

import errno
import json
import os
import shutil

import pytest
import torch

from groundup.checkpoints import store as stores
from groundup.checkpoints.store import Store


def state(seed=0):
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(3, 4, generator=generator)
    return {
        "model": {"embed.weight": weight, "head.weight": weight, "empty": torch.zeros(0, 2)},
        "optimizer": [
            {
                "state": {0: {"step": torch.tensor(5.0), "exp_avg": weight.T}, 1: {}},
                "param_groups": [{"lr": 0.1, "betas": (0.9, 0.95), "params": [0, 1]}],
            }
        ],
        "random": {"cpu": torch.arange(6, dtype=torch.uint8), "half": weight.bfloat16()},
        "facts": {"tokens": 2**40, "loss": float("nan"), "name": "é", "best": None, "done": True},
    }


def assert_same(a, b):
    assert type(a) is type(b)
    if isinstance(a, torch.Tensor):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)
    elif isinstance(a, dict):
        assert list(a) == list(b)
        for key in a:
            assert_same(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_same(x, y)
    else:
        assert a == b or (a != a and b != b)


def test_what_is_loaded_is_what_was_saved(tmp_path):
    store = Store(tmp_path / "checkpoints")
    assert store.load() is None
    store.save(120, state())
    step, loaded = store.load()
    assert step == 120
    assert_same(loaded, state())
    assert loaded["model"]["embed.weight"] is loaded["model"]["head.weight"]
    names = sorted(path.name for path in store.path(120).iterdir())
    parts = [f"{part}.safetensors" for part in ("model", "optimizer", "random")]
    assert names == sorted([*parts, "manifest.json", "state.json"])


def test_keeps_the_last_ones_and_the_best(tmp_path):
    store = Store(tmp_path, keep_last=2)
    for step in range(1, 7):
        store.save(step, state(step), best=step in (1, 3))
    assert store.steps() == [3, 5, 6]
    assert store.best() == 3
    assert_same(store.load_best()[1], state(3))
    assert store.load()[0] == 6
    assert store.load(5)[0] == 5


def test_without_a_best_one_there_is_none(tmp_path):
    assert Store(tmp_path).load_best() is None
    (tmp_path / "best.json").write_text("{}")
    with pytest.raises(ValueError, match="does not name a step"):
        Store(tmp_path).best()


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["model.safetensors", "state.json", "manifest.json"])
def test_a_flipped_bit_is_found_and_the_one_before_is_taken(tmp_path, name):
    store = Store(tmp_path)
    store.save(1, state(1))
    store.save(2, state(2))
    flip_a_bit(store.path(2) / name)
    step, loaded = store.load()
    assert step == 1
    assert_same(loaded, state(1))
    assert len(store.warnings) == 1
    assert "step_000002 is not a whole checkpoint" in store.warnings[0]
    with pytest.raises(ValueError, match="step_000002 is not a whole checkpoint"):
        store.load(2)


def damage_cut(folder):
    path = folder / "optimizer.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def damage_missing(folder):
    (folder / "model.safetensors").unlink()


def damage_foreign(folder):
    (folder / "manifest.json").write_text(json.dumps({"format": "another", "files": {}}))


def damage_not_json(folder):
    (folder / "manifest.json").write_bytes(b"\x80\x04pickle")


def damage_empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def damage_outside(folder):
    files = {"../x": {"sha256": ""}}
    (folder / "manifest.json").write_text(json.dumps({"format": stores.FORMAT, "files": files}))


def damage_nothing_listed(folder):
    (folder / "manifest.json").write_text(json.dumps({"format": stores.FORMAT, "files": {}}))


DAMAGES = [value for name, value in sorted(globals().items()) if name.startswith("damage_")]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_when_none_is_whole_one_sentence_says_so(tmp_path, damage):
    store = Store(tmp_path)
    store.save(1, state())
    damage(store.path(1))
    with pytest.raises(ValueError, match=r"none of the 1 checkpoints .* can be used") as caught:
        store.load()
    assert "\n" not in str(caught.value)


def test_a_renamed_checkpoint_is_refused(tmp_path):
    store = Store(tmp_path)
    store.save(1, state())
    store.path(1).rename(store.path(9))
    with pytest.raises(ValueError, match="holds step 1, which its name does not say"):
        store.load(9)


class Killed(BaseException):
    pass


def save_some(store):
    for step in (1, 2, 3):
        store.save(step, state(step), best=True)


WRITING = ["write_durably", "flush_folder", "os.rename", "os.replace", "shutil.rmtree"]


@pytest.mark.parametrize("at", range(14))
def test_killed_at_any_moment_of_a_save_leaves_a_whole_checkpoint(tmp_path, monkeypatch, at):
    """Every call that touches the disk is a moment; a step is written twice, then two others."""
    store = Store(tmp_path, keep_last=1)
    store.save(1, state(1))
    calls = 0

    def dying(real):
        def call(*args, **kwargs):
            nonlocal calls
            calls += 1
            if calls > at:
                raise Killed
            return real(*args, **kwargs)

        return call

    with monkeypatch.context() as patched:
        for name in WRITING:
            owner, _, attribute = name.rpartition(".")
            target = {"": stores, "os": os, "shutil": shutil}[owner]
            patched.setattr(target, attribute, dying(getattr(target, attribute)))
        with pytest.raises(Killed):
            save_some(store)
    after = Store(tmp_path, keep_last=1)
    step, loaded = after.load()
    assert_same(loaded, state(step))
    assert after.warnings == []
    after.save(9, state(9))
    assert after.load()[0] == 9
    assert not list(tmp_path.glob(".*-step_*"))


@pytest.mark.parametrize("part", ["model.safetensors", "manifest.json", "best"])
def test_a_full_disk_is_one_sentence_and_what_was_there_stays(tmp_path, monkeypatch, part):
    store = Store(tmp_path)
    store.save(7, state(7))
    real = stores.write_durably

    def full(path, content):
        if part in path.name:
            path.write_bytes(content[: len(content) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(stores, "write_durably", full)
        with pytest.raises(OSError, match=r"step 8 could not be written .*No space left") as caught:
            store.save(8, state(8), best=True)
    assert caught.value.errno == errno.ENOSPC
    assert "is intact; make room there and run again" in str(caught.value)
    assert_same(store.load(), (7, state(7)))
    assert not list(tmp_path.glob(".partial-step*"))


def test_what_cannot_be_saved_is_refused_before_anything_is_written(tmp_path):
    store = Store(tmp_path / "new")
    with pytest.raises(ValueError, match="at /b/0 there is a set"):
        store.save(1, {"facts": {"b": [set()]}})
    with pytest.raises(ValueError, match=r"'\.\./x' of a state cannot name a file"):
        store.save(1, {"../x": {}})
    with pytest.raises(ValueError, match="keep_last is 0"):
        Store(tmp_path, keep_last=0)
    assert not (tmp_path / "new").exists()
