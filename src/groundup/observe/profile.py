"""How fast this machine is, measured: the yardstick of model FLOPs utilization.

MFU (Chowdhery et al., "PaLM", 2022, appendix B) is the FLOP/s a model needs by formula (see
`groundup.scaling.flops`) over the FLOP/s the machine can do. No table of data sheets: the peak here
is what a plain matrix product reaches on this machine, now.
"""

import time

import torch

_SIZE = {"cpu": 1024, "cuda": 8192}


def matmul_flops(
    dtype: torch.dtype, device: torch.device | str = "cpu", *, seconds: float = 0.1
) -> float:
    """FLOP/s of a square matrix product in `dtype`: the best of as many as fit in `seconds`.

    A product of two n x n matrices counts 2 n^3. The best and not the mean, because it is a peak.
    """
    device = torch.device(device)
    size = _SIZE[device.type]
    left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    best = float("inf")
    deadline = None
    while deadline is None or time.monotonic() < deadline:
        wait(device)
        began = time.perf_counter()
        left @ right
        wait(device)
        best = min(best, time.perf_counter() - began)
        # The first product, which may build kernels and threads, does not use up the time.
        deadline = deadline or time.monotonic() + seconds
    return 2 * size**3 / best


def wait(device: torch.device) -> None:
    """Until all work that was handed to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def utilization(flops_per_token: float, tokens_per_second: float, peak_flops: float) -> float:
    """MFU: the share of the peak that the model's own arithmetic uses (0 to 1)."""
    if not peak_flops > 0:
        raise ValueError(f"the peak is {peak_flops} FLOP/s; it must be above 0")
    return flops_per_token * tokens_per_second / peak_flops
