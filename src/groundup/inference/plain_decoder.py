r"""The CPU decoder in NumPy: what `kernels/cpp` computes, to be read, and to be compared with.

    x = embedding(token)
    for each layer:  x += output(attention(q, k, v of norm(x)));  x += down(silu(gate) * up)
    logits = head(norm(x))

What makes it a decoder in few bits are two roundings. A token's numbers become whole numbers before
every product (`round_groups`), and keys and values become float16. So a product of a matrix with a
token is, group by group of 32 inputs,

    y[n] = sum over g of  a_g d_ng (sum of q p) + m_ng a_g (sum of p)

for weights w = d q + m and numbers x = a p: the sums of q p are of whole numbers (`product`).

Source: the rounding of tokens is that of ggml's Q8_1. Leaves out speed. The kernel adds in another
order, so results agree to float32's rounding, except where a number falls between two whole ones
and one side rounds it up: that number then differs by one part in 254 of its group's largest.

Legend: T token of this step, S position in sight, C width, H head, K key head, D head width,
P = D / 2 rotated pairs, G group of 32 inputs, N row of a matrix, R asked row.
"""

import numpy as np
from numpy.typing import NDArray

from groundup.inference.packed_weights import unpack_groups
from groundup.kernels.decoder import GROUP, Layer, Matrix, Model, Step, check_shapes, check_step

Floats = NDArray[np.float32]


