"""The fast twin of a linear layer followed by `layers.losses.cross_entropy`.

Legend: N positions, R rows of one chunk, C width, V vocabulary.

The logits of N positions are the largest tensor of a small language model (N x V), and they and
their gradient are needed only to make grad_x = P W and grad_W = P^T x, where P = softmax - one-hot.
So the forward pass takes R rows at a time, and keeps the two gradients instead of the logits. What
a chunk needs fits the cache, and the next chunk is given the same memory again. The idea is that of
Hsu et al., "Liger Kernel" (2024), section 3.2, in plain PyTorch.

It is registered as one operation, so that `torch.compile` keeps one graph around it.
"""

from typing import Any

import torch
from torch import Tensor

_CHUNK_CPU = 1 << 21
"""Logits in one chunk on a CPU: 8 MB of float32, which stay in cache from product to product."""
_CHUNK_GPU = 1 << 26
"""On a GPU: large enough to keep it busy, small beside its memory."""


def linear_cross_entropy(
    x_NC: Tensor,
    weight_VC: Tensor,
    targets_N: Tensor,
    ignore: int = -100,
    softcap: float | None = None,
) -> Tensor:
    r"""Mean cross-entropy in nats of logits $x W^T$ against the targets that are not `ignore`.

    Softcap c: the logits become $c \tanh(z / c)$. Under autocast the products run in its type; the
    softmax and all sums are float32 or wider. Gradients are computed in the forward pass, if any
    are wanted; they cannot be differentiated again.
    """
    device = x_NC.device.type
    kind = torch.promote_types(x_NC.dtype, weight_VC.dtype)
    if torch.is_autocast_enabled(device):
        kind = torch.get_autocast_dtype(device)
    needs_gradient = torch.is_grad_enabled() and (x_NC.requires_grad or weight_VC.requires_grad)
    outputs: tuple[Tensor, Tensor, Tensor] = _linear_cross_entropy(
        x_NC, weight_VC, targets_N, ignore, softcap, kind, needs_gradient
    )
    return outputs[0]


@torch.library.custom_op("groundup::linear_cross_entropy", mutates_args=())
def _linear_cross_entropy(
    x_NC: Tensor,
    weight_VC: Tensor,
    targets_N: Tensor,
    ignore: int,
    softcap: float | None,
    kind: torch.dtype,
    needs_gradient: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss and its gradients by x and weight (empty if none are needed)."""
    wide = torch.promote_types(kind, torch.float32)
    x_NC, w_VC = x_NC.to(kind), weight_VC.to(kind)
    N, V = x_NC.shape[0], w_VC.shape[0]
    rows = _rows(N, V, x_NC.device.type)
    counts_N = targets_N != ignore
    share_N = counts_N.to(wide) / counts_N.sum()
    safe_N1 = targets_N.masked_fill(~counts_N, 0).unsqueeze(-1)
    loss = x_NC.new_zeros((), dtype=wide)
    grad_x_NC = torch.empty_like(x_NC, dtype=wide) if needs_gradient else loss.new_empty(0)
    grad_w_VC = torch.zeros_like(w_VC, dtype=wide) if needs_gradient else loss.new_empty(0)
    for begin in range(0, N, rows):
        here = slice(begin, min(begin + rows, N))
        x_RC, target_R1, share_R1 = x_NC[here], safe_N1[here], share_N[here].unsqueeze(-1)
        z_RV = torch.mm(x_RC, w_VC.T)
        slope_RV = None
        if softcap is not None:
            z_RV, slope_RV = _cap(z_RV.to(wide), softcap)
        log_p_RV = z_RV.log_softmax(-1, dtype=wide)
        log_p_target_R1 = log_p_RV.gather(-1, target_R1)
        loss -= (log_p_target_R1 * share_R1).sum()
        if not needs_gradient:
            continue
        p_RV = log_p_RV.exp_()
        p_RV.scatter_add_(-1, target_R1, -torch.ones_like(log_p_target_R1))  # softmax - one-hot
        if slope_RV is not None:
            p_RV.mul_(slope_RV)
        g_RV = p_RV.to(kind)
        grad_x_NC[here] = torch.mm(g_RV, w_VC).to(wide).mul_(share_R1)
        _add_product_(grad_w_VC, g_RV.T, (x_RC * share_R1).to(kind))
    return loss, grad_x_NC, grad_w_VC


def _rows(N: int, V: int, device: str) -> int:
    """How many rows a chunk has."""
    budget = _CHUNK_CPU if device == "cpu" else _CHUNK_GPU
    return min(max(N, 1), max(64, budget // V))


def _cap(z_RV: Tensor, softcap: float) -> tuple[Tensor, Tensor]:
    """The capped logits, and the slope of capping, 1 - tanh^2."""
    bounded_RV = (z_RV / softcap).tanh()
    return bounded_RV * softcap, 1 - bounded_RV.square()


def _add_product_(sum_VC: Tensor, g_VR: Tensor, x_RC: Tensor) -> None:
    """Add a product to a sum in place: in one go where the types are one."""
    if g_VR.dtype == sum_VC.dtype:
        sum_VC.addmm_(g_VR, x_RC)
    else:
        sum_VC.add_(torch.mm(g_VR, x_RC))


@_linear_cross_entropy.register_fake
def _shapes(
    x_NC: Tensor,
    weight_VC: Tensor,
    targets_N: Tensor,
    ignore: int,
    softcap: float | None,
    kind: torch.dtype,
    needs_gradient: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    wide = torch.promote_types(kind, torch.float32)
    loss = x_NC.new_empty((), dtype=wide)
    if not needs_gradient:
        return loss, loss.new_empty(0), loss.new_empty(0)
    return loss, torch.empty_like(x_NC, dtype=wide), torch.empty_like(weight_VC, dtype=wide)


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
    ctx.kinds = inputs[0].dtype, inputs[1].dtype
    ctx.save_for_backward(*output[1:])


def _backward(ctx: Any, grad_loss: Tensor, _x: Tensor, _w: Tensor) -> tuple[Tensor | None, ...]:
    grad_x_NC, grad_w_VC = ctx.saved_tensors
    x_kind, w_kind = ctx.kinds
    grads = (grad_loss * grad_x_NC).to(x_kind), (grad_loss * grad_w_VC).to(w_kind)
    return *grads, None, None, None, None, None


_linear_cross_entropy.register_autograd(_backward, setup_context=_keep)
