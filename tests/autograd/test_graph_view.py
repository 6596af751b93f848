"""A record as a picture: every value once, inputs first, and text that cannot break out."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from groundup.autograd.graph_view import MOST, graph, layers, to_dot, to_mermaid, to_svg
from groundup.autograd.scalar import Value
from groundup.autograd.tensor import Tensor


def record():
    w = Tensor(np.ones((2, 3)), requires_grad=True)
    x = Tensor(np.ones((4, 3)))
    h = (x @ w.T).tanh()
    return w, x, (h * h).sum()


def test_values_come_once_and_inputs_before_results():
    w, x, loss = record()
    drawn = graph(loss, {"weight": w, "x": x})
    names = [node.name for node in drawn.nodes]
    assert sorted(names) == ["matmul", "mul", "permute", "sum", "tanh", "weight", "x"]
    assert all(a < b for a, b in drawn.edges)
    twice = [edge for edge in drawn.edges if drawn.nodes[edge[1]].name == "mul"]
    assert len(twice) == 2
    assert len(set(twice)) == 1
    by_name = {node.name: node for node in drawn.nodes}
    assert by_name["x"].is_leaf
    assert not by_name["x"].wants_gradient
    assert by_name["weight"].wants_gradient
    assert by_name["sum"].detail == "one number, float64"


def test_every_edge_goes_to_a_later_layer():
    drawn = graph(record()[2])
    level = {number: depth for depth, row in enumerate(layers(drawn)) for number in row}
    assert all(level[a] < level[b] for a, b in drawn.edges)
    assert sum(map(len, layers(drawn))) == len(drawn.nodes)


def test_gradients_are_shown_once_they_are_there():
    w, _, loss = record()
    loss.backward(retain_graph=True)
    assert any("|gradient|" in node.detail for node in graph(loss, {"w": w}).nodes)
    loss.backward()
    with pytest.raises(ValueError, match="thrown away"):
        graph(loss)


def test_scalars_are_drawn_too():
    a = Value(2.0)
    b = a * a + 1
    b.backward()
    drawn = graph(b, {"a": a})
    assert [node.name for node in drawn.nodes].count("scalar") == 2
    assert "2, gradient 4" in [node.detail for node in drawn.nodes]


def test_a_name_cannot_break_out():
    w, _, loss = record()
    drawn = graph(loss, {'</svg><script>"&\\': w})
    root = ElementTree.fromstring(to_svg(drawn))
    assert root.tag.endswith("svg")
    assert not any(element.tag.endswith("script") for element in root.iter())
    assert "<script>" not in to_mermaid(drawn)
    lines = to_dot(drawn).splitlines()
    assert lines[0] == "digraph {"
    assert lines[-1] == "}"
    assert '\\"&' in to_dot(drawn)
    assert to_dot(drawn).count("->") == to_mermaid(drawn).count("-->") == len(drawn.edges)


def test_one_value_and_too_many():
    drawn = graph(Tensor([1.0]))
    assert len(drawn.nodes) == 1
    ElementTree.fromstring(to_svg(drawn))
    y = Tensor([1.0], requires_grad=True)
    for _ in range(MOST):
        y = y + 1
    with pytest.raises(ValueError, match="draw a smaller part"):
        graph(y)
