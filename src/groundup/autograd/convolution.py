r"""Convolution and pooling: a small window moves over an image, computing the same everywhere.

$y_{o,i,j} = b_o + \sum_{c,u,v} w_{o,c,u,v}\, x_{c,\,i s + u,\,j s + v}$ (a cross-correlation, which
deep learning calls a convolution). Laid out as a matrix with one row for each place of the window
("im2col"; Chellapilla et al., "High performance convolutional neural networks for document
processing", 2006), it is one product with the weights. The gradients are the same two products of
every linear layer, and adding each window's share back to where it came from.

Legend: B image, C input channels, F output channels, I x J input size, P x Q output size, U x V
window.
"""

from typing import Any

import numpy as np

from groundup.autograd.rule import Array, FusedRule

Pair = tuple[int, int]


def output_size(size: int, window: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How many places a window has: floor((size + 2 padding - dilation (window - 1) - 1) / s) + 1.

    ValueError if there is none.
    """
    places = (size + 2 * padding - dilation * (window - 1) - 1) // stride + 1
    if places < 1:
        raise ValueError(
            f"a window of {window} (dilation {dilation}) has no place in {size} + 2 * {padding}; "
            "use a smaller window or more padding"
        )
    return places


def padded(x: Array, padding: Pair, value: float = 0.0) -> Array:
    """A border around the last two dimensions."""
    if padding == (0, 0):
        return x
    rows, columns = padding
    *lead, height, width = x.shape
    result = np.full((*lead, height + 2 * rows, width + 2 * columns), value, x.dtype)
    result[..., rows : rows + height, columns : columns + width] = x
    return result


def image_windows(x: Array, window: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """... x I x J as a view ... x P x Q x U x V of all windows."""
    reach = tuple(d * (size - 1) + 1 for d, size in zip(dilation, window, strict=True))
    views = np.lib.stride_tricks.sliding_window_view(x, reach, axis=(-2, -1))
    return views[..., :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]


def add_windows(d: Array, shape: tuple[int, ...], stride: Pair, dilation: Pair = (1, 1)) -> Array:
    """The reverse of `image_windows`: U x V x B x C x P x Q added up in an image of `shape`."""
    result = np.zeros(shape, d.dtype)
    U, V, *_, P, Q = d.shape
    for u in range(U):
        rows = slice(u * dilation[0], u * dilation[0] + (P - 1) * stride[0] + 1, stride[0])
        for v in range(V):
            left = v * dilation[1]
            columns = slice(left, left + (Q - 1) * stride[1] + 1, stride[1])
            result[..., rows, columns] += d[u, v]
    return result


def unpadded(x: Array, padding: Pair) -> Array:
    """Without a border."""
    rows, columns = padding
    return x[..., rows : x.shape[-2] - rows, columns : x.shape[-1] - columns]


def conv2d(
    x_BCIJ: Array,
    weight_FCUV: Array,
    bias_F: Array | None,
    stride: Pair,
    padding: Pair,
    dilation: Pair,
    groups: int,
) -> tuple[Array, Any]:
    """The convolution, B x F x P x Q, in one product for each image and group."""
    B, C, I, J = x_BCIJ.shape  # noqa: E741
    F, _, U, V = weight_FCUV.shape
    P = output_size(I, U, stride[0], padding[0], dilation[0])
    Q = output_size(J, V, stride[1], padding[1], dilation[1])
    views = image_windows(padded(x_BCIJ, padding), (U, V), stride, dilation)
    columns = np.ascontiguousarray(views.transpose(0, 1, 4, 5, 2, 3))
    columns = columns.reshape(B, groups, C // groups * U * V, P * Q)
    weights = weight_FCUV.reshape(groups, F // groups, -1)
    result = np.matmul(weights, columns).reshape(B, F, P, Q)
    if bias_F is not None:
        result += bias_F[:, None, None]
    return result, columns


def conv2d_backward(g: Array, y: Array, columns: Any, *inputs: Any, **settings: Any) -> Any:
    """The two products of a linear layer, then every window's share to where it came from."""
    x_BCIJ, weight_FCUV, bias_F = inputs
    stride, padding, groups = settings["stride"], settings["padding"], settings["groups"]
    B, C, I, J = x_BCIJ.shape  # noqa: E741
    F, _, U, V = weight_FCUV.shape
    P, Q = y.shape[-2:]
    flat = g.reshape(B, groups, F // groups, P * Q)
    d_weight = sum_of_products(flat, columns).reshape(weight_FCUV.shape)
    d_bias = None if bias_F is None else g.sum((0, 2, 3))
    if not settings["wanted"][0]:
        return None, d_weight, d_bias
    weights = weight_FCUV.reshape(groups, F // groups, -1)
    d_columns = np.matmul(np.swapaxes(weights, -1, -2), flat).reshape(B, C, U, V, P, Q)
    shape = (B, C, I + 2 * padding[0], J + 2 * padding[1])
    d_x = add_windows(d_columns.transpose(2, 3, 0, 1, 4, 5), shape, stride, settings["dilation"])
    return unpadded(d_x, padding), d_weight, d_bias


def sum_of_products(g: Array, columns: Array) -> Array:
    """The sum over images of g columns^T, for each group: without a product held per image."""
    total = np.zeros((g.shape[1], g.shape[2], columns.shape[2]), g.dtype)
    for d_image, image in zip(g, columns, strict=True):
        total += d_image @ np.swapaxes(image, -1, -2)
    return total


def plain_conv2d(xp: Any, x_BCIJ: Any, weight_FCUV: Any, bias_F: Any, **settings: Any) -> Any:
    """The same by small operations: pad, cut windows, multiply, in methods of both engines."""
    (s, r), (p, q), (d, e) = (settings[name] for name in ("stride", "padding", "dilation"))
    groups = settings["groups"]
    F, _, U, V = weight_FCUV.shape
    x = xp.pad(x_BCIJ, widths=((0, 0), (0, 0), (p, p), (q, q)), value=0.0)
    windows = x.unfold(2, d * (U - 1) + 1, s).unfold(3, e * (V - 1) + 1, r)[..., ::d, ::e]
    B, C, P, Q = windows.shape[:4]
    rows = windows.permute(0, 2, 3, 1, 4, 5).reshape(B, P * Q, groups, C // groups * U * V)
    weights = weight_FCUV.reshape(groups, F // groups, -1)
    mixed = rows.permute(0, 2, 1, 3) @ weights.transpose(-2, -1)  # B x groups x PQ x F / groups
    result = mixed.permute(0, 1, 3, 2).reshape(B, F, P, Q)
    return result if bias_F is None else result + bias_F.reshape(-1, 1, 1)


def max_pool2d(x: Array, window: Pair, stride: Pair, padding: Pair) -> tuple[Array, Any]:
    """The largest of each window; of equals the first passes the gradient."""
    for size, w, s, p in zip(x.shape[-2:], window, stride, padding, strict=True):
        output_size(size, w, s, p)
    views = image_windows(padded(x, padding, -np.inf), window, stride)
    flat = views.reshape(*views.shape[:-2], window[0] * window[1])
    places = np.argmax(flat, axis=-1)
    return np.take_along_axis(flat, places[..., None], -1)[..., 0], places


def max_pool2d_backward(
    g: Array, y: Array, places: Any, x: Array, **settings: Any
) -> tuple[Any, ...]:
    """All of g to the place of the largest."""
    window, stride, padding = settings["window"], settings["stride"], settings["padding"]
    rows, columns = padding
    shape = (*x.shape[:-2], x.shape[-2] + 2 * rows, x.shape[-1] + 2 * columns)
    d_windows = np.zeros((*window, *g.shape), g.dtype)
    for place in range(window[0] * window[1]):
        d_windows[divmod(place, window[1])] = g * (places == place)
    return (unpadded(add_windows(d_windows, shape, stride), padding),)


def plain_max_pool2d(xp: Any, x: Any, window: Pair, stride: Pair, padding: Pair) -> Any:
    """The same by small operations."""
    windows = _plain_windows(xp, x, window, stride, padding, -np.inf)
    return windows.flatten(-2).max(-1).values


def avg_pool2d(x: Array, window: Pair, stride: Pair, padding: Pair) -> tuple[Array, Any]:
    """The mean of each window, zeros of the border counted."""
    for size, w, s, p in zip(x.shape[-2:], window, stride, padding, strict=True):
        output_size(size, w, s, p)
    return image_windows(padded(x, padding), window, stride).mean((-2, -1)), None


def avg_pool2d_backward(
    g: Array, y: Array, kept: Any, x: Array, **settings: Any
) -> tuple[Any, ...]:
    """An equal share of g to every place of the window."""
    window, stride, padding = settings["window"], settings["stride"], settings["padding"]
    rows, columns = padding
    shape = (*x.shape[:-2], x.shape[-2] + 2 * rows, x.shape[-1] + 2 * columns)
    share = np.broadcast_to(g / (window[0] * window[1]), (*window, *g.shape))
    return (unpadded(add_windows(share, shape, stride), padding),)


def plain_avg_pool2d(xp: Any, x: Any, window: Pair, stride: Pair, padding: Pair) -> Any:
    """The same by small operations."""
    return _plain_windows(xp, x, window, stride, padding, 0.0).mean((-2, -1))


def _plain_windows(xp: Any, x: Any, window: Pair, stride: Pair, padding: Pair, value: float) -> Any:
    p, q = padding
    border = ((0, 0),) * (x.ndim - 2) + ((p, p), (q, q))
    wider = xp.pad(x, widths=border, value=value)
    return wider.unfold(-2, window[0], stride[0]).unfold(-2, window[1], stride[1])


CONVOLUTION = {
    "conv2d": FusedRule(conv2d, conv2d_backward, plain_conv2d),
    "max_pool2d": FusedRule(max_pool2d, max_pool2d_backward, plain_max_pool2d),
    "avg_pool2d": FusedRule(avg_pool2d, avg_pool2d_backward, plain_avg_pool2d),
}
