"""The training loop, and two lines of it: the rate of a step, the gradient in pieces."""

import contextlib
import math

import numpy as np
import torch

from groundup.autograd.linear import Linear
from groundup.autograd.tensor import Tensor
from groundup.course.exercise import Exercise
from groundup.models.array_training import ArrayTraining, TrainingState, beginning

LOOP = Exercise(
    "training-loop",
    of="groundup.models.array_training:fit",
    title="The training loop",
    minutes=40,
    hints=(
        "Six things happen in a step, and their order matters. Which gradient would a second "
        "backward() add to?",
        "Set the rate of this step, forget the old gradients, compute the loss, refuse one that is "
        "not finite, go backward, clip, take the step, count it. Go on from state.done.",
        "while state.done < config.steps: state.optimizer.lr = config.lr * schedule(state.done, "
        "config.steps, kind='cosine'); zero_grad(); draw_by_step(...); loss = loss_of(state.done); "
        "loss.backward(); norm = clip_gradients(model, config.clip); optimizer.step(); "
        "state.done += 1; append loss.item(); call watch and advance.",
    ),
)

_SETTINGS = {"steps": 5, "lr": 0.2, "optimizer": "sgd", "clip": 0.5}


def _problem(case):
    """A line to be fitted: ours, torch's of the same weights, and a batch for each step."""
    ours = Linear(2, 1, rng=case.chance)
    theirs = torch.nn.Linear(2, 1).double()
    for name, parameter in ours.named_parameters():
        parameter.data = case.array(*parameter.shape)
        getattr(theirs, name).data = torch.from_numpy(parameter.data.copy())
    inputs, targets = case.array(5, 4, 2), 3 * case.array(5, 4, 1)
    return ours, theirs, inputs, targets


def _loss_of(model, inputs, targets):
    return lambda step: (model(Tensor(inputs[step])) - Tensor(targets[step])).square().mean()


def _expected(theirs, inputs, targets, *, lr=0.2, clip=0.5, steps=5):
    """The same in torch, written out."""
    losses = []
    for step in range(steps):
        rate = lr * (1 + math.cos(math.pi * (step + 1) / (steps + 1))) / 2
        theirs.zero_grad()
        x, y = torch.from_numpy(inputs[step]), torch.from_numpy(targets[step])
        loss = (theirs(x) - y).square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(theirs.parameters(), clip)
        with torch.no_grad():
            for parameter in theirs.parameters():
                parameter -= rate * parameter.grad
        losses.append(loss.item())
    return losses


@LOOP.check("the losses of five steps are those of the loop written out in torch")
def _(fit, case):
    ours, theirs, inputs, targets = _problem(case)
    state = fit(ours, _loss_of(ours, inputs, targets), ArrayTraining(**_SETTINGS))
    expected = _expected(theirs, inputs, targets)
    case.same(state.losses, expected, given=_SETTINGS, tolerance=1e-6)


@LOOP.check("so are the weights at the end")
def _(fit, case):
    ours, theirs, inputs, targets = _problem(case)
    fit(ours, _loss_of(ours, inputs, targets), ArrayTraining(**_SETTINGS))
    _expected(theirs, inputs, targets)
    expected = {name: p.detach().numpy() for name, p in theirs.named_parameters()}
    case.same(dict(ours.state_dict()), expected, given=_SETTINGS, tolerance=1e-6)


@LOOP.check("every step is counted and watched once, with its loss and the norm before clipping")
def _(fit, case):
    ours, _, inputs, targets = _problem(case)
    seen = []

    def watch(step, numbers):
        seen.append([step, *sorted(numbers)])

    state = fit(ours, _loss_of(ours, inputs, targets), ArrayTraining(**_SETTINGS), watch=watch)
    expected = [[step, "loss", "norm"] for step in range(1, 6)]
    case.same([seen, state.done], [expected, 5], given=_SETTINGS)


@LOOP.check("stopped and gone on with, it is as if it had never stopped", tier="deep")
def _(fit, case):
    ours, theirs, inputs, targets = _problem(case)
    loss_of, config = _loss_of(ours, inputs, targets), ArrayTraining(**_SETTINGS)
    state = beginning(ours, config)

    def stop_after_two(step, numbers):
        if step == 2:
            raise KeyboardInterrupt

    with contextlib.suppress(KeyboardInterrupt):
        fit(ours, loss_of, config, state=state, watch=stop_after_two)
    state = fit(ours, loss_of, config, state=state)
    case.same(state.losses, _expected(theirs, inputs, targets), given=_SETTINGS, tolerance=1e-6)


