"""The feed-forward layer: each position on its own through a wider space and back.

Legend: C width, F hidden width, `...` any leading dimensions.
"""

from torch import Tensor, nn

from groundup.layers.activations import activation as named
from groundup.swap import replaceable


@replaceable
def feed_forward(
    x: Tensor,
    up: Tensor,
    down: Tensor,
    gate: Tensor | None = None,
    up_bias: Tensor | None = None,
    down_bias: Tensor | None = None,
    activation: str = "swiglu",
) -> Tensor:
    r"""$f(x U^T + b_u) D^T + b_d$; with a gate $(f(x G^T) \odot (x U^T + b_u)) D^T + b_d$.

    `up`, `gate`: F x C; `down`: C x F; x: ... x C; f is the activation (silu for "swiglu").
    From Vaswani et al. (2017), section 3.3; gated: Shazeer, "GLU Variants Improve Transformer"
    (2020), section 2. Leaves out a bias in the gate, which no model here has.
    """
    function = named(activation)
    hidden = x @ up.T
    if up_bias is not None:
        hidden = hidden + up_bias
    hidden = function(hidden) if gate is None else function(x @ gate.T) * hidden
    result = hidden @ down.T
    return result if down_bias is None else result + down_bias


class FeedForward(nn.Module):
    """`feed_forward` and its weights.

    The weights are those of linear layers, read here, not called: what changes a layer must change
    its `weight` (for an adapter: `torch.nn.utils.parametrize`).
    """

    def __init__(self, C: int, F: int, *, activation: str, has_bias: bool = False) -> None:
        super().__init__()
        self.activation = activation
        self.gate = nn.Linear(C, F, bias=False) if activation == "swiglu" else None
        self.up = nn.Linear(C, F, bias=has_bias)
        self.down = nn.Linear(F, C, bias=has_bias)

    def forward(self, x: Tensor) -> Tensor:
        """Each vector of x (... x C) on its own; same shape."""
        return feed_forward(
            x,
            self.up.weight,
            self.down.weight,
            None if self.gate is None else self.gate.weight,
            self.up.bias,
            self.down.bias,
            self.activation,
        )
