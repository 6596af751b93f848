from dataclasses import replace

import pytest
import torch

from groundup.models.gpt import GPT, GPTConfig
from groundup.models.probe import attention_weights

CONFIG = GPTConfig(vocab_size=31, context=12, depth=3, width=32, heads=4, key_heads=2)


def test_every_query_shares_itself_out_among_the_past():
    torch.manual_seed(0)
    maps = attention_weights(GPT(CONFIG), torch.arange(10))
    assert len(maps) == 3
    for map_HTT in maps:
        assert map_HTT.shape == (4, 10, 10)
        torch.testing.assert_close(map_HTT.sum(-1), torch.ones(4, 10))
        assert map_HTT.min() >= 0
        assert not map_HTT.triu(1).any()
    assert maps[0].std() > 0


def test_a_window_shows():
    maps = attention_weights(GPT(replace(CONFIG, window=3, window_layers=(1,))), torch.arange(10))
    assert maps[0].tril(-3).any()
    assert not maps[1].tril(-3).any()


@pytest.mark.reference
def test_the_weights_are_those_of_transformers(tmp_path):
    transformers = pytest.importorskip("transformers")
    from groundup.checkpoints.huggingface import save

    torch.manual_seed(0)
    model = GPT(CONFIG)
    save(model, tmp_path)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    tokens = torch.arange(10)
    wanted = theirs(tokens.unsqueeze(0), output_attentions=True, use_cache=False).attentions
    for ours, other in zip(attention_weights(model, tokens), wanted, strict=True):
        torch.testing.assert_close(ours, other[0].detach(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("shape", [(0,), (2, 3)])
def test_it_wants_one_sequence(shape):
    with pytest.raises(ValueError, match="those of one sequence of 1 or more tokens"):
        attention_weights(GPT(CONFIG), torch.zeros(shape, dtype=torch.int64))
