"""Weights into the number formats of GGUF: the inverse of `groundup.checkpoints.gguf_blocks`.

A row is cut into groups of 32 weights w. Each group gets a scale d, and in Q4_1 an offset m, both
float16, and each weight becomes the whole number q nearest to it:

    Q8_0, Q4_0   q = round(w / d)          w' = d q          d = max|w| / 127, largest / -8
    Q4_1         q = round((w - m) / d)    w' = d q + m      m = min w, d = (max w - m) / 15

`quantize_group` is that formula; the bytes it leads to are those of ggml's reference quantisers.
`search_group` tries other scales and keeps, group by group, the one with the smallest squared
error: the outermost weights are rounded a little worse, the many others better. In Q4_1 predictions
gain by that too; in Q4_0, whose outermost weight is exact without it, they lose.

Source: ggml's quantize_row_*_ref; for the search, least squares as in its make_qx_quants. Leaves
out weighting errors by how large the inputs are (an importance matrix), and the 256-weight formats.

Shapes: N groups; weights and quants are (N, 32), scales and offsets (N,).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.checkpoints.gguf_blocks import FORMATS, Bytes, Floats, Format
from groundup.swap import replaceable

GROUP = 32
"""Weights that share a scale."""
FORMATS_BY_NAME: dict[str, Format] = {form.name: form for form in FORMATS.values()}
"""The formats of `gguf_blocks` by name."""
ENCODED = ("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1")
"""The formats that can be written."""
_LEVELS = {"Q8_0": (-127, 127), "Q4_0": (-8, 7), "Q4_1": (0, 15)}
_CHUNK = 1 << 12  # groups: half a megabyte of float32 stays near the processor
_SHRINKS = np.linspace(0.75, 1.1, 15, dtype=np.float32)


@dataclass(frozen=True)
class Groups:
    """N groups of weights: w = scale * quant + offset."""

    quants: NDArray[np.int8]
    """(N, 32), within the levels of the format."""
    scales: Floats
    """(N,), numbers that float16 has."""
    offsets: Floats
    """(N,), numbers that float16 has; zeros where the format has none."""


Choose = Callable[[Floats, str], Groups]
"""How groups of weights (N, 32) become whole numbers of a format."""


@replaceable
def quantize_group(weights: Floats, form: str) -> Groups:
    """Each weight becomes the nearest whole number of steps: q = round((w - m) / d).

    `form` is "Q8_0", "Q4_0" or "Q4_1". Q4_0's scale has the sign that lets the weight furthest from
    zero be -8, since there is no +8. As in ggml, w is divided by the scale before that is rounded
    to float16, and halves go up (away from zero in Q8_0).
    """
    w = weights
    if form == "Q4_1":
        offsets = w.min(-1)
        scales = (w.max(-1) - offsets) / np.float32(15)
        quants = np.floor((w - offsets[:, None]) * _inverse(scales) + np.float32(0.5))
    elif form == "Q4_0":
        furthest = np.take_along_axis(w, np.abs(w).argmax(-1)[:, None], -1)[:, 0]
        offsets = np.zeros_like(furthest)
        scales = furthest / np.float32(-8)
        quants = np.floor(w * _inverse(scales) + np.float32(8.5)) - np.float32(8)
    else:
        offsets = np.zeros(len(w), np.float32)
        scales = np.abs(w).max(-1) / np.float32(127)
        quants = _round_away(w * _inverse(scales))
    return Groups(quants.clip(*_LEVELS[form]).astype(np.int8), _half(scales), _half(offsets))


def dequantize_group(groups: Groups) -> Floats:
    """The weights again, (N, 32): d q + m."""
    return groups.scales[:, None] * groups.quants.astype(np.float32) + groups.offsets[:, None]


def search_group(weights: Floats, form: str) -> Groups:
    """As `quantize_group`, with the scale (and offset) that least squares would have, if better.

    For each of some ranges, smaller and larger than that of the weights: round to it, then take the
    d and m that minimise sum (w - d q - m)^2 for these q, rounded to float16. The best of all
    ranges wins, the range of `quantize_group` among them, so no group's error grows. In Q8_0 there
    is nothing to win: it is `quantize_group`.
    """
    best = quantize_group(weights, form)
    if form == "Q8_0":
        return best
    error = _squared_error(weights, best)
    for shrink in _SHRINKS:
        tried = _fit(weights, form, shrink)
        new_error = _squared_error(weights, tried)
        is_better = new_error < error
        error = np.where(is_better, new_error, error)
        best = Groups(
            np.where(is_better[:, None], tried.quants, best.quants),
            np.where(is_better, tried.scales, best.scales),
            np.where(is_better, tried.offsets, best.offsets),
        )
    return best


def _fit(w: Floats, form: str, shrink: np.float32) -> Groups:
    """Round to a range that is `shrink` times as wide, then fit the scale and offset to that."""
    low, high = _LEVELS[form]
    if form == "Q4_1":
        least, most = w.min(-1), w.max(-1)
        middle, half = (most + least) / 2, (most - least) / 2 * shrink
        start, step = middle - half, half * np.float32(2 / 15)
    else:
        furthest = np.take_along_axis(w, np.abs(w).argmax(-1)[:, None], -1)[:, 0]
        start, step = np.zeros_like(furthest), furthest / np.float32(low) * shrink
    q = np.rint((w - start[:, None]) * _inverse(step)).clip(low, high)
    if form == "Q4_1":
        q_mean, w_mean = q.mean(-1), w.mean(-1)
        q_off, w_off = q - q_mean[:, None], w - w_mean[:, None]
        scales = _half((q_off * w_off).sum(-1) * _inverse((q_off**2).sum(-1))[:, 0])
        offsets = _half(w_mean - scales * q_mean)
    else:
        scales = _half((q * w).sum(-1) * _inverse((q * q).sum(-1))[:, 0])
        offsets = start
    return Groups(q.astype(np.int8), scales, offsets)


def _squared_error(w: Floats, groups: Groups) -> Floats:
    difference = w - dequantize_group(groups)
    result: Floats = np.einsum("nk,nk->n", difference, difference)
    return result


def _inverse(scales: Floats) -> Floats:
    """1 / d as a column; 0 where d is 0, or so small that there is no such number."""
    with np.errstate(divide="ignore", over="ignore"):
        inverse: Floats = np.float32(1) / scales
    inverse[~np.isfinite(inverse)] = 0
    return inverse[:, None]


def _round_away(x: Floats) -> Floats:
    """To the nearest whole number, halves away from zero, as C's roundf."""
    whole = np.trunc(x)
    # compared, not added to 0.5: the sum would round up what lies just below a half
    rounded: Floats = whole + np.sign(x) * (np.abs(x - whole) >= np.float32(0.5))
    return rounded


