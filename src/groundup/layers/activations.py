"""Activation functions: what happens to each number between two matrix products.

These call PyTorch's own element-wise functions, which pass over memory once.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor


def relu2(x: Tensor) -> Tensor:
    r"""$\max(0, x)^2$. From So et al., "Primer" (2021), section 4."""
    return F.relu(x).square()


def gelu(x: Tensor) -> Tensor:
    r"""$x \cdot \Phi(x)$ with the normal distribution's $\Phi$. Hendrycks and Gimpel (2016)."""
    return F.gelu(x)


def gelu_tanh(x: Tensor) -> Tensor:
    r"""$\frac x2 (1 + \tanh(\sqrt{2/\pi}\,(x + 0.044715\,x^3)))$: GELU as GPT-2 computes it."""
    return F.gelu(x, approximate="tanh")


def silu(x: Tensor) -> Tensor:
    r"""$x \cdot \sigma(x)$, also called swish. From Hendrycks and Gimpel (2016), section 2."""
    return F.silu(x)


def activation(name: str) -> Callable[[Tensor], Tensor]:
    """The function of that name: relu2, gelu, gelu_tanh, or swiglu (whose gate passes silu)."""
    functions = {"relu2": relu2, "gelu": gelu, "gelu_tanh": gelu_tanh, "swiglu": silu}
    if name not in functions:
        raise ValueError(f"there is no activation {name!r}; there are: {', '.join(functions)}")
    return functions[name]
