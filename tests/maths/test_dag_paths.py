"""Three dynamic programmes, each against the shortest path in its graph and against brute force."""

import itertools
import math

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.graph_family import few, graphs

from groundup.maths.components import CycleError
from groundup.maths.dag_paths import (
    best_segmentation,
    dag_shortest,
    edit_distance,
    edit_graph,
    viterbi,
)
from groundup.maths.graphs import Graph
from groundup.maths.shortest_paths import bellman_ford

words = st.text("ab", max_size=6)


@pytest.mark.reference
@few
@given(graphs(directed=True, weights=st.integers(-9, 9)))
def test_without_cycles_it_is_bellman_fords_answer(pair):
    ours, theirs = pair
    for source in ours:
        if nx.is_directed_acyclic_graph(theirs):
            wanted = nx.single_source_bellman_ford_path_length(theirs, source)
            assert dag_shortest(ours, source).distances == wanted
            assert bellman_ford(ours, source).distances == wanted
        else:
            with pytest.raises(CycleError):
                dag_shortest(ours, source)


@settings(max_examples=60)
@given(words, words)
def test_edit_distance_is_a_shortest_path(a, b):
    found = dag_shortest(edit_graph(a, b), (0, 0))
    distance = edit_distance(a, b)
    assert found.distances[len(a), len(b)] == distance
    assert len(found.path((len(a), len(b)))) >= max(len(a), len(b)) + 1


@few
@given(words, words, words)
def test_edit_distance_is_a_distance(a, b, c):
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a)
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)
    assert abs(len(a) - len(b)) <= edit_distance(a, b) <= max(len(a), len(b))


def test_known_distances():
    assert edit_distance("kitten", "sitting") == 3
    assert edit_distance("intention", "execution") == 5
    assert edit_distance("", "abc") == 3
    assert edit_distance(["to", "be"], ["or", "not", "to", "be"]) == 2


@few
@given(words, st.dictionaries(st.text("ab", min_size=1, max_size=3), st.integers(-3, 9)))
def test_segmentation_is_the_cheapest_of_all(text, costs):
    def ways(rest):
        if not rest:
            yield []
        for end in range(1, len(rest) + 1):
            if rest[:end] in costs:
                yield from ([rest[:end], *way] for way in ways(rest[end:]))

    totals = [sum(costs[piece] for piece in way) for way in ways(text)]
    if not totals:
        with pytest.raises(ValueError, match="no pieces spell"):
            best_segmentation(text, costs)
        return
    pieces, total = best_segmentation(text, costs)
    assert "".join(pieces) == text
    assert total == min(totals) == sum(costs[piece] for piece in pieces)


def test_segmentation_is_a_shortest_path():
    costs = {"a": 2.0, "b": 2.0, "ab": 3.0, "aba": 3.5}
    text = "ababa"
    places = Graph(directed=True)
    for start, end in itertools.combinations(range(len(text) + 1), 2):
        if text[start:end] in costs:
            places.add_edge(start, end, costs[text[start:end]])
    assert dag_shortest(places, 0).distances[5] == best_segmentation(text, costs)[1]


@settings(max_examples=60)
@given(st.integers(1, 3), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_viterbi_is_the_best_of_all_paths(states, times, seed):
    """Sums of at most 10 logs of size at most 10: off by 10 x 10 x 10 eps at most."""
    rng = np.random.default_rng(seed)
    start, step, seen = (
        np.log(rng.dirichlet(np.ones(states), shape)).reshape(*shape, states)
        for shape in ((), (states,), (times,))
    )

    def score(path):
        moves = sum(step[a, b] for a, b in itertools.pairwise(path))
        return start[path[0]] + moves + sum(seen[t, s] for t, s in enumerate(path))

    path, value = viterbi(start, step, seen)
    best = max(score(p) for p in itertools.product(range(states), repeat=times))
    assert value == pytest.approx(best, abs=1000 * 2.3e-16)
    assert score(path) == pytest.approx(best, abs=1000 * 2.3e-16)


def test_viterbi_of_the_textbooks_fever():
    """Healthy or fever, from normal, cold, dizzy: the example of Wikipedia's article."""
    start = np.log([0.6, 0.4])
    step = np.log([[0.7, 0.3], [0.4, 0.6]])
    emit = np.log([[0.5, 0.4, 0.1], [0.1, 0.3, 0.6]])
    path, value = viterbi(start, step, emit[:, [0, 1, 2]].T)
    assert path == [0, 0, 1]
    assert math.exp(value) == pytest.approx(0.01512)


def test_viterbi_refuses_what_it_cannot_walk():
    with pytest.raises(ValueError, match="wanted \\(states,\\)"):
        viterbi([0.0], [[0.0, 0.0]], [[0.0]])
    with pytest.raises(ValueError, match="at least one state and one time"):
        viterbi([0.0], [[0.0]], np.zeros((0, 1)))
    with pytest.raises(ValueError, match="emissions holds nan"):
        viterbi([0.0], [[0.0]], [[np.nan]])
    with pytest.raises(ValueError, match="no path of states"):
        viterbi([-np.inf], [[0.0]], [[0.0]])