@LOOP.check("a loss that is no number is refused before it reaches the weights", tier="deep")
def _(fit, case):
    ours, _, inputs, targets = _problem(case)
    before = {name: array.copy() for name, array in ours.state_dict().items()}
    targets[0] = math.nan
    config = ArrayTraining(**_SETTINGS)
    says = "a loss of NaN was gone on with"
    case.refuses(lambda: fit(ours, _loss_of(ours, inputs, targets), config).done, says=says)
    case.same(dict(ours.state_dict()), before, says="the weights changed")


def _trained(model, loss_of, config, state, watch, *, clips=True, forgets=True, falls=True):
    """The loop, with what a wrong one leaves out."""
    state = state or beginning(model, config)
    while state.done < config.steps:
        share = (1 + math.cos(math.pi * (state.done + 1) / (config.steps + 1))) / 2
        state.optimizer.lr = config.lr * (share if falls else 1.0)
        if forgets:
            state.optimizer.zero_grad()
        loss = loss_of(state.done)
        loss.backward()
        found = [p.grad.data for p in model.parameters()]
        norm = float(np.sqrt(sum(np.vdot(g, g) for g in found)))
        for gradient in found if clips and norm > config.clip else []:
            gradient *= config.clip / norm
        _counted_step(state, loss, norm, watch)
    return state


def _counted_step(state, loss, norm, watch):
    state.optimizer.step()
    state.done += 1
    state.losses.append(loss.item())
    if watch is not None:
        watch(state.done, {"loss": loss.item(), "norm": norm})