def _half(numbers: Floats) -> Floats:
    """The nearest numbers that float16 has; what is beyond its range becomes infinite."""
    with np.errstate(over="ignore"):
        half: Floats = numbers.astype(np.float16).astype(np.float32)
    return half


def pack(groups: Groups, form: str) -> Bytes:
    """The bytes of the groups' blocks, (N, block bytes); `unpack` is the inverse."""
    scales = _bytes(groups.scales, "<f2")
    if form == "Q8_0":
        return np.concatenate([scales, groups.quants.view(np.uint8)], -1)
    levels = (groups.quants - np.int8(_LEVELS[form][0])).astype(np.uint8)
    nibbles = levels[:, :16] | (levels[:, 16:] << np.uint8(4))
    head = [scales, _bytes(groups.offsets, "<f2")] if form == "Q4_1" else [scales]
    return np.concatenate([*head, nibbles], -1)


def unpack(blocks: Bytes, form: str) -> Groups:
    """The whole numbers, scales and offsets in the bytes of Q8_0, Q4_0 or Q4_1 blocks."""
    head = 4 if form == "Q4_1" else 2
    halves = np.ascontiguousarray(blocks[:, :head]).view("<f2").astype(np.float32)
    packed = blocks[:, head:]
    if form == "Q8_0":
        quants = np.ascontiguousarray(packed).view(np.int8)
    else:
        levels = np.concatenate([packed & 15, packed >> 4], -1).astype(np.int8)
        quants = levels + np.int8(_LEVELS[form][0])
    offsets = halves[:, 1] if form == "Q4_1" else np.zeros(len(blocks), np.float32)
    return Groups(quants, np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(offsets))


def encode(weights: Floats, form: str, choose: Choose = quantize_group) -> Bytes:
    """A tensor's bytes, (blocks, block bytes), its rows one after the other.

    Raises ValueError for a format that is not in `ENCODED`, for rows that are no multiple of 32
    (where the format has groups), and for numbers that the format cannot hold.
    """
    if form not in ENCODED:
        raise ValueError(f"weights cannot be written as {form!r}; wanted {', '.join(ENCODED)}")
    weights = np.ascontiguousarray(weights, dtype=np.float32)
    if not np.isfinite(weights).all():
        raise ValueError("the weights are not all finite numbers, so they have no scale")
    if form in _LEVELS:
        row = weights.shape[-1] if weights.ndim else 1
        if row % GROUP:
            raise ValueError(f"a row has {row} weights; {form} wants a multiple of {GROUP}")
        parts = [pack(_chosen(chunk, form, choose), form) for chunk in _chunks(weights)]
        return np.concatenate(parts) if parts else np.zeros((0, FORMATS_BY_NAME[form].bytes), "u1")
    if form == "BF16":
        return _bfloat16(weights.reshape(-1))
    if form == "F16" and not np.isfinite(_half(weights)).all():
        raise ValueError(f"a weight is {np.abs(weights).max():.3g}, beyond F16; choose BF16 or F32")
    return _bytes(weights.reshape(-1), "<f4" if form == "F32" else "<f2")


def _chunks(weights: Floats) -> Iterator[Floats]:
    groups = weights.reshape(-1, GROUP)
    return (groups[first : first + _CHUNK] for first in range(0, len(groups), _CHUNK))


def _chosen(weights: Floats, form: str, choose: Choose) -> Groups:
    """What `choose` says, if it is of the format: it may be anyone's function."""
    groups = choose(weights, form)
    low, high = _LEVELS[form]
    if groups.quants.shape != weights.shape:
        raise ValueError(
            f"{len(weights)} groups of {GROUP} weights became quants of the shape "
            f"{groups.quants.shape}; wanted {weights.shape}"
        )
    if groups.quants.size and not low <= groups.quants.min() <= groups.quants.max() <= high:
        raise ValueError(
            f"quants run from {groups.quants.min()} to {groups.quants.max()}; "
            f"{form} has room for {low} to {high}"
        )
    if not (np.isfinite(_half(groups.scales)) & np.isfinite(_half(groups.offsets))).all():
        raise ValueError(
            f"a weight is {np.abs(weights).max():.3g}; its scale is beyond float16, "
            f"which {form} keeps scales in"
        )
    return groups


def _bytes(numbers: NDArray[Any], kind: str) -> Bytes:
    """(n,) numbers as (n, size) bytes."""
    return np.ascontiguousarray(numbers.astype(kind))[..., None].view(np.uint8)


def _bfloat16(numbers: Floats) -> Bytes:
    """The upper half of a float32, rounded to nearest, ties to even."""
    bits = numbers.view(np.uint32)
    rounded = (bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)
    return _bytes(rounded, "<u2")
