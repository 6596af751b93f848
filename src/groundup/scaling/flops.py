r"""How much arithmetic a decoder-only transformer needs, by formula.

Convention (stated because sources differ): a multiplication and an addition are two FLOPs; only
matrix products count, with the output head and without the embedding look-up; the backward pass is
twice the forward pass; recomputation does not count. For one token in a sequence of $T$:

    forward  = 2 N + attention,   attention = 4 * depth * heads * head_width * keys
    training = 3 * forward        (6 N + 3 * attention)

$N$: the weights that take part in matrix products. `keys`: how many keys a query meets on average:
$(T + 1)/2$ when causal pairs alone count (`causal=True`, the PaLM and Megatron convention halves
it), $T$ for what a kernel without a causal short cut computes. Chowdhery et al., "PaLM" (2022),
appendix B; Narayanan et al. (2021) count the same products.

Left out: norms, activations, softmax, rotary positions, the optimizer (Muon's own products are
`muon_flops`).
"""

from groundup.models.gpt_config import GPTConfig


def block_matrices(config: GPTConfig) -> list[tuple[int, int]]:
    """Rows and columns of the matrices of one block: query, key, value, output, feed-forward."""
    width, hidden = config.width, config.hidden_width
    queries, keys = config.heads * config.head_size, config.key_head_count * config.head_size
    ups = 2 if config.activation == "swiglu" else 1
    attention = [(queries, width), (keys, width), (keys, width), (width, queries)]
    return [*attention, *[(hidden, width)] * ups, (width, hidden)]


def matmul_parameters(config: GPTConfig) -> int:
    """Weights that take part in matrix products: those of all blocks, and the head once."""
    block = sum(rows * columns for rows, columns in block_matrices(config))
    return config.depth * block + config.vocab_size * config.width


def mean_keys(context: int, *, window: int | None = None, causal: bool = True) -> float:
    """How many keys a query meets, averaged over the positions of a sequence."""
    if not causal:
        return float(context)
    reach = min(window or context, context)
    # The first `reach` queries meet 1, 2, ... keys; the others meet `reach`.
    return (reach * (reach + 1) / 2 + (context - reach) * reach) / context


def forward_flops(config: GPTConfig, context: int, *, causal: bool = True) -> float:
    """FLOPs of the forward pass for one token of a sequence of `context` tokens."""
    windows = [config.window_of(layer) for layer in range(config.depth)]
    keys = sum(mean_keys(context, window=window, causal=causal) for window in windows)
    return 2 * matmul_parameters(config) + 4 * config.heads * config.head_size * keys


def training_flops(config: GPTConfig, context: int, *, causal: bool = True) -> float:
    """FLOPs of forward and backward pass for one token: three times the forward pass."""
    return 3 * forward_flops(config, context, causal=causal)


def muon_flops(config: GPTConfig, *, iterations: int = 5) -> int:
    """FLOPs of Newton-Schulz for all block matrices, once an update, whatever the batch.

    An iteration on an m x n matrix (m <= n) multiplies m x n by n x m, m x m by m x m, and m x m by
    m x n.
    """
    total = 0
    for rows, columns in block_matrices(config):
        m, n = min(rows, columns), max(rows, columns)
        total += iterations * (2 * m * n * m + 2 * m**3 + 2 * m * m * n)
    return config.depth * total
