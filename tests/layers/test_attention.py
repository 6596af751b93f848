import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.layers.attention import attend
from groundup.layers.masks import causal_mask


def qkv(B=2, H=4, T=5, S=5, D=8, K=None, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    shapes = ((B, H, T, D), (B, K or H, S, D), (B, K or H, S, D))
    return [torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes]


def test_one_query_by_hand():
    q, v = torch.tensor([[[[2.0, 0.0]]]]), torch.tensor([[[[10.0, 0.0], [0.0, 20.0]]]])
    k = torch.tensor([[[[1.0, 0.0], [0.0, 1.0]]]])
    first = math.exp(2 / math.sqrt(2)) / (math.exp(2 / math.sqrt(2)) + 1)
    wanted = torch.tensor([[[[10 * first, 20 * (1 - first)]]]])
    torch.testing.assert_close(attend(q, k, v), wanted)


@pytest.mark.reference
@settings(deadline=None, max_examples=40)
@given(
    T=st.integers(1, 9),
    more=st.integers(0, 5),
    key_heads=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 999),
)
def test_it_agrees_with_pytorch(T, more, key_heads, seed):
    S = T + more
    q, k, v = qkv(T=T, S=S, K=key_heads, seed=seed)
    wanted = F.scaled_dot_product_attention(q, k, v, causal_mask(T, S), enable_gqa=True)
    torch.testing.assert_close(attend(q, k, v, causal=True), wanted, rtol=1e-12, atol=1e-12)
    wanted = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    torch.testing.assert_close(attend(q, k, v), wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.reference
def test_with_one_mask_a_sequence_it_agrees_with_pytorch():
    q, k, v = qkv(T=5, S=7)
    mask_B1TS = torch.rand(2, 1, 5, 7, generator=torch.Generator().manual_seed(3)) < 0.5
    mask_B1TS[..., 0] = True
    wanted = F.scaled_dot_product_attention(q, k, v, mask_B1TS)
    torch.testing.assert_close(attend(q, k, v, mask_B1TS), wanted, rtol=1e-12, atol=1e-12)
    wanted = F.scaled_dot_product_attention(q, k, v, mask_B1TS & causal_mask(5, 7))
    both = attend(q, k, v, mask_B1TS, causal=True)
    torch.testing.assert_close(both, wanted, rtol=1e-12, atol=1e-12)


def test_a_causal_query_does_not_see_what_comes_after_it():
    q, k, v = qkv()
    before = attend(q, k, v, causal=True)
    k[:, :, 3:], v[:, :, 3:] = 99.0, -99.0
    after = attend(q, k, v, causal=True)
    assert torch.equal(before[:, :, :3], after[:, :, :3])
    assert not torch.equal(before[:, :, 3:], after[:, :, 3:])


def test_the_last_queries_alone_get_what_they_get_among_all():
    q, k, v = qkv(T=6, S=6)
    alone = attend(q[:, :, 4:], k, v, causal=True)
    among = attend(q, k, v, causal=True)[:, :, 4:]
    torch.testing.assert_close(alone, among, rtol=1e-12, atol=1e-12)


def test_each_key_head_serves_the_heads_that_follow_each_other():
    q, k, v = qkv(H=4, K=2)
    shared = attend(q, k, v)
    for head, key_head in enumerate((0, 0, 1, 1)):
        one = attend(q[:, [head]], k[:, [key_head]], v[:, [key_head]])
        torch.testing.assert_close(shared[:, [head]], one, rtol=1e-12, atol=1e-12)


def test_a_softcap_bounds_the_scores():
    q, k, v = qkv()
    scores = (50 * q) @ k.transpose(-2, -1) / math.sqrt(8)
    wanted = (3 * torch.tanh(scores / 3)).softmax(-1) @ v
    got = attend(50 * q, k, v, softcap=3.0)
    torch.testing.assert_close(got, wanted, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(attend(q, k, v, softcap=1e9), attend(q, k, v))


def test_huge_scores_do_not_overflow():
    q, k, v = qkv(dtype=torch.float32)
    assert attend(1e4 * q, 1e4 * k, v, causal=True).isfinite().all()
