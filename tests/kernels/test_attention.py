import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.kernels import attention as kernel
from groundup.kernels.attention import attend as fast
from groundup.layers.attention import attend as plain
from groundup.layers.masks import window_mask

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA])]


def inputs(T, S, heads, key_heads, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((2, T, heads, 8), (2, S, key_heads, 8), (2, S, key_heads, 8))
    tensors = [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]
    return [tensor.requires_grad_() for tensor in tensors]


@settings(deadline=None, max_examples=60)
@given(
    T=st.integers(1, 8),
    more=st.integers(0, 6),
    heads=st.sampled_from([(4, 4), (4, 2), (6, 1)]),
    causal=st.booleans(),
    window=st.sampled_from([None, 1, 3, 50]),
    softcap=st.sampled_from([None, 2.0]),
    seed=st.integers(0, 99),
)
def test_it_agrees_with_its_plain_twin_and_so_do_gradients(
    T, more, heads, causal, window, softcap, seed
):
    S = T + more
    tensors = inputs(T, S, *heads, seed=seed)
    q, k, v = (tensor.transpose(1, 2) for tensor in tensors)
    mask_TS = None if window is None else window_mask(T, S, window)
    got = fast(q, k, v, mask_TS, causal, softcap)
    wanted = plain(q, k, v, mask_TS, causal, softcap)
    torch.testing.assert_close(got, wanted, rtol=1e-10, atol=1e-12)
    upstream = torch.randn(wanted.shape, dtype=torch.float64)
    for ours, theirs in zip(
        torch.autograd.grad(got, tensors, upstream),
        torch.autograd.grad(wanted, tensors, upstream),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)], ids=str
)
@pytest.mark.parametrize(("T", "S"), [(33, 33), (1, 33), (5, 33)])
def test_it_agrees_in_the_types_of_training(T, S, dtype, tolerance, device):
    tensors = inputs(T, S, 4, 2, dtype=torch.float32)
    q, k, v = (tensor.detach().transpose(1, 2).to(device, dtype) for tensor in tensors)
    wanted = plain(q.float(), k.float(), v.float(), None, True)
    got = fast(q, k, v, None, True)
    assert got.dtype == dtype
    torch.testing.assert_close(got.float(), wanted, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("mask", [None, window_mask(33, 33, 5), window_mask(33, 33, 5)[None, None]])
@pytest.mark.parametrize("softcap", [None, 3.0])
@pytest.mark.parametrize("autocast", [True, False])
def test_training_in_bfloat16_on_a_cpu_agrees_with_float32(mask, softcap, autocast):
    tensors = inputs(33, 33, 4, 2, dtype=torch.float32)
    q, k, v = (tensor.transpose(1, 2) for tensor in tensors)
    wanted = plain(q, k, v, mask, True, softcap)
    upstream = torch.randn(wanted.shape)
    gradients = torch.autograd.grad(wanted, tensors, upstream)
    kind = torch.float32 if autocast else torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        got = fast(q.to(kind), k.to(kind), v.to(kind), mask, True, softcap)
    assert got.dtype == torch.bfloat16
    torch.testing.assert_close(got.float(), wanted, rtol=3e-2, atol=3e-2)
    for ours, theirs in zip(
        torch.autograd.grad(got, tensors, upstream.bfloat16()), gradients, strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=5e-2, atol=8e-2)


def test_scores_are_held_only_for_training_in_bfloat16_on_a_cpu(monkeypatch):
    ran = []
    monkeypatch.setattr(kernel, "_explicit", lambda q, *rest: ran.append(q.dtype) or q)
    for kind, learns in itertools.product((torch.float32, torch.bfloat16), (True, False)):
        q, k, v = (torch.ones(1, 1, 4, 8, dtype=kind, requires_grad=learns) for _ in range(3))
        kernel.attend(q, k, v, None, True)
        with torch.no_grad():
            kernel.attend(q, k, v, None, True)
    assert ran == [torch.bfloat16]
    long = torch.ones(1, 1, 1025, 8, dtype=torch.bfloat16, requires_grad=True)
    kernel.attend(long, long, long, None, True)
    assert ran == [torch.bfloat16]
