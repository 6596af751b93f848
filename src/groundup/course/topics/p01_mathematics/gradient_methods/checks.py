"""Update rules, a step at a time: momentum, Adam, AdamW. Torch's optimizers judge them."""

import torch

from groundup.course.exercise import Exercise

SGD = Exercise(
    "sgd-momentum",
    of="groundup.optimizers.sgd:sgd_step",
    title="Gradient descent with momentum",
    minutes=20,
    hints=(
        "Write the plain step first: the parameter less the rate times the gradient. What should "
        "the velocity of a constant gradient become, step after step?",
        "Decay joins the gradient, g + lambda p. Then v = mu v + g and the step is along v; "
        "with nesterov along g + mu v, v being the new one.",
        "gradient = gradient + weight_decay * parameter; velocity = momentum * velocity + "
        "gradient; return parameter - lr * direction, velocity. Return new tensors, change none.",
    ),
)

RULES = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def _start(case, steps=1, size=3):
    """A parameter, and the gradient of each step."""
    return case.tensor(size), [case.tensor(size) for _ in range(steps)]


def _torch(rule, parameter, gradients, **settings):
    """The parameter after each step of torch's optimizer."""
    own = parameter.clone().requires_grad_()
    optimizer = RULES[rule]([own], **settings)
    path = []
    for gradient in gradients:
        own.grad = gradient.clone()
        optimizer.step()
        path.append(own.detach().clone())
    return path


def _sgd(step, parameter, gradients, **settings):
    velocity, path = torch.zeros_like(parameter), []
    for gradient in gradients:
        parameter, velocity = step(parameter, gradient, velocity, **settings)
        path.append(parameter)
    return path


def _moments(step, parameter, gradients, **settings):
    moments, path = (torch.zeros_like(parameter), torch.zeros_like(parameter)), []
    for number, gradient in enumerate(gradients, 1):
        parameter, moments = step(parameter, gradient, moments, number, **settings)
        path.append(parameter)
    return path


@SGD.check("without momentum: against the gradient, as far as the rate says")
def _(step, case):
    parameter, gradients = _start(case)
    given = {"parameter": parameter, "gradient": gradients[0], "lr": 0.1}
    got = _sgd(step, parameter, gradients, lr=0.1)
    case.same(got, [parameter - 0.1 * gradients[0]], given=given)


@SGD.check("three steps with momentum are torch's")
def _(step, case):
    parameter, gradients = _start(case, steps=3)
    settings = {"lr": 0.1, "momentum": 0.9}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    expected = _torch("sgd", parameter, gradients, **settings)
    case.same(_sgd(step, parameter, gradients, **settings), expected, given=given)


@SGD.check("Nesterov's form is torch's", tier="deep")
def _(step, case):
    parameter, gradients = _start(case, steps=3)
    settings = {"lr": 0.1, "momentum": 0.9, "nesterov": True}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    expected = _torch("sgd", parameter, gradients, **settings)
    case.same(_sgd(step, parameter, gradients, **settings), expected, given=given)


@SGD.check(
    "weight decay pulls towards 0 through the gradient, and so through the velocity", tier="deep"
)
def _(step, case):
    parameter, gradients = _start(case, steps=3)
    settings = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.5}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    expected = _torch("sgd", parameter, gradients, **settings)
    case.same(_sgd(step, parameter, gradients, **settings), expected, given=given)


@SGD.check("what it was given is not changed in place", tier="deep")
def _(step, case):
    parameter, [gradient] = _start(case)
    given = {"parameter": parameter, "gradient": gradient, "velocity": case.tensor(3)}
    before = {name: tensor.clone() for name, tensor in given.items()}
    step(*given.values(), lr=0.1, momentum=0.9, weight_decay=0.1)
    case.same(given, before, given=before, says="an argument was changed")


