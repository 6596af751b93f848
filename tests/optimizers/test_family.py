"""What every optimizer must do, whatever its rule: the family's checks, run on every member."""

import copy

import pytest
import torch

from groundup.optimizers.adam import Adam
from groundup.optimizers.adamw import AdamW
from groundup.optimizers.muon import Muon
from groundup.optimizers.rmsprop import RMSprop
from groundup.optimizers.sgd import SGD

MEMBERS = {
    "sgd": lambda p: SGD(p, lr=0.05),
    "momentum": lambda p: SGD(p, lr=0.02, momentum=0.9),
    "nesterov": lambda p: SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: RMSprop(p, lr=0.01),
    "adam": lambda p: Adam(p, lr=0.05),
    "adamw": lambda p: AdamW(p, lr=0.05),
    "adamw, plain": lambda p: AdamW(p, lr=0.05, fused=False),
    "muon": lambda p: Muon(p, lr=0.05),
    "muon, one by one": lambda p: Muon(p, lr=0.05, batched=False),
}


def matrix(seed=0, shape=(4, 3), dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()


def take_steps(optimizer, parameters, count, seed=1):
    for step in range(count):
        for i, p in enumerate(parameters):
            p.grad = matrix(1000 * seed + 10 * step + i, p.shape, p.dtype).detach()
        optimizer.step()


def check_goes_downhill(make):
    goal, p = matrix(7).detach(), matrix(8)
    before = ((p - goal) ** 2).sum().item()
    optimizer = make([p])
    for _ in range(100):
        optimizer.zero_grad()
        ((p - goal) ** 2).sum().backward()
        optimizer.step()
    assert ((p - goal) ** 2).sum().item() < 0.1 * before


def check_leaves_unused_alone(make):
    unused, zero = matrix(1), matrix(2)
    before = zero.detach().clone()
    zero.grad = torch.zeros_like(zero)
    optimizer = make([unused, zero])
    optimizer.step()
    assert torch.equal(zero, before)
    assert torch.equal(unused, matrix(1))
    assert not optimizer.state[unused]


def check_keeps_gradients_and_identity(make):
    p = matrix(3)
    place, gradient = p.data_ptr(), matrix(4).detach()
    p.grad = gradient.clone()
    make([p]).step()
    assert torch.equal(p.grad, gradient)
    assert p.data_ptr() == place
    assert p.requires_grad


def check_resumes_exactly(make):
    straight = [matrix(5), matrix(6, (2, 6))]
    optimizer = make(straight)
    take_steps(optimizer, straight, 4)
    halfway = [p.detach().clone().requires_grad_() for p in straight]
    saved = copy.deepcopy(optimizer.state_dict())
    take_steps(optimizer, straight, 4, seed=2)
    resumed = make(halfway)
    resumed.load_state_dict(saved)
    take_steps(resumed, halfway, 4, seed=2)
    for p, q in zip(straight, halfway, strict=True):
        assert torch.equal(p, q)


def check_groups_have_their_own_rate(make):
    slow, fast = matrix(9), matrix(9)
    optimizer = make([{"params": [slow], "lr": 0.0}, {"params": [fast], "lr": 0.1}])
    slow.grad, fast.grad = matrix(10).detach(), matrix(10).detach()
    optimizer.step()
    assert torch.equal(slow, matrix(9))
    assert not torch.equal(fast, matrix(9))


def check_refuses_settings_out_of_range(make):
    with pytest.raises(ValueError, match=r"lr is -1\.0; it must be 0 or more"):
        make([{"params": [matrix()], "lr": -1.0}])
    with pytest.raises(ValueError, match="take no closure"):
        make([matrix()]).step(lambda: 0.0)


CHECKS = [value for name, value in sorted(globals().items()) if name.startswith("check_")]


@pytest.mark.parametrize("name", MEMBERS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_family(check, name):
    check(MEMBERS[name])


def test_averages_must_be_able_to_forget():
    with pytest.raises(ValueError, match=r"betas\[1\] is 1.0"):
        Adam([matrix()], betas=(0.9, 1.0))
    with pytest.raises(ValueError, match=r"momentum is 1\.5"):
        SGD([matrix()], momentum=1.5)
    with pytest.raises(ValueError, match=r"alpha is -0\.1"):
        RMSprop([matrix()], alpha=-0.1)
    with pytest.raises(ValueError, match="Nesterov looks ahead"):
        SGD([matrix()], nesterov=True)
    with pytest.raises(ValueError, match=r"shape \(3,\); give that one to AdamW"):
        Muon([torch.zeros(3)])
