"""The transformer as a formula: torch's model, on both engines, trained step by step on both."""

import numpy as np
import pytest
import torch

from groundup.autograd.tensor import Tensor
from groundup.models.gpt import GPT
from groundup.models.gpt_config import GPTConfig
from groundup.models.gpt_formula import array_weights, gpt_logits, gpt_loss
from groundup.optimizers.adamw import AdamW
from groundup.optimizers.arrays import ArrayOptimizer

SHAPES = {
    "qwen3": {},
    "llama, grouped and untied": {"key_heads": 1, "tied": False, "qk_norm": False},
    "windowed and capped": {"window": 3, "softcap": 30.0, "attention_softcap": 20.0},
    "gpt-2": {
        "positions": "learned",
        "norm": "layer",
        "activation": "gelu_tanh",
        "qk_norm": False,
        "attention_bias": "all",
        "mlp_bias": True,
    },
    "relu2 and no norm bias": {"activation": "relu2", "norm": "layer", "norm_bias": False},
}


def model_and_batch(shape, dtype=torch.float64):
    config = GPTConfig(vocab_size=20, context=12, depth=2, width=16, heads=2, **SHAPES[shape])
    torch.manual_seed(0)
    model = GPT(config).to(dtype)
    for parameter in model.parameters():  # away from gains of 1 and biases of 0
        parameter.data += 0.05 * torch.randn_like(parameter)
    tokens, targets = torch.randint(0, 20, (2, 3, 9))
    targets[0, :4] = -100
    return model, tokens, targets


@pytest.mark.reference
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_and_gradients_are_the_torch_models(shape):
    """In float64 both do the same sums in other orders: 1e-11 is thousands of units in the last."""
    model, tokens, targets = model_and_batch(shape)
    loss = model.loss(tokens, targets)
    loss.backward()
    weights = array_weights(model)
    logits = gpt_logits(weights, model.config, tokens.numpy())
    np.testing.assert_allclose(logits.data, model(tokens).detach(), rtol=1e-11, atol=1e-12)
    ours = gpt_loss(weights, model.config, tokens.numpy(), Tensor(targets.numpy()))
    ours.backward()
    assert ours.item() == pytest.approx(loss.item(), rel=1e-12)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(
            weights[name].grad.data, parameter.grad, rtol=1e-8, atol=1e-13, err_msg=name
        )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_function_runs_on_torchs_weights(shape):
    model, tokens, targets = model_and_batch(shape)
    state = dict(model.named_parameters())
    loss = gpt_loss(state, model.config, tokens, targets)
    assert loss.item() == pytest.approx(model.loss(tokens, targets).item(), rel=1e-12)


@pytest.mark.reference
def test_both_engines_train_the_same_model_step_by_step():
    """Fifty steps of AdamW: errors grow from step to step, in float64 to less than 1e-9."""
    model, tokens, targets = model_and_batch("qwen3")
    settings = {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}
    optimizer = AdamW(model.parameters(), fused=False, **settings)
    weights = array_weights(model)
    arrays = ArrayOptimizer(weights.values(), "adamw", **settings)
    ids, wanted = tokens.numpy(), Tensor(targets.numpy())
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = model.loss(tokens, targets)
        loss.backward()
        optimizer.step()
        arrays.zero_grad()
        ours = gpt_loss(weights, model.config, ids, wanted)
        ours.backward()
        arrays.step()
        losses.append((loss.item(), ours.item()))
    torchs, own = np.array(losses).T
    np.testing.assert_allclose(own, torchs, rtol=1e-9)
    assert own[-1] < 0.5 * own[0]


def test_too_many_tokens_are_refused():
    model, _, _ = model_and_batch("qwen3")
    with pytest.raises(ValueError, match="13 tokens do not fit a context of 12"):
        gpt_logits(array_weights(model), model.config, np.zeros((1, 13), int))
