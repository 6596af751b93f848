"""A replaceable function is replaced everywhere, for a while, and only by its like."""

import subprocess
import sys

import pytest
import torch

from groundup import swap
from groundup.layers.attention import attend

GOOD = """
import math

def attend(q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=False, softcap=None):
    return q_BHTD * 0 + 7

other = attend
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(GOOD)
    return path


def heads():
    return torch.randn(3, 1, 2, 4, 8, generator=torch.Generator().manual_seed(0)).unbind(0)


def test_the_replacement_runs_under_the_name_others_imported_and_only_inside(mine):
    before = attend(*heads())
    with swap.replaced([swap.load(f"layers.attention:attend={mine}")]):
        assert swap.is_replaced(attend)
        assert torch.all(attend(*heads()) == 7)
    assert not swap.is_replaced(attend)
    assert torch.equal(attend(*heads()), before)


def test_the_original_comes_back_after_an_error(mine):
    with (
        pytest.raises(RuntimeError, match="inside"),
        swap.replaced([swap.load(f"layers.attention:attend={mine}:other")]),
    ):
        raise RuntimeError("inside")
    assert not swap.is_replaced(attend)


def test_what_an_artifact_records(mine):
    record = swap.load(f"layers.attention:attend={mine}").record()
    assert record["part"] == "layers.attention:attend"
    assert record["name"] == "attend"
    mine.write_text(GOOD + "\n# changed\n")
    assert swap.load(f"layers.attention:attend={mine}").record()["sha256"] != record["sha256"]


def test_a_compiled_function_sees_through_the_slot(mine):
    compiled = torch.compile(lambda q, k, v: attend(q, k, v) + 1, backend="eager", fullgraph=True)
    plain = attend(*heads()) + 1
    assert torch.equal(compiled(*heads()), plain)
    with swap.replaced([swap.load(f"layers.attention:attend={mine}")]):
        assert torch.all(compiled(*heads()) == 8)
    assert torch.equal(compiled(*heads()), plain)


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ("attend", ["should read room.module:function=file.py"]),
        ("layers.attention:nothing={}", ["not replaceable", "layers.attention:attend"]),
        ("layers.attention:attend={}x", ["is not a Python file"]),
        ("layers.attention:attend={}:missing", ["has no function 'missing'", "attend"]),
        ("layers.attention:attend={}:math", ["no function 'math'"]),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(mine, use, words):
    with pytest.raises(ValueError) as problem:
        swap.load(use.format(mine))
    for word in words:
        assert word in str(problem.value)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    "signature",
    [
        "q, k, v, mask_TS=None, causal=False, softcap=None",
        "q_BHTD, k_BHSD, v_BHSD",
        "q_BHTD, k_BHSD, v_BHSD, mask_TS=None, causal=True, softcap=None",
        "q_BHTD, k_BHSD, v_BHSD, *, mask_TS=None, causal=False, softcap=None",
    ],
)
def test_another_signature_is_refused_and_both_are_shown(tmp_path, signature):
    path = tmp_path / "mine.py"
    path.write_text(f"def attend({signature}):\n    return q\n")
    with pytest.raises(ValueError) as problem:
        swap.load(f"layers.attention:attend={path}")
    assert f"attend({signature})" in str(problem.value)
    assert "cannot stand in for layers.attention:attend(q_BHTD" in str(problem.value)


@pytest.mark.parametrize("source", ["def attend(:\n", "import nothing_of_the_kind\n", "1 / 0\n"])
def test_a_file_that_does_not_import_is_named_with_its_error(tmp_path, source):
    path = tmp_path / "mine.py"
    path.write_text(source)
    with pytest.raises(ValueError, match=r"mine\.py cannot be imported: \w+Error"):
        swap.load(f"layers.attention:attend={path}")


def test_one_part_cannot_be_replaced_twice(mine):
    replacement = swap.load(f"layers.attention:attend={mine}")
    with (
        pytest.raises(ValueError, match="replaced twice"),
        swap.replaced([replacement, replacement]),
    ):
        pass


def test_the_parts_the_project_promises_are_replaceable():
    promised = {
        "layers.attention:attend",
        "layers.positions:rotate",
        "layers.normalization:rms_norm",
        "layers.normalization:layer_norm",
        "layers.feed_forward:feed_forward",
        "layers.losses:cross_entropy",
        "optimizers.adamw:adamw_step",
        "optimizers.schedules:schedule",
        "inference.sampling:sample",
        "tokenizers.bpe:merge",
    }
    assert promised <= set(swap.parts())


def test_listing_the_parts_imports_none_of_them():
    code = (
        "import sys; from groundup import swap; swap.parts(); "
        "sys.exit('torch' in sys.modules or 'groundup.layers.attention' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
