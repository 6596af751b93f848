r"""The rules of first-order descent, from gradient descent to AdamW, as pure functions of arrays.

A *rule* takes a parameter p, the gradient g there, what it remembered, and the number t = 1, 2, ...
of the step; it returns the new parameter and what to remember. State None is the beginning. The
settings' names and conventions are torch's; `optimizers` holds the same rules for tensors, and the
tests hold the two equal.

    rule               p - lr * ...
    gradient descent   g
    momentum           v,            v <- mu v + g                          (Polyak 1964)
    Nesterov           g + mu v,     v as above                             (Nesterov 1983)
    RMSProp            g / (sqrt(s) + eps),   s <- alpha s + (1 - alpha) g^2
    Adam               m^ / (sqrt(v^) + eps), running means of g and g^2 without their bias
    AdamW              as Adam, after p <- p - lr * weight_decay * p

Sources: Sutskever et al. (2013) for momentum as written here; Tieleman and Hinton, "Lecture 6.5"
(2012); Kingma and Ba, "Adam" (2015); Loshchilov and Hutter, "Decoupled weight decay regularization"
(2019). Left out: schedules of the rate, AMSGrad.
"""

from typing import Any, Protocol

import numpy as np

from groundup.maths.finite import Floats
from groundup.swap import replaceable


class Rule(Protocol):
    """One step of descent: (parameter, gradient, state, t) to (parameter, state)."""

    def __call__(
        self, parameter: Floats, gradient: Floats, state: Any, t: int, /
    ) -> tuple[Floats, Any]:
        """The new parameter and the new state."""
        ...


@replaceable
def gradient_descent(
    parameter: Floats,
    gradient: Floats,
    state: None,
    t: int,
    *,
    lr: float,
    weight_decay: float = 0.0,
) -> tuple[Floats, None]:
    r"""$p \leftarrow p - \eta (g + \lambda p)$. Nothing is remembered."""
    return parameter - lr * (gradient + weight_decay * parameter), None


@replaceable
def momentum(
    parameter: Floats,
    gradient: Floats,
    state: Floats | None,
    t: int,
    *,
    lr: float,
    mu: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[Floats, Floats]:
    r"""Heavy ball: $v \leftarrow \mu v + g$, $p \leftarrow p - \eta v$; v begins at 0."""
    gradient = gradient + weight_decay * parameter
    velocity = gradient if state is None else mu * state + gradient
    return parameter - lr * velocity, velocity


@replaceable
def nesterov(
    parameter: Floats,
    gradient: Floats,
    state: Floats | None,
    t: int,
    *,
    lr: float,
    mu: float = 0.9,
    weight_decay: float = 0.0,
) -> tuple[Floats, Floats]:
    r"""$v \leftarrow \mu v + g$, $p \leftarrow p - \eta (g + \mu v)$: one step ahead along v."""
    gradient = gradient + weight_decay * parameter
    velocity = gradient if state is None else mu * state + gradient
    return parameter - lr * (gradient + mu * velocity), velocity


@replaceable
def rmsprop(
    parameter: Floats,
    gradient: Floats,
    state: Floats | None,
    t: int,
    *,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Floats, Floats]:
    r"""$s \leftarrow \alpha s + (1-\alpha) g^2$, $p \leftarrow p - \eta g/(\sqrt s + \epsilon)$."""
    gradient = gradient + weight_decay * parameter
    square = (0.0 if state is None else alpha * state) + (1 - alpha) * gradient**2
    return parameter - lr * gradient / (np.sqrt(square) + eps), square


@replaceable
def adam(
    parameter: Floats,
    gradient: Floats,
    state: tuple[Floats, Floats] | None,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Floats, tuple[Floats, Floats]]:
    r"""$m \leftarrow \beta_1 m + (1-\beta_1) g$, $v \leftarrow \beta_2 v + (1-\beta_2) g^2$.

    Both begin at 0 and are too small by $1 - \beta^t$, which is divided out:
    $p \leftarrow p - \eta\,\hat m / (\sqrt{\hat v} + \epsilon)$.
    """
    gradient = gradient + weight_decay * parameter
    m, v = (0.0 * gradient, 0.0 * gradient) if state is None else state
    m = betas[0] * m + (1 - betas[0]) * gradient
    v = betas[1] * v + (1 - betas[1]) * gradient**2
    m_unbiased, v_unbiased = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return parameter - lr * m_unbiased / (np.sqrt(v_unbiased) + eps), (m, v)


@replaceable
def adamw(
    parameter: Floats,
    gradient: Floats,
    state: tuple[Floats, Floats] | None,
    t: int,
    *,
    lr: float,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    weight_decay: float = 0.0,
) -> tuple[Floats, tuple[Floats, Floats]]:
    r"""$p \leftarrow p - \eta\lambda p$, then Adam without a penalty: decay is not averaged."""
    decayed = parameter - lr * weight_decay * parameter
    return adam(decayed, gradient, state, t, lr=lr, betas=betas, eps=eps)
