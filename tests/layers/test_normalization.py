import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.layers.normalization import LayerNorm, RMSNorm, layer_norm, rms_norm
from groundup.swap import is_replaced


def test_by_hand():
    x = torch.tensor([3.0, 4.0, 0.0, 0.0])
    weight, bias = torch.tensor([1.0, 2.0, 1.0, 1.0]), torch.tensor([0.0, 0.0, 0.0, 5.0])
    torch.testing.assert_close(rms_norm(x, weight, 0.0), torch.tensor([1.2, 3.2, 0.0, 0.0]))
    spread = ((1.25**2 + 2.25**2 + 2 * 1.75**2) / 4) ** 0.5
    wanted = torch.tensor([1.25, 2 * 2.25, -1.75, -1.75]) / spread + bias
    torch.testing.assert_close(layer_norm(x, weight, bias, 0.0), wanted)


@pytest.mark.reference
@settings(deadline=None, max_examples=40)
@given(
    shape=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    size=st.sampled_from([1e-6, 1.0, 1e4]),
    seed=st.integers(0, 999),
)
def test_they_agree_with_pytorch_and_so_do_their_gradients(shape, size, seed):
    generator = torch.Generator().manual_seed(seed)
    wide = [*shape, 6]
    x = (size * torch.randn(wide, generator=generator, dtype=torch.float64)).requires_grad_()
    weight, bias = torch.randn(2, 6, generator=generator, dtype=torch.float64).requires_grad_()
    upstream = torch.randn(wide, generator=generator, dtype=torch.float64)
    for ours, theirs in (
        (rms_norm(x, weight, 1e-5), F.rms_norm(x, (6,), weight, 1e-5)),
        (layer_norm(x, weight, bias, 1e-5), F.layer_norm(x, (6,), weight, bias, 1e-5)),
        (layer_norm(x, weight, None, 1e-5), F.layer_norm(x, (6,), weight, None, 1e-5)),
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
        gradient = torch.autograd.grad(ours, x, upstream, retain_graph=True)[0]
        wanted = torch.autograd.grad(theirs, x, upstream, retain_graph=True)[0]
        scale = wanted.abs().max().item() + 1
        torch.testing.assert_close(gradient, wanted, rtol=1e-8, atol=1e-9 * scale)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
def test_half_precision_is_computed_in_float32_and_rounded_once(dtype):
    x = 300 * torch.randn(4, 64, generator=torch.Generator().manual_seed(0)).to(dtype)
    weight = torch.full((64,), 0.7).to(dtype)
    wanted = rms_norm(x.float(), weight.float(), 1e-6).to(dtype)
    assert torch.equal(rms_norm(x, weight, 1e-6), wanted)  # 300^2 overflows float16
    wanted = layer_norm(x.float(), weight.float(), None, 1e-6).to(dtype)
    assert torch.equal(layer_norm(x, weight, None, 1e-6), wanted)


@pytest.mark.parametrize("plain", [True, False])
def test_modules_run_either_twin(plain):
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    rms, layer = RMSNorm(8, eps=1e-6, plain=plain), LayerNorm(8, eps=1e-6, plain=plain)
    torch.testing.assert_close(rms(x), F.rms_norm(x, (8,), eps=1e-6))
    torch.testing.assert_close(layer(x), F.layer_norm(x, (8,), eps=1e-6))
    assert LayerNorm(8, eps=1e-6, has_bias=False).bias is None


@pytest.mark.parametrize("kind", [RMSNorm, LayerNorm])
def test_a_learners_norm_runs_in_place_of_the_fast_twin(kind, monkeypatch):
    part = rms_norm if kind is RMSNorm else layer_norm
    monkeypatch.setattr(part.slot, "current", lambda x, *_: x + 42)
    assert is_replaced(part)
    assert torch.equal(kind(4, eps=1e-6)(torch.zeros(4)), torch.full((4,), 42.0))


@pytest.mark.parametrize("kind", [RMSNorm, LayerNorm])
def test_reset_brings_gains_to_1_and_biases_to_0(kind):
    norm = kind(4, eps=1e-6)
    for parameter in norm.parameters():
        torch.nn.init.constant_(parameter, 9.0)
    norm.reset()
    assert torch.equal(norm.weight, torch.ones(4))
    if kind is LayerNorm:
        assert torch.equal(norm.bias, torch.zeros(4))
