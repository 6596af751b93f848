"""Where a token stands: rotary positions, as tables of angles and a rotation of queries and keys.

Legend: B sequence, T position, H head, D head width, P = D / 2 rotated pairs.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.swap import replaceable


@replaceable
def rotate(x_BTHD: Tensor, cos_TP: Tensor, sin_TP: Tensor) -> Tensor:
    r"""Turn each pair $(x_i, x_{i + D/2})$ of a query or key by its position's angle.

    $(x_i \cos\theta - x_{i+D/2} \sin\theta,\; x_i \sin\theta + x_{i+D/2} \cos\theta)$. The
    product of a turned query and a turned key depends on their distance alone.

    Rounded once, to x's type. From Su et al., "RoFormer" (2021), section 3.2; pairs are half a
    width apart as in Hugging Face's Llama (the paper pairs neighbours, which is the same after a
    permutation of the weights' rows).
    """
    left_BTHP, right_BTHP = x_BTHD.chunk(2, -1)
    cos_T1P, sin_T1P = cos_TP.unsqueeze(-2), sin_TP.unsqueeze(-2)
    turned_left_BTHP = left_BTHP * cos_T1P - right_BTHP * sin_T1P
    turned_right_BTHP = left_BTHP * sin_T1P + right_BTHP * cos_T1P
    return torch.cat([turned_left_BTHP, turned_right_BTHP], -1).to(x_BTHD.dtype)


@dataclass(frozen=True, kw_only=True)
class RotaryScaling:
    """Slower rotation for contexts longer than those trained on, as in Llama 3.1.

    Pairs that turn often within the original context stay, those that turn less than
    `low_turns` times are slowed by `factor`, in between goes smoothly. From Llama Team, "The
    Llama 3 Herd of Models" (2024); the formula is Meta's reference code's.
    """

    factor: float
    """How many times as slow the slow pairs become."""
    low_turns: float = 1.0
    """Pairs with at most this many turns in the original context are slowed in full."""
    high_turns: float = 4.0
    """Pairs with at least this many turns stay as they are."""
    original_context: int = 8192
    """Tokens that the model was first trained on."""

    def __post_init__(self) -> None:
        if self.factor < 1 or not 0 < self.low_turns < self.high_turns or self.original_context < 1:
            raise ValueError(
                "rotary scaling wants factor >= 1, 0 < low_turns < high_turns and an "
                f"original_context of 1 or more; it was given {self}"
            )

    def apply(self, speed_P: Tensor) -> Tensor:
        """The scaled speeds, in radians a token."""
        turns_P = self.original_context * speed_P / (2 * math.pi)
        kept_P = ((turns_P - self.low_turns) / (self.high_turns - self.low_turns)).clamp(0, 1)
        return speed_P * kept_P + speed_P / self.factor * (1 - kept_P)


@replaceable
def rotary_tables(
    T: int, D: int, *, base: float = 10000.0, scaling: RotaryScaling | None = None
) -> tuple[Tensor, Tensor]:
    r"""Cosines and sines (T x P, float32) of $t \cdot \mathrm{base}^{-2p/D}$ radians."""
    speed_P = 1.0 / base ** (torch.arange(0, D, 2, dtype=torch.float32) / D)
    if scaling is not None:
        speed_P = scaling.apply(speed_P)
    angle_TP = torch.arange(T, dtype=torch.float32).unsqueeze(-1) * speed_P
    return angle_TP.cos(), angle_TP.sin()
