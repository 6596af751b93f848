"""A compiled run comes out the same every time, on several threads."""

import pytest
import torch

from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.train import compile as compiling
from groundup.train.loop import train
from groundup.train.settings import TrainConfig

VOCABULARY, BATCH, CONTEXT = 13, 64, 64
SHAPE = GPTConfig(vocab_size=VOCABULARY, context=CONTEXT, depth=1, width=64, heads=1)


class Letters:
    """Few different tokens, so that every row of the embedding is looked up by every thread."""

    def at(self, step):
        generator = torch.Generator().manual_seed(step)
        tokens = torch.randint(VOCABULARY, (BATCH, CONTEXT + 1), generator=generator)
        return tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()


@pytest.mark.slow
@pytest.mark.skipif(
    compiling.missing_compiler(torch.device("cpu")) is not None, reason="no C++ compiler"
)
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_compiled_run_is_the_same_every_time(tmp_path, precision):
    config = TrainConfig(
        steps=5,
        batch_size=BATCH,
        context=CONTEXT,
        precision=precision,
        compile="on",
        device="cpu",
        threads=2,
    )
    ends = []
    for turn in range(4):
        model = GPT(SHAPE)
        model.initialize(torch.Generator().manual_seed(0))
        result = train(model, Letters(), config, tmp_path / str(turn))
        assert result.notes == ()
        ends.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
        torch.compiler.reset()
    assert all(torch.equal(ends[0], end) for end in ends[1:])
