"""Attention as a graph, against networkx, the layers' masks, and paths counted one by one."""

import itertools

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.layers.masks import causal_mask, window_mask
from groundup.maths.attention_graph import (
    attention_edges,
    attention_flow,
    attention_rollout,
    block_adjacency,
    causal_adjacency,
    layers_needed,
    prefix_adjacency,
    reachable,
    receptive_field,
    window_adjacency,
    with_global_tokens,
)

masks = st.integers(0, 7).flatmap(
    lambda n: st.lists(st.booleans(), min_size=n * n, max_size=n * n).map(
        lambda bits: np.array(bits, bool).reshape(n, n)
    )
)


def attentions(layers, positions, seed, shape=()):
    rng = np.random.default_rng(seed)
    return rng.dirichlet(np.full(positions, 0.5), (layers, *shape, positions))


@given(st.integers(0, 12), st.integers(1, 12))
def test_masks_are_those_of_the_layers(positions, window):
    causal = causal_mask(positions, positions).numpy()
    np.testing.assert_array_equal(causal_adjacency(positions), causal)
    wanted = window_mask(positions, positions, window).numpy()
    np.testing.assert_array_equal(window_adjacency(positions, window), wanted)


def test_masks_by_eye():
    np.testing.assert_array_equal(
        window_adjacency(5, 2, dilation=2).astype(int),
        [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [1, 0, 1, 0, 0], [0, 1, 0, 1, 0], [0, 0, 1, 0, 1]],
    )
    np.testing.assert_array_equal(
        block_adjacency([1, 0, 2]).astype(int), [[1, 0, 0], [0, 1, 1], [0, 1, 1]]
    )
    np.testing.assert_array_equal(
        prefix_adjacency(3, 2).astype(int), [[1, 1, 0], [1, 1, 0], [1, 1, 1]]
    )
    np.testing.assert_array_equal(
        with_global_tokens(np.eye(3, dtype=bool), [0]).astype(int),
        [[1, 1, 1], [1, 1, 0], [1, 0, 1]],
    )


@pytest.mark.reference
@given(masks, st.integers(0, 6))
def test_reach_is_distance_in_the_graph(mask, layers):
    graph = nx.from_numpy_array(mask.astype(int), create_using=nx.DiGraph)
    distance = dict(nx.all_pairs_shortest_path_length(graph))
    wanted = [[distance[t].get(s, 99) <= layers for s in graph] for t in graph]
    np.testing.assert_array_equal(
        reachable(mask, layers), np.array(wanted, bool).reshape(mask.shape)
    )
    deepest = max((d for row in distance.values() for d in row.values()), default=0)
    assert layers_needed(mask) == deepest


@given(st.integers(1, 40), st.integers(1, 9), st.integers(0, 9))
def test_the_receptive_field_of_a_window_has_a_formula(positions, window, layers):
    wanted = np.minimum(np.arange(positions) + 1, layers * (window - 1) + 1)
    field = receptive_field(window_adjacency(positions, window), layers)
    np.testing.assert_array_equal(field, wanted)


def test_depth_of_famous_masks():
    assert layers_needed(causal_adjacency(50)) == 1
    assert layers_needed(window_adjacency(50, 8)) == 7
    hub = with_global_tokens(np.eye(50, dtype=bool), [0])
    assert layers_needed(hub) == 2
    assert receptive_field(block_adjacency([20, 30]), 9).tolist() == [20] * 20 + [30] * 30


@settings(max_examples=40)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_rollout_is_the_sum_over_all_paths(layers, positions, seed):
    """Products of 3 and sums of at most 64 terms, all within [0, 1]: 100 eps."""
    weights = attentions(layers, positions, seed)
    wanted = np.zeros((positions, positions))
    for path in itertools.product(range(positions), repeat=layers + 1):
        share = 1.0
        for layer, (s, t) in enumerate(itertools.pairwise(path)):
            share *= 0.5 * weights[layer, t, s] + 0.5 * (t == s)
        wanted[path[-1], path[0]] += share
    np.testing.assert_allclose(attention_rollout(weights), wanted, atol=100 * 2.3e-16)


def test_rollout_averages_heads_stays_stochastic_and_keeps_the_mask():
    weights = attentions(4, 6, 0, (3,))
    rollout = attention_rollout(weights)
    np.testing.assert_allclose(rollout, attention_rollout(weights.mean(axis=1)))
    np.testing.assert_allclose(rollout.sum(axis=1), 1)
    np.testing.assert_array_equal(attention_rollout(weights, residual=1.0), np.eye(6))
    causal = weights[:, 0] * causal_adjacency(6)
    causal /= causal.sum(axis=-1, keepdims=True)
    assert not attention_rollout(causal)[~reachable(causal_adjacency(6), 4)].any()


@pytest.mark.reference
@settings(max_examples=20)
@given(st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_flow_is_networkxs(layers, positions, seed):
    weights = attentions(layers, positions, seed)
    pipes = nx.DiGraph()
    for depth, layer in enumerate(weights):
        for t, s in itertools.product(range(positions), repeat=2):
            pipes.add_edge((depth + 1, t), (depth, s), capacity=(layer[t, s] + (t == s)) / 2)
    flow = attention_flow(weights, positions - 1)
    assert len(attention_flow(weights, 0)) == positions
    top = (layers, positions - 1)
    wanted = [nx.maximum_flow_value(pipes, top, (0, s)) for s in range(positions)]
    np.testing.assert_allclose(flow, wanted, atol=1e-12)
    assert (flow <= 1 + 1e-12).all()
    assert (flow >= attention_rollout(weights)[-1] - 1e-12).all(), "rollout is one way to flow"


def test_edges_and_matrix_are_the_same_thing():
    weights = attentions(1, 5, 1)[0]
    np.testing.assert_array_equal(attention_edges(weights).matrix(), weights)
    few = attention_edges(weights, least=0.3)
    assert all(weight >= 0.3 for _, _, weight in few.edges())
    assert len(few) == 5


def test_what_is_no_attention_is_refused():
    with pytest.raises(ValueError, match="row 0 of P sums to 2"):
        attention_edges([[1.0, 1.0], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"layers x \[heads x\] T x T"):
        attention_rollout(np.eye(3))
    with pytest.raises(ValueError, match=r"layers x \[heads x\] T x T"):
        attention_rollout(np.zeros((0, 3, 3)))
    with pytest.raises(ValueError, match="residual is 1"):
        attention_rollout([np.eye(3)], residual=1.5)
    with pytest.raises(ValueError, match="position is 3"):
        attention_flow([np.eye(3)], 3)
    with pytest.raises(ValueError, match="dtype float64"):
        reachable(np.eye(3), 1)
    with pytest.raises(ValueError, match="wanted T x T"):
        receptive_field(np.ones((2, 3), bool), 1)
    with pytest.raises(ValueError, match="layers is -1"):
        reachable(np.eye(3, dtype=bool), -1)
    with pytest.raises(ValueError, match="window is 0"):
        window_adjacency(3, 0)
    with pytest.raises(ValueError, match="positions is -1"):
        causal_adjacency(-1)
    with pytest.raises(ValueError, match="length is -2"):
        block_adjacency([1, -2])
    with pytest.raises(ValueError, match="prefix is -1"):
        prefix_adjacency(3, -1)
