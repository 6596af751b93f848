"""What a model's predictions are judged by.

Legend: N predictions, V classes (the vocabulary).
"""

from torch import Tensor

from groundup.swap import replaceable


@replaceable
def cross_entropy(logits_NV: Tensor, targets_N: Tensor, ignore: int = -100) -> Tensor:
    r"""$-\frac1n \sum_i \ln \mathrm{softmax}(z_i)_{t_i}$ in nats over the n targets that count.

    Targets equal to `ignore` do not count; where none counts, the mean of nothing is NaN.
    Computed in float32 or wider, whatever the logits' type. Leaves out class weights and label
    smoothing. `kernels.loss.linear_cross_entropy` is the fast twin of a linear layer and this.
    """
    counts_N = targets_N != ignore
    safe_N1 = targets_N.masked_fill(~counts_N, 0).unsqueeze(-1)
    wide_NV = logits_NV.double() if logits_NV.element_size() == 8 else logits_NV.float()
    nats_N = wide_NV.logsumexp(-1) - wide_NV.gather(-1, safe_N1).squeeze(-1)
    return nats_N.masked_fill(~counts_N, 0.0).sum() / counts_N.sum()
