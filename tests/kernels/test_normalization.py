import pytest
import torch

from groundup.kernels import normalization as fast
from groundup.layers import normalization as plain

NO_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
DEVICES = ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, NO_CUDA])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 1e-2)], ids=str
)
@pytest.mark.parametrize("has_bias", [True, False])
def test_the_twins_agree_also_where_types_are_mixed(dtype, tolerance, has_bias, device):
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 5, 16, generator=generator).to(device, dtype)
    weight = torch.randn(16, generator=generator).to(device)
    bias = torch.randn(16, generator=generator).to(device) if has_bias else None
    for got, wanted in (
        (fast.rms_norm(x, weight, 1e-6), plain.rms_norm(x, weight, 1e-6)),
        (fast.layer_norm(x, weight, bias, 1e-6), plain.layer_norm(x, weight, bias, 1e-6)),
    ):
        assert got.dtype == wanted.dtype == dtype
        torch.testing.assert_close(got, wanted, rtol=tolerance, atol=tolerance)
