"""The measured peak is a plausible number, and utilization is a share of it."""

import pytest
import torch

from groundup.observe.profile import matmul_flops, utilization


def test_the_peak_is_a_rate_above_zero():
    assert matmul_flops(torch.float32, seconds=0.02) > 1e7


def test_utilization_is_needed_over_possible():
    assert utilization(6e6, 1e4, 2.4e11) == pytest.approx(0.25)
    with pytest.raises(ValueError, match="must be above 0"):
        utilization(1.0, 1.0, 0.0)