def round_groups(x_TC: Floats) -> tuple[Floats, Floats]:
    """Each group of 32 numbers as x = a p: whole numbers p (T x G x 32) and a (T x G).

    a = max |x| / 127, and p = x / a to the nearest whole number, so -127 to 127. Of numbers so
    small that 1 / a would be infinite, p is 0.
    """
    x_TG32 = x_TC.reshape(len(x_TC), x_TC.shape[1] // GROUP, GROUP)
    most_TG = np.abs(x_TG32).max(-1)
    inverse_TG = np.zeros_like(most_TG)
    np.divide(np.float32(127), most_TG, out=inverse_TG, where=most_TG > np.float32(1e-30))
    return np.rint(x_TG32 * inverse_TG[..., None]), most_TG / np.float32(127)


def product(matrix: Matrix, x_TC: Floats, bias_N: Floats | None = None) -> Floats:
    """The matrix times each token, plus the bias: T x N."""
    q_NG32, d_NG, m_NG = unpack_groups(matrix)
    p_TG32, a_TG = round_groups(x_TC)
    dots_TNG = np.einsum("tgi,ngi->tng", p_TG32, q_NG32)  # whole numbers below 2^24: exact
    sums_TG = a_TG * p_TG32.sum(-1)
    y_TN = np.einsum("tng,tg,ng->tn", dots_TNG, a_TG, d_NG) + sums_TG @ m_NG.T
    result: Floats = y_TN if bias_N is None else y_TN + bias_N
    return result


def rms_norm(x: Floats, gains: Floats, epsilon: float) -> Floats:
    """Over the last dimension: x / sqrt(mean(x^2) + epsilon), times the gains."""
    mean = np.square(x).mean(-1, keepdims=True)
    result: Floats = x / np.sqrt(mean + np.float32(epsilon)) * gains
    return result


def rotate(x_THD: Floats, cosine_TP: Floats, sine_TP: Floats) -> Floats:
    """Pairs (i, i + D/2) turned by the angle of their token's position."""
    left_THP, right_THP = np.split(x_THD, 2, -1)
    cosine_T1P, sine_T1P = cosine_TP[:, None], sine_TP[:, None]
    turned = (left_THP * cosine_T1P - right_THP * sine_T1P,
              left_THP * sine_T1P + right_THP * cosine_T1P)  # fmt: skip
    return np.concatenate(turned, -1)


def attend(q_HD: Floats, k_SKD: Floats, v_SKD: Floats) -> Floats:
    """What one token's heads gather from S positions; H / K heads share a head of keys."""
    share = len(q_HD) // k_SKD.shape[1]
    k_SHD, v_SHD = k_SKD.repeat(share, 1), v_SKD.repeat(share, 1)
    scores_HS = np.einsum("hd,shd->hs", q_HD, k_SHD) / np.sqrt(np.float32(q_HD.shape[1]))
    weights_HS = np.exp(scores_HS - scores_HS.max(-1, keepdims=True))
    weights_HS /= weights_HS.sum(-1, keepdims=True)
    mixed_HD: Floats = np.einsum("hs,shd->hd", weights_HS, v_SHD)
    return mixed_HD


def silu(x: Floats) -> Floats:
    """The number times its logistic function."""
    y: Floats = (x / (1 + np.exp(-x))).astype(np.float32)
    return y


class PlainDecoder:
    """As `groundup.kernels.decoder.Decoder`, step for step."""

    lanes = "NumPy"

    def __init__(self, model: Model, *, blocks: int, block_size: int, threads: int = 1) -> None:
        """`threads` is there for the likeness; NumPy decides. ValueError for misfitting shapes."""
        check_shapes(model, block_size)
        self.model, self.blocks, self.block_size = model, blocks, block_size
        shape = (len(model.layers), blocks, block_size, model.key_heads, model.head_width)
        self._keys, self._values = np.zeros(shape, np.float16), np.zeros(shape, np.float16)

    @property
    def cache_bytes(self) -> int:
        """Of the memory of keys and values."""
        return self._keys.nbytes + self._values.nbytes

    def step(self, step: Step, *, is_hidden: bool = False) -> Floats:
        """Logits of the asked tokens, or the last norm's output; ValueError on bad input."""
        model = self.model
        check_step(step, model, self.blocks, self.block_size)
        x_TC = unpack_rows(model.embedding, step.tokens_T)
        for i, layer in enumerate(model.layers):
            normed_TC = rms_norm(x_TC, layer.attention_norm, model.epsilon)
            x_TC = x_TC + self._attention(i, layer, normed_TC, step)
            normed_TC = rms_norm(x_TC, layer.feed_forward_norm, model.epsilon)
            inner = silu(product(layer.gate, normed_TC)) * product(layer.up, normed_TC)
            x_TC = x_TC + product(layer.down, inner)
        x_RC = rms_norm(x_TC[step.wanted_R], model.norm, model.epsilon)
        return x_RC if is_hidden else product(model.head, x_RC)

    def _attention(self, index: int, layer: Layer, x_TC: Floats, step: Step) -> Floats:
        model, T, D = self.model, len(x_TC), self.model.head_width
        q_THD = product(layer.query, x_TC, layer.query_bias).reshape(T, model.heads, D)
        k_TKD = product(layer.key, x_TC, layer.key_bias).reshape(T, model.key_heads, D)
        v_TKD = product(layer.value, x_TC, layer.value_bias).reshape(T, model.key_heads, D)
        if layer.query_norm is not None and layer.key_norm is not None:
            q_THD = rms_norm(q_THD, layer.query_norm, model.epsilon)
            k_TKD = rms_norm(k_TKD, layer.key_norm, model.epsilon)
        turns = model.cosine[step.positions_T], model.sine[step.positions_T]
        q_THD, k_TKD = rotate(q_THD, *turns), rotate(k_TKD, *turns)
        mixed_THD = np.empty_like(q_THD)
        for t in range(T):  # a token's key and value first, then what it sees
            blocks_N, position = step.blocks_SN[step.sequences_T[t]], step.positions_T[t]
            block, place = divmod(int(position), self.block_size)
            self._keys[index, blocks_N[block], place] = k_TKD[t]
            self._values[index, blocks_N[block], place] = v_TKD[t]
            used_N = blocks_N[: block + 1]
            k_SKD, v_SKD = (
                memory[index, used_N].reshape(-1, *k_TKD.shape[1:])[: position + 1]
                for memory in (self._keys, self._values)
            )
            mixed_THD[t] = attend(q_THD[t], k_SKD.astype(np.float32), v_SKD.astype(np.float32))
        return product(layer.output, mixed_THD.reshape(T, model.heads * D), layer.output_bias)


def unpack_rows(matrix: Matrix, rows_T: NDArray[np.int32]) -> Floats:
    """Some rows of a matrix as numbers, T x C: embeddings."""
    q_NG32, d_NG, m_NG = unpack_groups(matrix)
    w_TG32 = d_NG[rows_T, :, None] * q_NG32[rows_T] + m_NG[rows_T, :, None]
    return w_TG32.reshape(len(rows_T), matrix.columns)
