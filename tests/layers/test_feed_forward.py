import pytest
import torch
import torch.nn.functional as F

from groundup.layers.activations import activation, relu2
from groundup.layers.feed_forward import FeedForward, feed_forward

FUNCTIONS = {
    "relu2": lambda x: F.relu(x) ** 2,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
}


@pytest.mark.parametrize("name", ["relu2", "gelu", "gelu_tanh"])
@pytest.mark.parametrize("has_bias", [False, True])
def test_without_a_gate_it_is_two_linear_layers(name, has_bias):
    torch.manual_seed(0)
    layer = FeedForward(6, 10, activation=name, has_bias=has_bias)
    x = torch.randn(2, 3, 6)
    torch.testing.assert_close(layer(x), layer.down(FUNCTIONS[name](layer.up(x))))
    assert layer.gate is None


def test_swiglu_multiplies_by_a_gate():
    torch.manual_seed(0)
    layer = FeedForward(6, 10, activation="swiglu")
    x = torch.randn(2, 3, 6)
    wanted = layer.down(F.silu(layer.gate(x)) * layer.up(x))
    torch.testing.assert_close(layer(x), wanted)


def test_activations_are_their_formulas():
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    torch.testing.assert_close(activation("swiglu")(x), x / (1 + (-x).exp()))
    normal = torch.distributions.Normal(0.0, 1.0).cdf(x)
    torch.testing.assert_close(activation("gelu")(x), x * normal, rtol=1e-6, atol=1e-6)
    inner = (2 / torch.pi) ** 0.5 * (x + 0.044715 * x**3)
    torch.testing.assert_close(activation("gelu_tanh")(x), x / 2 * (1 + inner.tanh()))
    assert relu2(torch.tensor([-2.0, 3.0])).tolist() == [0.0, 9.0]


def test_an_unknown_activation_is_refused_with_those_there_are():
    weight = torch.ones(2, 2)
    with pytest.raises(ValueError, match="no activation 'mish'; there are: relu2, gelu, gelu_tan"):
        feed_forward(torch.ones(2), weight, weight, activation="mish")


def test_an_adapter_on_a_weight_is_seen():
    torch.manual_seed(0)
    layer = FeedForward(4, 8, activation="swiglu")
    x = torch.randn(3, 4)
    before = layer(x)

    class Doubled(torch.nn.Module):
        def forward(self, weight):
            return 2 * weight

    torch.nn.utils.parametrize.register_parametrization(layer.down, "weight", Doubled())
    torch.testing.assert_close(layer(x), 2 * before)


def test_a_learners_function_runs(monkeypatch):
    monkeypatch.setattr(feed_forward.slot, "current", lambda x, *_: -x)
    assert FeedForward(2, 4, activation="swiglu")(torch.ones(2)).tolist() == [-1.0, -1.0]