@LOOP.mistake(
    "the gradients of the step before are not forgotten: backward() adds to them. Where is "
    "zero_grad()?",
    caught_by="the losses of five steps are those of the loop written out in torch",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    return _trained(model, loss_of, config, state, watch, forgets=False)


@LOOP.mistake(
    "the gradient is not clipped: one odd batch moves the weights as far as it likes",
    caught_by="the losses of five steps are those of the loop written out in torch",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    return _trained(model, loss_of, config, state, watch, clips=False)


@LOOP.mistake(
    "the learning rate stays what it was: set it in every step, before the optimizer's step",
    caught_by="the losses of five steps are those of the loop written out in torch",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    return _trained(model, loss_of, config, state, watch, falls=False)


@LOOP.mistake(
    "the loss goes backward and nothing moves: where is the optimizer's step()?",
    caught_by="the losses of five steps are those of the loop written out in torch",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    still = beginning(model, config)
    for step in range(config.steps):
        still.losses.append(loss_of(step).item())
    return still


@LOOP.mistake(
    "it begins at step 0 again, with averages of its own: what was given as `state` is not used",
    caught_by="stopped and gone on with, it is as if it had never stopped",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    return _trained(model, loss_of, config, None, watch)


@LOOP.mistake(
    "a loss of NaN trains on: one step, and every weight is NaN",
    caught_by="a loss that is no number is refused before it reaches the weights",
)
def _(model, loss_of, config, *, state=None, watch=None, progress=None):
    return TrainingState(optimizer=beginning(model, config).optimizer, done=config.steps)


RATE = Exercise(
    "schedule",
    of="groundup.optimizers.schedules:schedule",
    title="The learning rate's course",
    minutes=25,
    hints=(
        "Three stretches: it rises, it stays (wsd alone), it falls. Where does each begin?",
        "Warm-up: (step + 1) / warmup. Then x goes from 0 to nearly 1 along what is left; wsd "
        "begins to fall `decay` of all steps before the end, the others right after warm-up.",
        "begin = warmup, or max(warmup, total - ceil(decay * total)) for wsd; x = max(0, step - "
        "begin + 1) / (max(1, total - begin) + 1), at most 1; then the kind's formula with floor.",
    ),
)


def _course(schedule, total, **settings):
    return [schedule(step, total, **settings) for step in range(total)]


@RATE.check("it rises evenly in the warm-up, and the first step's rate is not 0")
def _(schedule, case):
    warmup = case.integer(3, 6)
    given = {"total": 20, "warmup": warmup, "kind": "constant"}
    expected = [min(1.0, (step + 1) / warmup) for step in range(20)]
    case.same(_course(schedule, **given), expected, given=given)


@RATE.check("a cosine falls along what the warm-up leaves")
def _(schedule, case):
    warmup = case.integer(1, 3)
    given = {"total": warmup + 4, "warmup": warmup, "kind": "cosine"}
    fall = [(1 + math.cos(math.pi * n / 5)) / 2 for n in (1, 2, 3, 4)]
    case.same(_course(schedule, **given)[warmup:], fall, given=given)


@RATE.check("wsd stays at 1, and falls along the last share of all steps")
def _(schedule, case):
    total = 10 * case.integer(1, 2)
    given = {"total": total, "warmup": 2, "kind": "wsd", "decay": 0.5}
    half = total // 2
    fall = [1 - n / (half + 1) for n in range(1, half + 1)]
    expected = [0.5] + [1.0] * (half - 1) + fall
    case.same(_course(schedule, **given), expected, given=given)


@RATE.check("it falls to the floor, not to 0", tier="deep")
def _(schedule, case):
    floor = case.integer(1, 5) / 10
    for kind, share in (("cosine", (1 + math.cos(math.pi * 2 / 3)) / 2), ("linear", 1 / 3)):
        given = {"step": 1, "total": 2, "kind": kind, "floor": floor}
        case.same(schedule(**given), floor + (1 - floor) * share, given=given)


@RATE.check("wsd_sqrt falls as 1 - the root of x", tier="deep")
def _(schedule, case):
    given = {"total": 10, "kind": "wsd_sqrt", "decay": 0.4, "floor": case.integer(0, 5) / 10}
    fall = [1 - (1 - given["floor"]) * math.sqrt(n / 5) for n in (1, 2, 3, 4)]
    case.same(_course(schedule, **given), [1.0] * 6 + fall, given=given)


@RATE.check("no step has a rate of 0, even where nothing is left after the warm-up", tier="deep")
def _(schedule, case):
    given = {"total": case.integer(1, 4), "warmup": 1, "kind": "linear", "decay": 1.0}
    total = given["total"]
    expected = [1.0, *(1 - n / total for n in range(1, total))]
    case.same(_course(schedule, **given), expected, given=given)


def _wrong_rate(step, total, warmup, kind, decay, floor, *, early=0, full=False):
    if step < warmup:
        return (step + 1 - early) / warmup
    begin = warmup if not full else 0
    if kind in ("wsd", "wsd_sqrt"):
        begin = max(warmup, total - math.ceil(decay * total))
    x = min(1.0, max(0, step - begin + 1) / (max(1, total - begin) + 1))
    if kind == "constant":
        return 1.0
    if kind == "cosine":
        return floor + (1 - floor) * (1 + math.cos(math.pi * x)) / 2
    return 1 - (1 - floor) * (math.sqrt(x) if kind == "wsd_sqrt" else x)


@RATE.mistake(
    "the warm-up begins at 0: the first step then changes nothing. It is (step + 1) / warmup",
    caught_by="it rises evenly in the warm-up, and the first step's rate is not 0",
)
def _(step, total, *, warmup=0, kind="wsd", decay=0.2, floor=0.0):
    return _wrong_rate(step, total, warmup, kind, decay, floor, early=1)


@RATE.mistake(
    "the fall is measured from step 0: right after the warm-up the rate jumps down. It begins "
    "where the warm-up ends",
    caught_by="a cosine falls along what the warm-up leaves",
)
def _(step, total, *, warmup=0, kind="wsd", decay=0.2, floor=0.0):
    return _wrong_rate(step, total, warmup, kind, decay, floor, full=True)


@RATE.mistake(
    "the floor is not used: it falls to 0",
    caught_by="it falls to the floor, not to 0",
)
def _(step, total, *, warmup=0, kind="wsd", decay=0.2, floor=0.0):
    return _wrong_rate(step, total, warmup, kind, decay, 0.0)


@RATE.mistake(
    "the floor cuts the fall off: the rate should reach it at the end, on a gentler slope",
    caught_by="it falls to the floor, not to 0",
)
def _(step, total, *, warmup=0, kind="wsd", decay=0.2, floor=0.0):
    return max(floor, _wrong_rate(step, total, warmup, kind, decay, 0.0))


@RATE.mistake(
    "wsd falls from the warm-up on: it stays until `decay` of all steps are left",
    caught_by="wsd stays at 1, and falls along the last share of all steps",
)
def _(step, total, *, warmup=0, kind="wsd", decay=0.2, floor=0.0):
    return _wrong_rate(step, total, warmup, kind, 1.0, floor)


ACCUMULATE = Exercise(
    "accumulate",
    of="groundup.train.accumulate:accumulate",
    title="A batch in pieces, with the gradient of the whole",
    minutes=30,
    hints=(
        "Two pieces, one with 10 targets that count and one with 90. What is the mean of the whole "
        "in terms of the two means?",
        "Each piece's mean loss weighs as its share of all counted targets. `backward` adds to "
        ".grad, so the pieces' gradients add up to the whole's. Pieces without targets: skip.",
        "in_all = (targets != IGNORED).sum(); for each piece: here = its count; share = "
        "loss(x, y) * (here / in_all); torch.autograd.backward(share); total += share.detach().",
    ),
)


def _uneven(case):
    """A weight, its loss (mean squared distance of the counted targets), an uneven batch."""
    weight = case.tensor(1).requires_grad_()
    inputs = case.tensor(4, 3)
    targets = torch.from_numpy(case.integers(0, 5, 4, 3))
    targets[0, 1:] = targets[1, :2] = -100

    def loss(x, y):
        counts = y != -100
        return ((weight * x - y).square() * counts).sum() / counts.sum()

    return weight, loss, (inputs, targets)


def _after(accumulate, weight, loss, batch, micro_batch):
    weight.grad = None
    total = accumulate(loss, batch, micro_batch=micro_batch, context=contextlib.nullcontext)
    return {"loss": total.double(), "gradient": weight.grad}


def _whole(weight, loss, batch):
    mean = loss(*batch)
    return {"loss": mean.detach(), "gradient": torch.autograd.grad(mean, weight)[0]}


def _compare(accumulate, case, micro_batch, change=lambda targets: None):
    weight, loss, batch = _uneven(case)
    change(batch[1])
    given = {"targets": batch[1], "micro_batch": micro_batch}
    expected = _whole(weight, loss, batch)
    got = _after(accumulate, weight, loss, batch, micro_batch)
    case.same(got, expected, given=given, tolerance=1e-6)


@ACCUMULATE.check("all at once it is the plain loss and its gradient")
def _(accumulate, case):
    _compare(accumulate, case, None)


@ACCUMULATE.check("in pieces with unequal numbers of targets it is the same")
def _(accumulate, case):
    _compare(accumulate, case, 2)


@ACCUMULATE.check("a last piece that is smaller weighs what it holds", tier="deep")
def _(accumulate, case):
    _compare(accumulate, case, 3)


def _forget_one(targets):
    targets[2] = -100


@ACCUMULATE.check("a piece in which no target counts adds nothing, and no NaN", tier="deep")
def _(accumulate, case):
    _compare(accumulate, case, 1, _forget_one)


@ACCUMULATE.check("a batch in which nothing counts is refused", tier="deep")
def _(accumulate, case):
    weight, loss, (inputs, targets) = _uneven(case)
    nothing = (inputs, torch.full_like(targets, -100))
    says = "a batch without targets was trained on"
    case.refuses(lambda: _after(accumulate, weight, loss, nothing, 2), says=says)


def _in_pieces(loss, batch, micro_batch, share_of, *, keeps_graph=True):
    inputs, targets = batch
    size = micro_batch or len(inputs)
    pieces = [(inputs[i : i + size], targets[i : i + size]) for i in range(0, len(inputs), size)]
    total = torch.zeros((), dtype=inputs.dtype)
    for x, y in pieces:
        share = loss(x, y) * share_of(y, targets, len(pieces))
        share.backward()
        total += share.detach()
    return total


def _of_targets(y, targets, count):
    return (y != -100).sum() / (targets != -100).sum()


@ACCUMULATE.mistake(
    "the mean of the pieces' means: a target in a piece with few of them then weighs more",
    caught_by="in pieces with unequal numbers of targets it is the same",
)
def _(loss, batch, *, micro_batch, context):
    return _in_pieces(loss, batch, micro_batch, lambda y, targets, count: 1 / count)


@ACCUMULATE.mistake(
    "the pieces' losses are added up undivided: the gradient grows with the number of pieces",
    caught_by="in pieces with unequal numbers of targets it is the same",
)
def _(loss, batch, *, micro_batch, context):
    return _in_pieces(loss, batch, micro_batch, lambda y, targets, count: 1)


@ACCUMULATE.mistake(
    "a piece weighs as its share of the sequences: it is the targets that count, not the rows",
    caught_by="a last piece that is smaller weighs what it holds",
)
def _(loss, batch, *, micro_batch, context):
    def by_rows(y, targets, count):
        return len(y) / len(targets)

    return _in_pieces(loss, batch, micro_batch, by_rows)


@ACCUMULATE.mistake(
    "a piece without targets has the mean 0/0: NaN times 0 is NaN. Skip it",
    caught_by="a piece in which no target counts adds nothing, and no NaN",
)
def _(loss, batch, *, micro_batch, context):
    return _in_pieces(loss, batch, micro_batch, _of_targets)
