"""Torch's own samples of its operators, run on our Tensor: the same numbers, or a refusal.

Torch hands its functions over to our Tensor, so each of its samples can be given to both. What we
do not support must be refused with an error; a number that is not torch's is a failure. Bounds as
in `test_rules`: float64 on both sides, sums of at most some thousand terms.
"""

import warnings

import numpy as np
import pytest
import torch

from groundup.autograd.record import gradients
from groundup.autograd.tensor import Tensor

pytestmark = pytest.mark.slow

NAMES = [
    "abs",
    "neg",
    "exp",
    "expm1",
    "log",
    "log1p",
    "sqrt",
    "rsqrt",
    "reciprocal",
    "square",
    "sin",
    "cos",
    "tanh",
    "sigmoid",
    "erf",
    "sign",
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "maximum",
    "minimum",
    "matmul",
    "mm",
    "bmm",
    "mv",
    "dot",
    "sum",
    "mean",
    "amax",
    "amin",
    "logsumexp",
    "softmax",
    "log_softmax",
    "cumsum",
    "reshape",
    "view",
    "flatten",
    "unflatten",
    "permute",
    "transpose",
    "squeeze",
    "unsqueeze",
    "expand",
    "flip",
    "expand_as",
    "roll",
    "tril",
    "triu",
    "cat",
    "stack",
    "chunk",
    "split",
    "unbind",
    "unfold",
    "gather",
    "index_select",
    "masked_fill",
    "where",
    "clamp",
    "var",
    "std",
    "einsum",
    "nn.functional.relu",
    "nn.functional.leaky_relu",
    "nn.functional.gelu",
    "nn.functional.silu",
    "nn.functional.softplus",
    "nn.functional.linear",
    "nn.functional.layer_norm",
    "nn.functional.conv2d",
    "nn.functional.max_pool2d",
    "nn.functional.avg_pool2d",
    "nn.functional.pad",
    "nn.functional.cross_entropy",
    "nn.functional.scaled_dot_product_attention",
]
REFUSALS = (TypeError, ValueError, IndexError)


def database():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip(
            "torch.testing._internal.common_methods_invocations",
            reason="this torch does not ship its operators' samples",
        )
    return module.op_db


@pytest.fixture(scope="module")
def operators():
    found = {}
    for operator in database():
        found.setdefault(operator.name, []).append(operator)
    return found


def ours(value):
    if isinstance(value, torch.Tensor):
        return Tensor(value.detach().numpy().copy(), value.requires_grad)
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(ours(part) for part in value)
    return value


def flat(value):
    if isinstance(value, list | tuple):
        return [part for item in value for part in flat(item)]
    return [value]


def samples(operators, name):
    for operator in operators[name]:
        if "inplace" not in operator.variant_test_name:
            for sample in operator.sample_inputs("cpu", torch.float64, requires_grad=True):
                yield operator, sample


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_torchs_or_refused(operators, name):
    agreed = 0
    for count, (operator, sample) in enumerate(samples(operators, name)):
        if count == 100:  # max pooling has thousands
            break
        inputs = [ours(part) for part in (sample.input, sample.args)]
        settings = {key: ours(part) for key, part in sample.kwargs.items()}
        try:
            with np.errstate(all="ignore"):
                found = flat(operator(inputs[0], *inputs[1], **settings))
        except REFUSALS:
            continue
        wanted = flat(operator(sample.input, *sample.args, **sample.kwargs))
        check_values(found, wanted, sample)
        check_gradients(found, wanted, flat([*inputs]), flat([sample.input, sample.args]))
        agreed += 1
    assert agreed > 0


def check_values(found, wanted, sample):
    assert len(found) == len(wanted)
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_allclose(
            np.asarray(mine.data), theirs.detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=sample
        )
        assert mine.data.shape == tuple(theirs.shape)


def check_gradients(found, wanted, inputs, references):
    """Of a random weighting of the first result, with respect to every input that wants one."""
    y, expected = found[0], wanted[0]
    pairs = [
        (mine, theirs)
        for mine, theirs in zip(inputs, references, strict=True)
        if isinstance(mine, Tensor) and mine.requires_grad
    ]
    if not (y.requires_grad and expected.requires_grad and pairs):
        return
    g = np.random.default_rng(0).standard_normal(y.shape)
    with np.errstate(all="ignore"):
        mine = gradients(y, [pair[0] for pair in pairs], g)
    theirs = torch.autograd.grad(
        expected, [pair[1] for pair in pairs], torch.tensor(g), allow_unused=True
    )
    for part, reference in zip(mine, theirs, strict=True):
        known = 0.0 if reference is None else reference.numpy(force=True)
        own = 0.0 if part is None else part.data
        np.testing.assert_allclose(own, known, rtol=1e-8, atol=1e-8)
