"""Batches of conversations: all answers are learnt, nothing else is, and the step decides."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from groundup.finetune.instruct import IGNORED, InstructBatches, pack
from groundup.tokenizers.chat_template import CHATML, ChatTemplate

TEMPLATE = ChatTemplate(CHATML)


class Bytes:
    """One token a byte, and ChatML's special tokens."""

    special_tokens = {"<|endoftext|>": 256, "<|im_start|>": 257, "<|im_end|>": 258}  # noqa: RUF012

    def encode(self, text):
        return list(text.encode())


def talk(question, answer):
    return [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]


def batches(talks, *, context=80, batch_size=1, seed=0):
    return InstructBatches(talks, Bytes(), TEMPLATE, context, batch_size, seed)


def said(targets):
    """What is learnt, as text; 258 is the end of a turn."""
    return "".join(chr(token) if token < 256 else "." for token in targets if token != IGNORED)


def test_only_the_answer_and_its_end_are_learnt():
    inputs, targets = batches([talk("Why?", "So")]).at(0)
    assert inputs.dtype == targets.dtype == torch.int64
    assert inputs.shape == targets.shape == (1, 80)
    assert said(targets[0].tolist()) == "So."
    place = targets[0].tolist().index(ord("S"))
    assert inputs[0, place + 1] == ord("S")
    assert (inputs[0, -5:] == 256).all(), "padding stands on the right"


def test_an_epoch_learns_every_answer_once():
    talks = [talk(f"Say {i}", f"<{i}>" * (1 + i % 4)) for i in range(57)]
    made = batches(talks, context=150, batch_size=3, seed=5)
    for epoch in range(2):
        steps = [made.at(epoch * made.rows + i) for i in range(made.rows)]
        # the batches of three epochs' rows; row r stands in exactly three of them
        answers = [said(row) for _, targets in steps for row in targets.tolist()]
        words = sorted(word for text in answers for word in text.split(".") if word)
        assert words == sorted(t[1]["content"] for t in talks for _ in range(3))
    assert made.conversations == 57
    assert made.answer_tokens == sum(len(t[1]["content"]) + 1 for t in talks)


def test_packing_wastes_little():
    talks = [talk("Q" * (i % 30), "A" * (i % 20 + 1)) for i in range(500)]
    made = batches(talks, context=256)
    used = sum(len(TEMPLATE.encode(t, Bytes())[0]) for t in talks)
    assert used / (made.rows * 257) > 0.85


def test_rank_slices_join_to_the_whole_batch():
    made = batches([talk(str(i), "ok") for i in range(40)], batch_size=4)
    inputs, targets = made.at(7)
    parts = [made.at(7, rank, 2) for rank in range(2)]
    assert torch.equal(torch.cat([part[0] for part in parts]), inputs)
    assert torch.equal(torch.cat([part[1] for part in parts]), targets)
    with pytest.raises(ValueError, match="must divide it"):
        made.at(0, 0, 3)


def test_the_step_and_the_seed_decide():
    talks = [talk(str(i), f"ok {i}") for i in range(40)]
    one, two, other = (batches(talks, batch_size=2, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one.at(9)[0], two.at(9)[0])
    assert torch.equal(one.at(9)[0], one.at(9)[0])
    assert not torch.equal(one.at(0)[0], other.at(0)[0])


def test_fewer_rows_than_a_batch_repeat():
    inputs, _ = batches([talk("Why?", "So")], batch_size=5).at(3)
    assert inputs.shape == (5, 80)
    assert (inputs == inputs[0]).all()


def test_a_long_answer_loses_its_end_and_a_long_prompt_its_conversation():
    made = batches([talk("Q", "A" * 500), talk("Q" * 500, "A")], context=64)
    assert (made.conversations, made.dropped) == (1, 1)
    inputs, targets = made.at(0)
    assert set(said(targets[0].tolist())) == {"A"}
    assert targets[0, -1] == ord("A")
    assert bytes(inputs[0, 1:7].tolist()) == b"user\nQ"


@pytest.mark.parametrize("talks", [[], [talk("Q" * 500, "A")]])
def test_nothing_to_learn_is_an_error(talks):
    with pytest.raises(ValueError, match=rf"none of the {len(talks)} conversations has an answer"):
        batches(talks)
    with pytest.raises(ValueError, match="at least 1"):
        batches([talk("a", "b")], batch_size=0)


@given(st.lists(st.integers(1, 20), max_size=200))
def test_each_item_is_packed_once_and_no_row_overflows(lengths):
    rows = pack(lengths, 20)
    assert sorted(item for row in rows for item in row) == list(range(len(lengths)))
    sums = np.array([sum(lengths[item] for item in row) for row in rows])
    assert (sums <= 20).all()
    if 0 < len(rows) <= 64:
        assert (np.sort(sums)[1:] > 10).all(), "two half-empty rows would have been one"
