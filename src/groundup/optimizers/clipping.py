"""Gradient clipping: one factor for all gradients, so that their direction stays.

Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (2013).
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from groundup.swap import replaceable


@replaceable
def clip(gradients: Sequence[Tensor], at: float) -> tuple[list[Tensor], Tensor]:
    r"""The gradients scaled so that their global norm is at most `at`, and the norm before.

    $\lVert g\rVert = \sqrt{\sum_i g_i^2}$ over all coordinates of all tensors;
    $g \leftarrow g \cdot \min(1, at/(\lVert g\rVert + 10^{-6}))$. A norm that is not finite comes
    back as it is: what to do about it is the caller's decision.
    """
    norm = global_norm(gradients)
    factor = (at / (norm + 1e-6)).clamp(max=1.0)
    return [gradient * factor for gradient in gradients], norm


def global_norm(gradients: Sequence[Tensor]) -> Tensor:
    """The 2-norm over all coordinates of all tensors (a scalar tensor; 0 when there is none)."""
    if not gradients:
        return torch.zeros(())
    norm: Tensor = torch.linalg.vector_norm(torch.stack([g.norm() for g in gradients]))
    return norm


def clip_gradients(parameters: Iterable[Tensor], at: float | None) -> Tensor:
    """`clip` on the `.grad` of parameters, in place; `at=None` only measures. Returns the norm."""
    if at is not None and not at > 0:
        raise ValueError(f"the clipping norm is {at}; it must be above 0, or None for no clipping")
    with_gradient = [p for p in parameters if p.grad is not None]
    gradients = [p.grad for p in with_gradient if p.grad is not None]
    if at is None:
        return global_norm(gradients)
    clipped, norm = clip(gradients, at)
    for parameter, gradient in zip(with_gradient, clipped, strict=True):
        parameter.grad = gradient
    return norm
