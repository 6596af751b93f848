import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.kernels import loss as kernel
from groundup.kernels.loss import linear_cross_entropy
from groundup.layers.losses import cross_entropy

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA])]


def plain(x_NC, weight_VC, targets_N, ignore=-100, softcap=None):
    logits_NV = x_NC @ weight_VC.T
    if softcap is not None:
        logits_NV = (logits_NV / softcap).tanh() * softcap
    return cross_entropy(logits_NV, targets_N, ignore)


def inputs(N=12, V=10, C=6, seed=0, dtype=torch.float64, size=1.0):
    generator = torch.Generator().manual_seed(seed)
    x_NC = size * torch.randn(N, C, generator=generator, dtype=dtype)
    weight_VC = torch.randn(V, C, generator=generator, dtype=dtype)
    targets_N = torch.randint(0, V, (N,), generator=generator)
    targets_N[1:][torch.rand(N - 1, generator=generator) < 0.3] = -100
    return x_NC.requires_grad_(), weight_VC.requires_grad_(), targets_N


@pytest.fixture(params=[1, 5, 64, 1000])
def small_chunks(request, monkeypatch):
    monkeypatch.setattr(kernel, "_rows", lambda N, V, device: min(N, request.param))


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("size", [0.1, 1.0, 100.0])
@pytest.mark.parametrize("N", [1, 5, 64, 67])
def test_loss_and_gradients_agree_with_the_plain_twin(N, size, softcap):
    x, weight, targets = inputs(N=N, size=size, seed=N)
    got = linear_cross_entropy(x, weight, targets, softcap=softcap)
    wanted = plain(x, weight, targets, softcap=softcap)
    torch.testing.assert_close(got, wanted, rtol=1e-11, atol=1e-12)
    ours = torch.autograd.grad(2 * got, (x, weight))  # the outer gradient counts too
    theirs = torch.autograd.grad(2 * wanted, (x, weight))
    torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@settings(deadline=None, max_examples=30)
@given(N=st.integers(1, 40), V=st.integers(1, 30), C=st.integers(1, 8), seed=st.integers(0, 99))
def test_in_float32_it_agrees_at_any_size(N, V, C, seed):
    x, weight, targets = inputs(N, V, C, seed, torch.float32)
    got, wanted = linear_cross_entropy(x, weight, targets), plain(x, weight, targets)
    torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-5)
    ours = torch.autograd.grad(got, (x, weight))
    theirs = torch.autograd.grad(wanted, (x, weight))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


def test_a_target_that_is_all_but_impossible_costs_what_it_costs():
    x, weight = torch.tensor([[1.0]]), torch.tensor([[500.0], [-500.0]])
    loss = linear_cross_entropy(x, weight, torch.tensor([1]))
    assert loss.item() == pytest.approx(1000.0)  # exp(-1000) is 0 in float32


def test_only_what_needs_a_gradient_gets_one():
    x, weight, targets = inputs()
    linear_cross_entropy(x.detach(), weight, targets).backward()
    assert x.grad is None
    assert weight.grad is not None
    with torch.no_grad():
        assert not linear_cross_entropy(x, weight, targets).requires_grad


def test_where_nothing_counts_there_is_no_mean():
    x, weight, _ = inputs(N=2)
    assert linear_cross_entropy(x, weight, torch.tensor([-100, -100])).isnan()


def test_another_target_can_be_the_ignored_one():
    x, weight, _ = inputs(N=3)
    targets = torch.tensor([0, 3, 0])
    got = linear_cross_entropy(x, weight, targets, ignore=0)
    torch.testing.assert_close(got, plain(x, weight, targets, ignore=0))


@pytest.mark.parametrize("device", DEVICES)
def test_under_autocast_sums_stay_float32(device):
    x, weight, targets = inputs(N=64, V=4096, C=16, dtype=torch.float32, size=0.1)
    x, weight = x.detach().to(device).requires_grad_(), weight.detach().to(device).requires_grad_()
    targets = targets.to(device)
    with torch.autocast(device, dtype=torch.bfloat16):
        got = linear_cross_entropy(x, weight, targets)
    wanted = plain(x, weight, targets)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, wanted, rtol=1e-3, atol=1e-3)
    ours = torch.autograd.grad(got, (x, weight))
    theirs = torch.autograd.grad(wanted, (x, weight))
    assert [gradient.dtype for gradient in ours] == [torch.float32, torch.float32]
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, rtol=2e-2, atol=2e-2 * other.abs().max().item())


def test_the_operation_keeps_the_rules_that_torch_compile_relies_on():
    x, weight, targets = inputs(dtype=torch.float32)
    for needs_gradient in (True, False):
        arguments = (x, weight, targets, -100, None, torch.float32, needs_gradient)
        if not needs_gradient:
            arguments = (x.detach(), weight.detach(), *arguments[2:])
        torch.library.opcheck(kernel._linear_cross_entropy, arguments)


def test_it_never_holds_all_logits(monkeypatch):
    seen = []
    mm = torch.mm

    def watched(*arguments, **keywords):
        result = mm(*arguments, **keywords)
        seen.append(result.numel())
        return result

    monkeypatch.setattr(torch, "mm", watched)
    x, weight, targets = inputs(N=2048, V=8192, C=4, dtype=torch.float32)
    linear_cross_entropy(x, weight, targets).backward()
    assert len(seen) > 2
    assert max(seen) <= 2048 * 8192 // 4
