import math
import shutil
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from groundup import swap
from groundup.inference.cache import KVCache
from groundup.layers.attention import attend
from groundup.layers.losses import cross_entropy
from groundup.layers.masks import causal_mask
from groundup.layers.positions import rotate
from groundup.models.gpt import GPT, GPTConfig

QWEN3 = GPTConfig(vocab_size=61, context=24, depth=2, width=32, heads=4, key_heads=2)
GPT2 = replace(
    QWEN3,
    key_heads=None,
    positions="learned",
    norm="layer",
    activation="gelu_tanh",
    qk_norm=False,
    attention_bias="all",
    mlp_bias=True,
)
KINDS = {
    "qwen3": QWEN3,
    "gpt2": GPT2,
    "window": replace(QWEN3, window=5, window_layers=(1,)),
    "softcaps": replace(QWEN3, softcap=3.0, attention_softcap=2.0),
    "relu2, untied, window, softcap": replace(
        QWEN3, activation="relu2", tied=False, window=3, attention_softcap=2.0
    ),
}


def built(config, seed=0):
    torch.manual_seed(seed)
    model = GPT(config)
    with torch.no_grad():
        for parameter in model.parameters():  # away from zero biases, unit gains, flat attention
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def batch(B=3, T=20):
    tokens = torch.randint(0, 61, (B, T + 1), generator=torch.Generator().manual_seed(7))
    inputs, targets = tokens[:, :-1], tokens[:, 1:].clone()
    targets[0, :5] = -100
    return inputs, targets


@pytest.mark.parametrize("kind", KINDS)
def test_a_prediction_depends_on_the_past_alone(kind):
    model, (tokens, _) = built(KINDS[kind]), batch()
    changed = tokens.clone()
    changed[:, 12:] = (changed[:, 12:] + 1) % 61
    before, after = model(tokens), model(changed)
    torch.testing.assert_close(before[:, :12], after[:, :12], rtol=0, atol=1e-6)
    assert (before[:, 12:] - after[:, 12:]).abs().max() > 1e-3


def test_a_window_forgets_what_is_older():
    model, (tokens, _) = built(replace(QWEN3, window=3)), batch()
    changed = tokens.clone()
    changed[:, 0] = (changed[:, 0] + 1) % 61
    difference = (model(tokens) - model(changed)).abs().amax((0, 2))
    # each of two blocks looks back two positions beside its own
    assert (difference[:5] > 1e-5).all()
    assert difference[5:].max() == 0


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("cuts", [(0, 20), (0, 1, 2, 20), (0, 13, 14, 15, 16, 20)])
def test_reading_with_a_cache_gives_what_reading_at_once_gives(kind, cuts):
    model, (tokens, _) = built(KINDS[kind]), batch()
    cache = KVCache()
    with torch.no_grad():
        parts = [model(tokens[:, a:b], cache) for a, b in pairwise(cuts)]
        torch.testing.assert_close(torch.cat(parts, 1), model(tokens), rtol=1e-5, atol=1e-5)
    assert cache.length == 20


@pytest.mark.parametrize("kind", KINDS)
def test_the_plain_twins_compute_the_same_loss_and_gradient(kind):
    config = KINDS[kind]
    fast = built(config).double()
    plain = GPT(replace(config, attention="plain", norms="plain", loss="plain")).double()
    plain.load_state_dict(fast.state_dict())
    losses = [model.loss(*batch()) for model in (fast, plain)]
    torch.testing.assert_close(losses[0], losses[1], rtol=1e-8, atol=1e-10)
    gradients = [
        torch.autograd.grad(loss, list(model.parameters()))
        for loss, model in zip(losses, (fast, plain), strict=True)
    ]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-6, atol=1e-9)


@pytest.mark.reference
@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_cross_entropy_of_the_logits(kind):
    model, (inputs, targets) = built(KINDS[kind]), batch()
    wanted = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())
    torch.testing.assert_close(model.loss(inputs, targets), wanted, rtol=1e-5, atol=1e-5)


def test_logits_are_hidden_vectors_times_the_head():
    model, (tokens, _) = built(replace(QWEN3, tied=False)), batch()
    logits = model.hidden(tokens) @ model.head_weight.T
    torch.testing.assert_close(model(tokens), logits)
    assert model.head_weight is model.head.weight
    tied = built(QWEN3)
    assert tied.head_weight is tied.embedding.weight


