r"""How to split a FLOP budget between the size of a model and the text it reads.

A loss law says what N parameters reach after D tokens, and training costs 6 FLOPs a pair (`flops`):

    minimise  L(N, D) = E + A / N^alpha + B / D^beta      subject to  6 N D = C

E is the entropy of the text itself, the second term what a finite model misses, the third what a
finite training misses. Setting the gradient of the Lagrangian to 0 (`maths.lagrange`, in the
logarithms of N and D, where the constraint is a straight line) gives

    N = G (C/6)^(beta / (alpha + beta)),   D = (C/6)^(alpha / (alpha + beta)) / G,
    G = (alpha A / (beta B))^(1 / (alpha + beta))

The multiplier is what one more FLOP is worth: dL/dC. Source: Hoffmann et al., "Training
compute-optimal large language models" (2022), section 3.3, equations 2 and 4, whose constants are
`CHINCHILLA`. They are one fit, disputed (Besiroglu et al. 2024) and of one kind of text: fit your
own before you trust them. Left out: repeated data, the cost of attention, and of use afterwards.
"""

import math
from dataclasses import dataclass

import numpy as np

from groundup.maths.finite import Floats
from groundup.maths.lagrange import newton_kkt
from groundup.swap import replaceable

FLOPS_A_PAIR = 6
"""For each parameter and token: forward 2, backward 4."""


@dataclass(frozen=True, kw_only=True)
class LossLaw:
    """L(N, D) = E + A / N^alpha + B / D^beta, in nats a token."""

    E: float
    """What no model can go below."""
    A: float
    """Weight of the model's size."""
    B: float
    """Weight of the text's size."""
    alpha: float
    """How fast a larger model helps."""
    beta: float
    """How fast more text helps."""

    def __post_init__(self) -> None:
        """Refuse a law that has no optimum."""
        if not all(math.isfinite(value) for value in vars(self).values()):
            raise ValueError(f"{self} is not finite; wanted five finite numbers")
        if not (self.E >= 0 and min(self.A, self.B, self.alpha, self.beta) > 0):
            raise ValueError(f"{self} has no best split; wanted E >= 0 and the others above 0")

    def loss(self, parameters: float, tokens: float) -> float:
        """L(N, D); ValueError unless both are above 0."""
        if not (parameters > 0 and tokens > 0):
            raise ValueError(f"{parameters} parameters, {tokens} tokens; wanted both above 0")
        return float(self.E + self.A / parameters**self.alpha + self.B / tokens**self.beta)


CHINCHILLA = LossLaw(E=1.69, A=406.4, B=410.7, alpha=0.34, beta=0.28)
"""Hoffmann et al. (2022), approach 3, appendix D.3 (equation 10)."""


@dataclass(frozen=True, kw_only=True)
class Allocation:
    """A split of a budget."""

    parameters: float
    tokens: float
    loss: float
    """Predicted, in nats a token."""
    per_flop: float
    """dL/dC, below 0: how much the loss changes with one FLOP more. The multiplier."""


@replaceable
def compute_optimal(budget: float, law: LossLaw = CHINCHILLA) -> Allocation:
    r"""The best split of `budget` FLOPs, in closed form.

    $dL/dC = -\frac{\alpha\beta}{\alpha+\beta}\,\frac{L - E}{C}$. Raises ValueError unless the
    budget is finite and above 0.
    """
    pairs = _pairs(budget)
    both = law.alpha + law.beta
    skew = (law.alpha * law.A / (law.beta * law.B)) ** (1 / both)
    parameters, tokens = skew * pairs ** (law.beta / both), pairs ** (law.alpha / both) / skew
    loss = law.loss(parameters, tokens)
    rate = law.alpha * law.beta / both * (loss - law.E) / budget
    return Allocation(parameters=parameters, tokens=tokens, loss=loss, per_flop=-rate)


@replaceable
def compute_optimal_by_lagrange(budget: float, law: LossLaw = CHINCHILLA) -> Allocation:
    r"""The same by Newton's method on the KKT conditions, which needs no algebra.

    With $u = \log N$, $v = \log D$: minimise $A e^{-\alpha u} + B e^{-\beta v}$ where
    $u + v = \log(C/6)$. The multiplier y is $-dL/d\log C$, so that $dL/dC = -y/C$.
    """
    log_pairs = math.log(_pairs(budget))
    powers = np.array([law.alpha, law.beta])
    # the terms are divided by their size at the even split, so that tolerances mean something
    weights = np.array([law.A, law.B]) * np.exp(-powers * log_pairs / 2)
    scale = float(weights.sum())

    def terms(w: Floats) -> Floats:
        both: Floats = weights / scale * np.exp(-powers * w)
        return both

    solution = newton_kkt(
        lambda w: float(terms(w).sum()),
        lambda w: -powers * terms(w),
        lambda w: np.array([w.sum()]),
        lambda w: np.ones((1, 2)),
        np.zeros(2),
        hessian=lambda w, y: np.diag(powers**2 * terms(w)),
        tolerance=1e-12,
    )
    parameters, tokens = np.exp(log_pairs / 2 + solution.x)
    return Allocation(
        parameters=float(parameters),
        tokens=float(tokens),
        loss=law.E + scale * solution.value,
        per_flop=-scale * float(solution.equality[0]) / budget,
    )


@replaceable
def budget_for(loss: float, law: LossLaw = CHINCHILLA) -> float:
    r"""The fewest FLOPs that reach a loss: $L - E = K (C/6)^{-\alpha\beta/(\alpha+\beta)}$,
    inverted.

    Raises ValueError for a loss at or below E, which no budget reaches.
    """
    if not law.E < loss < math.inf:
        raise ValueError(f"the loss {loss} is not above E = {law.E}; no budget reaches it")
    one = compute_optimal(float(FLOPS_A_PAIR), law).loss - law.E
    exponent = (law.alpha + law.beta) / (law.alpha * law.beta)
    return float(FLOPS_A_PAIR * (one / (loss - law.E)) ** exponent)


def _pairs(budget: float) -> float:
    if not (math.isfinite(budget) and budget > 0):
        raise ValueError(f"the budget is {budget} FLOPs; wanted a finite number above 0")
    return budget / FLOPS_A_PAIR