@SGD.mistake(
    "the step goes up: it is minus the rate times the gradient",
    caught_by="without momentum: against the gradient, as far as the rate says",
)
def _(parameter, gradient, velocity, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity = momentum * velocity + gradient + weight_decay * parameter
    return parameter + lr * velocity, velocity


@SGD.mistake(
    "the gradient is weighed by 1 - momentum, as in Adam: SGD's velocity sums, it does not "
    "average, so that this is a tenth as fast",
    caught_by="three steps with momentum are torch's",
)
def _(parameter, gradient, velocity, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity = momentum * velocity + (1 - momentum) * (gradient + weight_decay * parameter)
    return parameter - lr * velocity, velocity


@SGD.mistake(
    "the step is made along the old velocity: the new one has this gradient in it",
    caught_by="without momentum: against the gradient, as far as the rate says",
)
def _(parameter, gradient, velocity, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    return parameter - lr * velocity, momentum * velocity + gradient


@SGD.mistake(
    "nesterov is ignored: its step is along g + momentum * v",
    caught_by="Nesterov's form is torch's",
)
def _(parameter, gradient, velocity, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    velocity = momentum * velocity + gradient + weight_decay * parameter
    return parameter - lr * velocity, velocity


@SGD.mistake(
    "+= and -= write into the tensors that were given: the caller still needs them. Use x = x + y",
    caught_by="what it was given is not changed in place",
)
def _(parameter, gradient, velocity, *, lr, momentum=0.0, nesterov=False, weight_decay=0.0):
    gradient += weight_decay * parameter
    velocity *= momentum
    velocity += gradient
    parameter -= lr * (gradient + momentum * velocity if nesterov else velocity)
    return parameter, velocity


ADAM = Exercise(
    "adam",
    of="groundup.optimizers.adam:adam_step",
    title="Adam: every coordinate at its own pace",
    minutes=35,
    hints=(
        "Two averages: of the gradient and of its square. Both begin at 0. By how much is the "
        "first one too small after one step?",
        "m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2; divide each by 1 - b^step to make up "
        "for the beginning; step along m / (sqrt(v) + eps). Keep the undivided m and v.",
        "m_unbiased = m / (1 - beta1**step); v_unbiased = v / (1 - beta2**step); return parameter "
        "- lr * m_unbiased / (v_unbiased**0.5 + eps), (m, v).",
    ),
)


@ADAM.check("the first step is as long as the rate, whatever the gradient's size")
def _(step, case):
    parameter, [gradient] = _start(case)
    gradient = gradient + 0.1 * gradient.sign()  # none near 0, where eps would count
    given = {"parameter": parameter, "gradient": gradient, "lr": 0.1}
    got = _moments(step, parameter, [gradient], lr=0.1, eps=0.0)
    case.same(got, [parameter - 0.1 * gradient.sign()], given=given)


@ADAM.check("three steps are torch's")
def _(step, case):
    parameter, gradients = _start(case, steps=3)
    given = {"parameter": parameter, "gradients": gradients, "lr": 0.1}
    expected = _torch("adam", parameter, gradients, lr=0.1)
    case.same(_moments(step, parameter, gradients, lr=0.1), expected, given=given)


@ADAM.check("the moments that come back are the running averages themselves")
def _(step, case):
    parameter, [gradient] = _start(case)
    zeros = torch.zeros(3, dtype=torch.float64)
    _, moments = step(parameter, gradient, (zeros, zeros), 1, lr=0.1)
    given = {"gradient": gradient, "moments before": "zeros", "betas": (0.9, 0.999)}
    case.same(list(moments), [0.1 * gradient, 0.001 * gradient**2], given=given)


@ADAM.check("eps is added to the root, where it counts", tier="deep")
def _(step, case):
    parameter, gradients = _start(case, steps=2)
    settings = {"lr": 0.1, "eps": 0.5}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    expected = _torch("adam", parameter, gradients, **settings)
    case.same(_moments(step, parameter, gradients, **settings), expected, given=given)


@ADAM.check("weight decay joins the gradient before the averages", tier="deep")
def _(step, case):
    parameter, gradients = _start(case, steps=2)
    settings = {"lr": 0.1, "weight_decay": 0.5, "betas": (0.8, 0.95)}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    expected = _torch("adam", parameter, gradients, **settings)
    case.same(_moments(step, parameter, gradients, **settings), expected, given=given)


@ADAM.check("what it was given is not changed in place", tier="deep")
def _(step, case):
    parameter, [gradient] = _start(case)
    m, v = case.tensor(3), case.tensor(3) ** 2
    given = {"parameter": parameter, "gradient": gradient, "m": m, "v": v}
    before = {name: tensor.clone() for name, tensor in given.items()}
    step(parameter, gradient, (m, v), 3, lr=0.1, weight_decay=0.1)
    case.same(given, before, given=before, says="an argument was changed")


def _adam(p, g, moments, t, *, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
    """The right step, in pieces for wrong ones to be made of: new p, (m, v), corrected (m, v)."""
    g = g + weight_decay * p
    m, v = betas[0] * moments[0] + (1 - betas[0]) * g, betas[1] * moments[1] + (1 - betas[1]) * g**2
    m_hat, v_hat = m / (1 - betas[0] ** t), v / (1 - betas[1] ** t)
    return p - lr * m_hat / (v_hat**0.5 + eps), (m, v), (m_hat, v_hat)


@ADAM.mistake(
    "the averages are not corrected for beginning at 0: with the default betas the first step is "
    "three times too long, because v is further from its value than m",
    caught_by="the first step is as long as the rate, whatever the gradient's size",
)
def _(parameter, gradient, moments, step, *, lr, eps=1e-8, **settings):
    _, (m, v), _ = _adam(parameter, gradient, moments, step, lr=lr, **settings)
    return parameter - lr * m / (v**0.5 + eps), (m, v)


@ADAM.mistake(
    "only m is corrected: v begins at 0 as well, and divides",
    caught_by="the first step is as long as the rate, whatever the gradient's size",
)
def _(parameter, gradient, moments, step, *, lr, eps=1e-8, **settings):
    _, (m, v), (corrected, _) = _adam(parameter, gradient, moments, step, lr=lr, **settings)
    return parameter - lr * corrected / (v**0.5 + eps), (m, v)


@ADAM.mistake(
    "the corrected averages are kept: the next step corrects them again. Return m and v as they "
    "were before the division",
    caught_by="the moments that come back are the running averages themselves",
)
def _(parameter, gradient, moments, step, **settings):
    new, _, corrected = _adam(parameter, gradient, moments, step, **settings)
    return new, corrected


@ADAM.mistake(
    "eps stands under the root: torch and the paper add it to the root, sqrt(v) + eps",
    caught_by="eps is added to the root, where it counts",
)
def _(parameter, gradient, moments, step, *, lr, eps=1e-8, **settings):
    _, kept, (m, v) = _adam(parameter, gradient, moments, step, lr=lr, **settings)
    return parameter - lr * m / (v + eps) ** 0.5, kept


@ADAM.mistake(
    "the step is counted one too far: it is 1 at the first step, as the formula's t is",
    caught_by="three steps are torch's",
)
def _(parameter, gradient, moments, step, **settings):
    return _adam(parameter, gradient, moments, step + 1, **settings)[:2]


ADAMW = Exercise(
    "adamw",
    of="groundup.optimizers.adamw:adamw_step",
    title="AdamW: decay that Adam does not rescale",
    minutes=15,
    hints=(
        "What becomes of a decay that was added to the gradient, once Adam divides by the root of "
        "the mean square?",
        "Shrink the parameter itself, by lr * weight_decay of it; then take a step of Adam with "
        "the gradient alone.",
        "decayed = parameter - lr * weight_decay * parameter; return adam_step(decayed, gradient, "
        "moments, step, lr=lr, betas=betas, eps=eps).",
    ),
)


def _decay(case, steps, **settings):
    parameter, gradients = _start(case, steps=steps)
    settings = {"lr": 0.1, "weight_decay": 0.5, "betas": (0.9, 0.95), **settings}
    given = {"parameter": parameter, "gradients": gradients, **settings}
    return parameter, gradients, settings, given


@ADAMW.check("three steps are torch's")
def _(step, case):
    parameter, gradients, settings, given = _decay(case, 3)
    expected = _torch("adamw", parameter, gradients, **settings)
    case.same(_moments(step, parameter, gradients, **settings), expected, given=given)


@ADAMW.check("where the gradient is 0 the parameter shrinks by lr * weight_decay of itself")
def _(step, case):
    parameter, _, settings, given = _decay(case, 0)
    zeros = torch.zeros(3, dtype=torch.float64)
    got = _moments(step, parameter, [zeros], **settings)
    case.same(got, [parameter * (1 - 0.1 * 0.5)], given={**given, "gradients": [zeros]})


@ADAMW.check("the moments know nothing of the decay", tier="deep")
def _(step, case):
    parameter, [gradient], settings, given = _decay(case, 1)
    zeros = torch.zeros(3, dtype=torch.float64)
    _, moments = step(parameter, gradient, (zeros, zeros), 1, **settings)
    case.same(list(moments), [0.1 * gradient, 0.05 * gradient**2], given=given)


@ADAMW.check("without decay it is Adam", tier="deep")
def _(step, case):
    parameter, gradients, settings, given = _decay(case, 2, weight_decay=0.0)
    expected = _torch("adam", parameter, gradients, **settings)
    case.same(_moments(step, parameter, gradients, **settings), expected, given=given)


_BETAS = (0.9, 0.95)


@ADAMW.mistake(
    "the decay joins the gradient, as in Adam: divided by the root of the mean square, it pulls "
    "hard where gradients are small and hardly where they are large",
    caught_by="where the gradient is 0 the parameter shrinks by lr * weight_decay of itself",
)
def _(parameter, gradient, moments, step, *, betas=_BETAS, **settings):
    return _adam(parameter, gradient, moments, step, betas=betas, **settings)[:2]


@ADAMW.mistake(
    "the decay is not multiplied by the learning rate: the paper writes it so; torch, and we, do",
    caught_by="where the gradient is 0 the parameter shrinks by lr * weight_decay of itself",
)
def _(parameter, gradient, moments, step, *, betas=_BETAS, weight_decay=0.0, **settings):
    shrunk = parameter * (1 - weight_decay)
    return _adam(shrunk, gradient, moments, step, betas=betas, **settings)[:2]


@ADAMW.mistake(
    "the decay acts twice, on the parameter and through the gradient: call adam_step without it",
    caught_by="the moments know nothing of the decay",
)
def _(parameter, gradient, moments, step, *, lr, betas=_BETAS, weight_decay=0.0, eps=1e-8):
    shrunk = parameter * (1 - lr * weight_decay)
    settings = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "eps": eps}
    return _adam(shrunk, gradient, moments, step, **settings)[:2]


@ADAMW.mistake(
    "the parameter is shrunk after Adam's step, so that the step itself shrinks as well",
    caught_by="three steps are torch's",
)
def _(parameter, gradient, moments, step, *, lr, betas=_BETAS, weight_decay=0.0, eps=1e-8):
    new, kept, _ = _adam(parameter, gradient, moments, step, lr=lr, betas=betas, eps=eps)
    return new * (1 - lr * weight_decay), kept
