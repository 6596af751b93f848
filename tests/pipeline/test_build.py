"""`groundup build` end to end on a tiny corpus: again, interrupted, with a learner's part."""

import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time

import pytest
import torch

from groundup import swap
from groundup.cli.build import parse
from groundup.cli.main import main
from groundup.pipeline.artifact import read_record
from groundup.pipeline.build import build, stages
from groundup.recipes.stdlib import stdlib

STAGES = ["corpus", "tokenizer", "shards", "pretrain", "instruct", "evaluate", "report"]
TINY = shlex.split("""
--quick --name tiny --tokenizer.vocab-size 400
--pretrain.model.depth 1 --pretrain.model.width 32 --pretrain.model.heads 2
--pretrain.model.head-width 16 --pretrain.model.context 32
--pretrain.train.context 32 --pretrain.train.batch-size 4 --pretrain.train.steps 30
--pretrain.train.evaluate-every 10 --pretrain.train.checkpoint-every 4
--pretrain.train.precision float32 --instruct.train.precision float32
--instruct.train.context 32 --instruct.train.batch-size 4 --instruct.train.steps 12
--instruct.train.checkpoint-every 4 --evaluate.functions 4 --evaluate.function-tokens 16
--corpus.validation-share 0.3 --report.attention-tokens 8
""")


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    for name in ("area", "total", "mean", "largest", "first", "last", "size", "cost", "rest"):
        (folder / f"{name}.py").write_text(
            f'"""All about the {name}."""\n\n\n'
            f'def {name}(values, start=0):\n    """Return the {name} of the values."""\n'
            "    result = start\n    for value in values:\n        result += value\n"
            f"    return result\n\n\nclass {name.title()}:\n"
            f'    """Holds one {name} and gives it back when it is asked."""\n\n'
            "    def get(self):\n        return self.value\n"
        )
    return folder


def tiny(texts):
    return [*TINY, "--corpus.path", str(texts)]


def config(texts, *more):
    settings, _, _ = parse(stdlib, "stdlib", [*tiny(texts), *more])
    return settings


@pytest.fixture(scope="module")
def built(texts, tmp_path_factory):
    """A complete run, and what was said while it was built."""
    lines = []
    folder = build(config(texts), tmp_path_factory.mktemp("runs"), say=lines.append)
    return folder, lines


def weights(folder, stage="pretrain"):
    return (folder / stage / "model" / "model.safetensors").read_bytes()


def test_every_stage_leaves_its_artifact_with_config_inputs_and_hashes(built):
    folder, _ = built
    for name in STAGES:
        record = read_record(folder / name)
        assert record.status == "complete"
        assert record.outputs
        assert record.seconds > 0
        assert record.config
    assert read_record(folder / "pretrain").inputs.keys() == {"tokenizer", "shards"}
    result = json.loads((folder / "pretrain" / "result.json").read_text())
    assert result["steps"] == 30
    assert result["tokens"] == 30 * 4 * 32
    assert "<html" in (folder / "report" / "index.html").read_text()


def test_a_second_build_does_nothing(built, texts):
    folder, _ = built
    before = {name: read_record(folder / name) for name in STAGES}
    lines = []
    build(config(texts), folder.parent, say=lines.append)
    assert lines == [f"{name}: up to date" for name in STAGES]
    assert {name: read_record(folder / name) for name in STAGES} == before


def test_the_base_model_of_a_build_is_one_that_transformers_loads(built):
    transformers = pytest.importorskip("transformers")
    folder, _ = built
    theirs = transformers.AutoModelForCausalLM.from_pretrained(folder / "pretrain" / "model")
    from groundup.checkpoints import huggingface

    ours = huggingface.load(folder / "pretrain" / "model")
    tokens = torch.randint(ours.config.vocab_size, (1, 16))
    with torch.no_grad():
        assert torch.allclose(ours(tokens), theirs(tokens).logits, atol=1e-5)