@pytest.mark.parametrize(
    "part",
    [attend, causal_mask, rotate, cross_entropy],
    ids=lambda part: part.slot.name.split(":")[1],
)
def test_a_learners_function_is_the_one_that_runs(part, monkeypatch):
    calls = []

    def learners(*arguments, **keywords):
        calls.append(1)
        return part.slot.original(*arguments, **keywords)

    model = built(QWEN3)
    wanted = model.loss(*batch())
    monkeypatch.setattr(part.slot, "current", learners)
    assert swap.is_replaced(part)
    torch.testing.assert_close(model.loss(*batch()), wanted, rtol=1e-5, atol=1e-5)
    assert calls


def test_more_tokens_than_the_context_are_refused():
    model = GPT(QWEN3)
    with pytest.raises(ValueError, match="25 tokens do not fit a context of 24"):
        model(torch.zeros(1, 25, dtype=torch.int64))
    cache = KVCache()
    model(torch.zeros(1, 24, dtype=torch.int64), cache)
    with pytest.raises(ValueError, match="25 tokens do not fit a context of 24"):
        model(torch.zeros(1, 1, dtype=torch.int64), cache)


def test_it_begins_as_the_table_says():
    config = replace(QWEN3, width=256, heads=4, vocab_size=999, tied=False, depth=8)
    model = GPT(config)
    block = model.blocks[3]
    table = {
        model.embedding: 0.02,
        model.head: 0.02,
        block.attention.query: 1 / 16,
        block.attention.value: 1 / 16,
        block.feed_forward.gate: 1 / 16,
        block.feed_forward.up: 1 / 16,
        block.attention.output: 1 / 16 / 4,
        block.feed_forward.down: 1 / math.sqrt(config.hidden_width) / 4,
    }
    for layer, std in table.items():
        assert layer.weight.std().item() == pytest.approx(std, rel=0.05)
    assert (block.attention.query_norm.weight == 1).all()


def test_with_zero_residuals_every_block_begins_as_the_identity():
    model, (tokens, targets) = GPT(replace(QWEN3, initial_residual="zero", tied=False)), batch()
    torch.testing.assert_close(model.hidden(tokens), model.norm(model.embedding(tokens)))
    assert model.loss(tokens, targets).item() == pytest.approx(math.log(61), abs=0.1)


def test_beginning_anew_forgets_everything_and_a_seed_repeats_it():
    model = built(GPT2)
    model.initialize(torch.Generator().manual_seed(4))
    fresh = GPT(GPT2)
    fresh.initialize(torch.Generator().manual_seed(4))
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, fresh.state_dict()[name]), name


def test_tables_of_angles_are_not_saved():
    assert not [name for name in GPT(QWEN3).state_dict() if "cos" in name or "sin" in name]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_a_model_of_given_weights_is_that_model_and_copies_nothing(dtype):
    model, (tokens, _) = built(QWEN3).to(dtype), batch()
    weights = model.state_dict()
    again = GPT.from_weights(QWEN3, weights)
    torch.testing.assert_close(again(tokens), model(tokens))
    assert again.embedding.weight.data_ptr() == model.embedding.weight.data_ptr()
    assert again.cos.dtype == dtype
    again.loss(*batch()).backward()
    assert again.embedding.weight.grad is not None


def test_wrong_weights_are_refused_by_name():
    weights = GPT(QWEN3).state_dict()
    missing = {name: tensor for name, tensor in weights.items() if name != "norm.weight"}
    with pytest.raises(ValueError, match=r"tensors 'norm\.weight' are missing"):
        GPT.from_weights(QWEN3, missing)
    with pytest.raises(ValueError, match=r"tensors 'head\.weight' are not the model's"):
        GPT.from_weights(QWEN3, weights | {"head.weight": weights["embedding.weight"]})
    with pytest.raises(ValueError, match=r"'norm\.weight' has the shape \(3,\); .* \(32,\)"):
        GPT.from_weights(QWEN3, weights | {"norm.weight": torch.ones(3)})


def test_under_autocast_it_trains_with_gradients_near_those_of_float32():
    model = built(QWEN3)
    wanted = torch.autograd.grad(model.loss(*batch()), list(model.parameters()))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = model.loss(*batch())
    got = torch.autograd.grad(loss, list(model.parameters()))
    for one, other in zip(got, wanted, strict=True):
        assert (one - other).norm() < 0.05 * other.norm() + 1e-4


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # the compiler's own
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile wants g++ here")
def test_compiled_it_is_one_graph_and_computes_the_same():
    torch.compiler.reset()
    model = built(QWEN3)
    wanted = model.loss(*batch())
    gradients = torch.autograd.grad(wanted, list(model.parameters()))
    got = torch.compile(model.loss, fullgraph=True, dynamic=False)(*batch())
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    compiled = torch.autograd.grad(got, list(model.parameters()))
    torch.testing.assert_close(compiled, gradients, rtol=1e-4, atol=1e-5)
