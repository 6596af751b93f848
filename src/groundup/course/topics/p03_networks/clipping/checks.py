"""Clipping: one factor for all gradients, so that their direction stays."""

import torch

from groundup.course.exercise import Exercise

CLIP = Exercise(
    "clip",
    of="groundup.optimizers.clipping:clip",
    title="Clip the gradient, keep its direction",
    minutes=15,
    hints=(
        "All gradients together are one long vector. How long is it, and what may change about it?",
        "The norm is the root of the sum of all squares, over all tensors. One factor for all of "
        "them: at / norm, but never more than 1.",
        "norm = global_norm(gradients); factor = (at / (norm + 1e-6)).clamp(max=1.0); return "
        "[gradient * factor for gradient in gradients], norm.",
    ),
)


def _torch_clip(gradients, at):
    parameters = [torch.zeros_like(g).requires_grad_() for g in gradients]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient.clone()
    norm = torch.nn.utils.clip_grad_norm_(parameters, at)
    return [[parameter.grad for parameter in parameters], norm]


def _two(case, scale):
    return [scale * case.tensor(2, 2), scale * case.tensor(3)]


@CLIP.check("gradients that are too long are torch's clip_grad_norm_")
def _(clip, case):
    given = {"gradients": _two(case, 10.0), "at": 1.0}
    case.same(list(clip(**given)), _torch_clip(**given), given=given)


@CLIP.check("gradients that are short enough stay as they are")
def _(clip, case):
    given = {"gradients": _two(case, 0.01), "at": 5.0}
    case.same(list(clip(**given)), _torch_clip(**given), given=given)


@CLIP.check("what comes back as the norm is that before clipping", tier="deep")
def _(clip, case):
    size = float(case.integer(2, 9))
    gradients = [torch.tensor([3.0 * size]), torch.tensor([0.0, 4.0 * size])]
    given = {"gradients": gradients, "at": 1.0}
    case.same(clip(**given)[1], torch.tensor(5 * size), given=given)


@CLIP.check("what it was given is not changed in place", tier="deep")
def _(clip, case):
    gradients = _two(case, 10.0)
    before = [gradient.clone() for gradient in gradients]
    clip(gradients, 1.0)
    case.same(gradients, before, given={"gradients": before, "at": 1.0})


@CLIP.check("gradients of zeros stay zeros", tier="deep")
def _(clip, case):
    given = {"gradients": [torch.zeros(2), torch.zeros(case.integer(1, 3))], "at": 1.0}
    case.same(list(clip(**given)), [given["gradients"], torch.tensor(0.0)], given=given)


def _norm(gradients):
    return torch.stack([g.norm() for g in gradients]).norm()


@CLIP.mistake(
    "each tensor is clipped by its own norm, so that the direction of the whole changes",
    caught_by="gradients that are too long are torch's clip_grad_norm_",
)
def _(gradients, at):
    return [g * (at / (g.norm() + 1e-6)).clamp(max=1.0) for g in gradients], _norm(gradients)


@CLIP.mistake(
    "every coordinate is cut off by itself: that is clipping by value, and turns the gradient",
    caught_by="gradients that are too long are torch's clip_grad_norm_",
)
def _(gradients, at):
    return [g.clamp(-at, at) for g in gradients], _norm(gradients)


@CLIP.mistake(
    "short gradients are stretched to the limit: the factor is never more than 1",
    caught_by="gradients that are short enough stay as they are",
)
def _(gradients, at):
    norm = _norm(gradients)
    return [g * (at / (norm + 1e-6)) for g in gradients], norm


@CLIP.mistake(
    "the norm that comes back is that after clipping: then every curve of it is flat, and a bad "
    "batch cannot be seen",
    caught_by="what comes back as the norm is that before clipping",
)
def _(gradients, at):
    clipped = [g * (at / (_norm(gradients) + 1e-6)).clamp(max=1.0) for g in gradients]
    return clipped, _norm(clipped)


@CLIP.mistake(
    "the gradients are scaled in place (*=): return new ones",
    caught_by="what it was given is not changed in place",
)
def _(gradients, at):
    norm = _norm(gradients)
    for gradient in gradients:
        gradient *= (at / (norm + 1e-6)).clamp(max=1.0)
    return gradients, norm
