"""Muon's orthogonalization keeps singular vectors and brings singular values near one."""

import torch

from groundup.optimizers.muon import QUINTIC, orthogonalize


def draw(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)


def test_singular_vectors_stay_and_values_follow_the_quintic():
    matrix = draw(5, 9)
    u, s, v = torch.linalg.svd(matrix, full_matrices=False)
    s = s / s.norm()
    a, b, c = QUINTIC
    for _ in range(5):
        s = a * s + b * s**3 + c * s**5
    torch.testing.assert_close(orthogonalize(matrix), u @ torch.diag(s) @ v, rtol=1e-9, atol=1e-9)


def test_all_singular_values_come_near_one():
    values = torch.linalg.svdvals(orthogonalize(draw(32, 64)))
    assert values.min() > 0.6
    assert values.max() < 1.3


def test_tall_is_wide_transposed_and_a_batch_is_its_items():
    tall = draw(7, 3)
    torch.testing.assert_close(orthogonalize(tall), orthogonalize(tall.T).T)
    batch = draw(4, 6, 3)
    torch.testing.assert_close(orthogonalize(batch)[2], orthogonalize(batch[2]))


def test_zeros_stay_zeros():
    assert torch.equal(orthogonalize(torch.zeros(3, 4)), torch.zeros(3, 4))
