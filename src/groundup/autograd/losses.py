r"""Losses: one number that says how wrong a prediction is, to be made small.

In method names that torch's tensors share, so that one function runs on both engines. All are means
over every element unless said otherwise. Cross-entropy is `groundup.autograd.functions` (one rule)
and `groundup.layers.losses` (the formula).
"""

from typing import Any

from groundup.swap import replaceable


@replaceable
def mse(prediction: Any, target: Any) -> Any:
    r"""$\mathrm{mean}\,(p - t)^2$: the negative log likelihood of a normal of fixed width."""
    _same_shape(prediction, target)
    return (prediction - target).square().mean()


def l1(prediction: Any, target: Any) -> Any:
    r"""$\mathrm{mean}\,|p - t|$: least for the median; an outlier pulls no harder."""
    _same_shape(prediction, target)
    return (prediction - target).abs().mean()


@replaceable
def huber(prediction: Any, target: Any, delta: float = 1.0) -> Any:
    r"""$d^2/2$ up to $|d| = \delta$, $\delta(|d| - \delta/2)$ beyond. Huber (1964)."""
    _same_shape(prediction, target)
    distance = (prediction - target).abs()
    near = distance.clamp(max=delta)
    return (near * near * 0.5 + (distance - near) * delta).mean()


@replaceable
def binary_cross_entropy(logits: Any, target: Any) -> Any:
    r"""$-t \ln \sigma(z) - (1 - t) \ln (1 - \sigma(z))$ for logits z and t in [0, 1].

    Computed as $\max(z, 0) - z t + \ln(1 + e^{-|z|})$, which no logit overflows.
    """
    _same_shape(logits, target)
    return (logits.clamp(min=0) - logits * target + (-logits.abs()).exp().log1p()).mean()


def hinge(scores: Any, signs: Any) -> Any:
    r"""$\mathrm{mean}\,\max(0, 1 - y s)$ for labels y of -1 and 1: no loss beyond the margin."""
    _same_shape(scores, signs)
    return (1 - signs * scores).clamp(min=0).mean()


def nll(log_probabilities: Any, targets: Any) -> Any:
    r"""$-\mathrm{mean}_i \ln p_{i, t_i}$ of N x V log probabilities and N class numbers."""
    return -log_probabilities.gather(-1, targets.reshape(-1, 1)).mean()


@replaceable
def kl_divergence(log_q: Any, log_p: Any) -> Any:
    r"""$\mathrm{mean}_i \sum_v p_{iv} (\ln p_{iv} - \ln q_{iv})$: what q costs where p is true.

    Both are N x V log probabilities; the gradient goes to both. A p of 0 counts 0.
    """
    p = log_p.exp()
    terms = (p * (log_p.clamp(min=-1e30) - log_q.clamp(min=-1e30))).sum(-1)
    return terms.mean()


@replaceable
def smoothed_cross_entropy(logits: Any, targets: Any, smoothing: float = 0.1) -> Any:
    r"""Cross-entropy against $(1 - s)$ on the target and $s / V$ on every class.

    Szegedy et al., "Rethinking the Inception architecture" (2016), section 7. Logits N x V.
    """
    if not 0 <= smoothing <= 1:
        raise ValueError(f"smoothing is {smoothing}; it is a share, from 0 to 1")
    logarithms = logits.log_softmax(-1)
    right = nll(logarithms, targets)
    return right * (1 - smoothing) - logarithms.mean() * smoothing


def _same_shape(a: Any, b: Any) -> None:
    if tuple(a.shape) != tuple(b.shape):
        raise ValueError(
            f"a prediction of shape {tuple(a.shape)} and a target of {tuple(b.shape)} would "
            "broadcast, which is rarely meant; give both the same shape"
        )