def test_a_correct_part_of_a_learner_ends_at_the_same_loss_and_is_recorded(built, texts, tmp_path):
    folder, _ = built
    mine = tmp_path / "mine.py"
    mine.write_text(
        "import math, torch\n\n"
        "def attend(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):\n"
        "    groups = q_BHTD.shape[1] // k_BHSD.shape[1]\n"
        "    k = k_BHSD.repeat_interleave(groups, 1)\n"
        "    v = v_BHSD.repeat_interleave(groups, 1)\n"
        "    scores = torch.einsum('bhtd,bhsd->bhts', q_BHTD, k) / math.sqrt(q_BHTD.shape[-1])\n"
        "    T, S = scores.shape[-2:]\n"
        "    if causal:\n"
        "        seen = torch.arange(S) <= torch.arange(S - T, S)[:, None]\n"
        "        scores = scores.masked_fill(~seen, -math.inf)\n"
        "    return torch.einsum('bhts,bhsd->bhtd', scores.softmax(-1), v)\n"
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text(mine.read_text().replace("bhts', q_BHTD", "bhts', 0 * q_BHTD"))
    lines = []
    reference = json.loads((folder / "pretrain" / "result.json").read_text())
    use = swap.load(f"layers.attention:attend={mine}")
    build(config(texts), folder.parent, uses=[use], say=lines.append)
    result = json.loads((folder / "pretrain" / "result.json").read_text())
    assert result["reference_loss"] == reference["validation_loss"]
    assert result["validation_loss"] == pytest.approx(reference["validation_loss"], abs=1e-4)
    assert read_record(folder / "pretrain").uses[0]["part"] == "layers.attention:attend"
    assert any("the same" in line for line in lines)

    use = swap.load(f"layers.attention:attend={wrong}")
    build(config(texts), folder.parent, uses=[use], say=lines.append)
    result = json.loads((folder / "pretrain" / "result.json").read_text())
    assert result["validation_loss"] > reference["validation_loss"]
    page = (folder / "report" / "index.html").read_text()
    assert "wrong.py" in page
    lines.clear()
    build(config(texts), folder.parent, say=lines.append)
    assert json.loads((folder / "pretrain" / "result.json").read_text()) == reference


def test_two_builds_in_one_folder_are_refused(built, texts):
    folder, _ = built
    code = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.flock(f, fcntl.LOCK_EX); "
        "print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen([sys.executable, "-c", code, folder / ".lock"], stdout=-1)
    try:
        other.stdout.readline()
        with pytest.raises(ValueError, match="another build is at work"):
            build(config(texts), folder.parent)
    finally:
        other.kill()
        other.communicate()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--corpus.path", "/nowhere/at/all"], "there is no corpus at /nowhere/at/all"),
        (["--name", "a/b"], "cannot be a folder's name"),
        (["--use", "layers.attention:nothing=x.py"], "is not replaceable"),
        (["--depth", "400"], "GiB are free"),
        (["--pretrain.train.batch-size", "1000"], "give more text"),
    ],
)
def test_bad_input_is_one_sentence_and_no_traceback(tmp_path, texts, capsys, options, words):
    arguments = ["build", "stdlib", *tiny(texts), "--runs", str(tmp_path)]
    if options[0] == "--depth":
        arguments = ["build", "stdlib", "--corpus.path", str(texts), "--runs", str(tmp_path)]
        arguments += ["--tokenizer.vocab-size", "400"]
    assert main([*arguments, *options]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_an_empty_corpus_is_refused(tmp_path, texts, capsys):
    (tmp_path / "empty").mkdir()
    assert main(["build", "stdlib", *TINY, "--corpus.path", str(tmp_path / "empty")]) == 1
    assert "holds no file" in capsys.readouterr().err


def test_the_stages_cover_what_the_config_has(texts):
    assert [stage.name for stage in stages(config(texts))] == STAGES


@pytest.mark.slow
def test_a_build_killed_at_ten_random_moments_ends_with_the_same_weights(built, texts, tmp_path):
    """SIGKILL, ten times, at moments from the first stage to the last; then let it end."""
    folder, _ = built
    command = [sys.executable, "-m", "groundup", "build", "stdlib", *tiny(texts)]
    command += ["--runs", str(tmp_path)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    chance = random.Random(0)
    kills = 0
    while kills < 10:
        process = subprocess.Popen(command, **quiet)
        _wait_for_a_start(process, tmp_path / "tiny" / ".lock")
        time.sleep(chance.uniform(0.0, 1.5))
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    subprocess.run(command, check=True, **quiet)
    for stage in ("pretrain", "instruct"):
        assert weights(tmp_path / "tiny", stage) == weights(folder, stage)


def _wait_for_a_start(process, lock):
    """Until the build holds the run's lock: importing torch is over."""
    before = lock.stat().st_mtime_ns if lock.exists() else None
    while process.poll() is None:
        if lock.exists() and lock.stat().st_mtime_ns != before:
            return
        time.sleep(0.02)
