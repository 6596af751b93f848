"""Torch's own samples of its modules, run on ours with the same weights: the same numbers.

A sample we do not take is named by `why_not` with its reason, and how many were compared is
counted. Bounds as in `test_rules`: float64 on both sides, sums of at most some thousand terms.
"""

import warnings

import numpy as np
import pytest
import torch

from groundup.autograd.convolutional import AvgPool2d, Conv1d, Conv2d, MaxPool2d
from groundup.autograd.linear import Embedding, Linear
from groundup.autograd.normalization import BatchNorm, LayerNorm
from groundup.autograd.record import gradients
from groundup.autograd.recurrent import GRU, LSTM, RNN
from groundup.autograd.tensor import Tensor

RNG = np.random.default_rng(0)


def conv2d(m):
    settings = {"stride": m.stride, "padding": m.padding, "groups": m.groups}
    has_bias = m.bias is not None
    return Conv2d(m.in_channels, m.out_channels, m.kernel_size, rng=RNG, **settings,
                  has_bias=has_bias)  # fmt: skip


def conv1d(m):
    settings = {"stride": m.stride[0], "padding": m.padding[0]}
    return Conv1d(m.in_channels, m.out_channels, m.kernel_size[0], rng=RNG, **settings)


def recurrent(kind):
    return lambda m: kind(
        m.input_size, m.hidden_size, rng=RNG, layers=m.num_layers, bidirectional=m.bidirectional
    )


def linear(m):
    return Linear(m.in_features, m.out_features, rng=RNG, has_bias=m.bias is not None)


def batch_norm(m):
    return BatchNorm(m.num_features, eps=m.eps, momentum=m.momentum)


MODULES = {  # name: (ours from torch's, dimensions of a batch, samples that are compared)
    "Linear": (linear, None, 3),
    "Embedding": (lambda m: Embedding(m.num_embeddings, m.embedding_dim, rng=RNG), None, 2),
    "Conv1d": (conv1d, 3, 2),
    "Conv2d": (conv2d, 4, 2),
    "BatchNorm1d": (batch_norm, None, 2),
    "BatchNorm2d": (batch_norm, None, 2),
    "LayerNorm": (lambda m: LayerNorm(m.normalized_shape, eps=m.eps), None, 4),
    "MaxPool2d": (lambda m: MaxPool2d(m.kernel_size, m.stride, m.padding), None, 2),
    "AvgPool2d": (lambda m: AvgPool2d(m.kernel_size, m.stride, m.padding), None, 4),
    "RNN": (recurrent(RNN), 3, 8),
    "GRU": (recurrent(GRU), 3, 8),
    "LSTM": (recurrent(LSTM), 3, 8),
}
UNSUPPORTED = {  # an attribute of torch's module: the values we take, and what the others are
    "padding_mode": (("zeros",), "borders of other than zeros"),
    "dilation": ((1, (1,), (1, 1)), "spread windows as a layer"),
    "ceil_mode": ((False,), "windows that hang over the border"),
    "return_indices": ((False,), "places of the largest"),
    "count_include_pad": ((True,), "means without the border"),
    "divisor_override": ((None,), "means by another divisor"),
    "affine": ((True,), "norms without gains"),
    "elementwise_affine": ((True,), "norms without gains"),
    "track_running_stats": ((True,), "norms without running statistics"),
    "padding_idx": ((None,), "a row without a gradient"),
    "max_norm": ((None,), "rows that are cut to a length"),
    "nonlinearity": (("tanh",), "recurrences of ReLU"),
    "proj_size": ((0,), "projected states"),
}


def why_not(module, x, dimensions):
    """The reason a sample is not for us, or None."""
    for name, (taken, reason) in UNSUPPORTED.items():
        if getattr(module, name, taken[0]) not in taken:
            return reason
    if isinstance(getattr(module, "padding", 0), str):
        return "padding by name"
    if getattr(module, "momentum", 0.1) is None:
        return "a running mean of all batches"
    bias = getattr(module, "bias", True)
    if (bias is None or bias is False) and type(module).__name__ not in ("Linear", "Conv2d"):
        return "a layer without biases"
    if getattr(module, "groups", 1) > 1 and isinstance(module, torch.nn.Conv1d):
        return "groups along a sequence"
    is_batch = dimensions is None or x.ndim == dimensions
    if is_batch and not getattr(module, "batch_first", True):
        return "positions before sequences"
    return None


@pytest.fixture(scope="module")
def modules():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = pytest.importorskip(
            "torch.testing._internal.common_modules",
            reason="this torch does not ship its modules' samples",
        )
    return {info.module_cls.__name__: info for info in found.module_db}


def first(output):
    return output[0] if isinstance(output, tuple) else output


@pytest.mark.reference
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", MODULES)
def test_every_sample_is_torchs(modules, name, training):
    make, dimensions, least = MODULES[name]
    info, agreed = modules[name], 0
    for sample in info.module_inputs_func(
        info, device="cpu", dtype=torch.float64, requires_grad=True, training=training
    ):
        build, given = sample.constructor_input, sample.forward_input
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of dropout in a single layer
            theirs = info.module_cls(*build.args, **build.kwargs).double().train(training)
        x = given.args[0] if given.args else given.kwargs["input"]
        if why_not(theirs, x, dimensions) is None:
            mine = make(theirs).to(np.float64)
            mine.load_state_dict(theirs.state_dict())
            is_alone = dimensions is not None and x.ndim < dimensions
            compare(mine.train(training), theirs, x.detach(), given.args[1:], is_alone)
            agreed += 1
    assert agreed >= least


def ours(state, is_alone):
    """A state as ours; of one example alone, layers x 1 x features."""
    if isinstance(state, tuple):
        return tuple(ours(part, is_alone) for part in state)
    array = state.detach().numpy()
    return Tensor(array[:, None] if is_alone else array)


def compare(mine, theirs, x, rest, is_alone):
    """Result, gradients of a random weighting for input and parameters, and what is kept.

    Torch takes one example alone; ours is given it as a batch of one.
    """
    is_float = x.is_floating_point()
    a, b = Tensor(x.numpy().copy(), requires_grad=is_float), x.clone().requires_grad_(is_float)
    y = first(mine(a.unsqueeze(0) if is_alone else a, *(ours(part, is_alone) for part in rest)))
    y, z = y.squeeze(0) if is_alone else y, first(theirs(b, *rest))
    assert y.shape == tuple(z.shape)
    np.testing.assert_allclose(y.data, z.detach().numpy(), rtol=1e-9, atol=1e-9)
    names = [key for key, _ in theirs.named_parameters()]
    own = dict(mine.named_parameters())
    assert set(own) == set(names)
    wanted = [b] * is_float + [part for _, part in theirs.named_parameters()]
    g = np.random.default_rng(0).standard_normal(y.shape)
    found = gradients(y, [a] * is_float + [own[key] for key in names], g)
    known = torch.autograd.grad(z, wanted, torch.tensor(g))
    for one, other in zip(found, known, strict=True):
        np.testing.assert_allclose(one.data, other.numpy(), rtol=1e-8, atol=1e-8)
    state = mine.state_dict()
    for key, kept in theirs.state_dict().items():
        np.testing.assert_allclose(state[key], kept.numpy(), rtol=1e-9, atol=1e-9)
