"""PageRank against networkx, stationary distributions against their equation and eigenvectors."""

from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.maths.graph_family import graphs

from groundup.maths.convergence import ConvergenceWarning
from groundup.maths.graphs import Graph
from groundup.maths.pagerank import (
    pagerank,
    random_walk,
    stationary_distribution,
    stochastic_matrix,
    transition_matrix,
)


@pytest.mark.reference
@settings(max_examples=60)
@given(graphs(weights=st.integers(1, 9)), st.sampled_from([0.0, 0.5, 0.85, 0.99]), st.booleans())
def test_pagerank_is_networkxs(pair, damping, shifted):
    """Both stop within 1e-10 of the answer in the 1-norm (networkx asks n x tol of a step)."""
    ours, theirs = pair
    if not len(ours):
        return
    teleport = np.arange(1, len(ours) + 1) if shifted else np.ones(len(ours))
    personal = dict(zip(ours, teleport.tolist(), strict=True))
    wanted = nx.pagerank(theirs, damping, personal, max_iter=5000, tol=1e-14)
    rank = pagerank(ours, damping, teleport=teleport, max_iterations=5000)
    assert rank.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(rank, [wanted[node] for node in ours], rtol=0, atol=3e-10)
    np.testing.assert_allclose(
        pagerank(ours.matrix(), damping, teleport=teleport, max_iterations=5000), rank, atol=1e-14
    )


def test_pagerank_solves_its_linear_system():
    rng = np.random.default_rng(3)
    links = rng.random((30, 30)) * (rng.random((30, 30)) < 0.1)
    dangling = ~links.any(axis=1)
    assert dangling.any()
    google = 0.9 * transition_matrix(links) + 0.1 / 30
    np.testing.assert_allclose(pagerank(links, 0.9), stationary_distribution(google), atol=1e-10)


def test_pagerank_stops_within_its_tolerance():
    """A walk that changes sides once in a hundred steps: each step takes 2 % off the error."""
    links = [[0.99, 0.01], [0, 1]]
    exact = stationary_distribution(0.99 * transition_matrix(links) + 0.01 / 2)
    found = pagerank(links, 0.99, tol=1e-6, max_iterations=5000)
    assert 1e-7 < np.abs(found - exact).sum() <= 1e-6


def test_pagerank_says_when_it_did_not_arrive():
    with pytest.warns(ConvergenceWarning, match="raise max_iterations"):
        pagerank([[0, 1, 0], [0, 0, 1], [0, 0, 0]], 0.99, max_iterations=2)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_the_scale_of_weights_does_not_matter(scale):
    links = np.array([[0, 1, 2.0], [3, 0, 0], [1, 1, 0]])
    np.testing.assert_allclose(pagerank(links * scale), pagerank(links), rtol=1e-12)
    np.testing.assert_allclose(transition_matrix(links * scale), transition_matrix(links))


@settings(max_examples=60)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1))
def test_stationary_is_left_alone_by_the_walk(states, seed):
    """n terms of size at most 1 a sum: off by 8 n eps."""
    P = np.random.default_rng(seed).dirichlet(np.full(states, 0.3), states)
    P = transition_matrix(P + 1e-12)
    stationary = stationary_distribution(P)
    assert (stationary > 0).all()
    assert stationary.sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(stationary @ P, stationary, atol=8 * states * 2.3e-16, rtol=1e-12)


def test_rare_states_are_right_to_the_last_digit():
    """A birth-death walk: the exact answer in fractions, down to 1e-45."""
    up, down = Fraction(1, 2**10), Fraction(1, 2)
    n = 16
    P = np.zeros((n, n))
    for i in range(n):
        P[i, min(i + 1, n - 1)] += float(up)
        P[i, max(i - 1, 0)] += float(down)
        P[i, i] += float(1 - up - down)
    ratio = up / down
    total = sum(ratio**i for i in range(n))
    exact = [float(ratio**i / total) for i in range(n)]
    np.testing.assert_allclose(stationary_distribution(P), exact, rtol=n * 4 * 2.3e-16)


@pytest.mark.reference
def test_it_is_the_leading_left_eigenvector():
    P = np.random.default_rng(0).dirichlet(np.ones(12), 12)
    values, vectors = np.linalg.eig(P.T)
    leading = vectors[:, np.argmax(values.real)].real
    np.testing.assert_allclose(stationary_distribution(P), leading / leading.sum(), rtol=1e-10)


def test_states_that_are_left_for_good_get_nothing():
    P = [[0.5, 0.5, 0], [0, 0, 1], [0, 1, 0]]
    np.testing.assert_allclose(stationary_distribution(P), [0, 0.5, 0.5])
    with pytest.raises(ValueError, match="2 different sets of states"):
        stationary_distribution(np.eye(2))


def test_a_walk_visits_states_as_often_as_the_stationary_distribution_says():
    """20,000 steps of a fast-mixing walk: each share within 5 standard errors, at a fixed seed."""
    P = np.array([[0.1, 0.6, 0.3], [0.4, 0.2, 0.4], [0.3, 0.3, 0.4]])
    walk = random_walk(P, 0, 20_000, rng=1)
    share = np.bincount(walk, minlength=3) / len(walk)
    np.testing.assert_allclose(share, stationary_distribution(P), atol=5 * 0.5 / 20_000**0.5)
    assert walk[0] == 0
    assert list(random_walk([[0, 1], [1, 0]], 0, 4, rng=0)) == [0, 1, 0, 1, 0]


def test_what_is_no_walk_is_refused():
    with pytest.raises(ValueError, match="damping is 1"):
        pagerank(np.ones((2, 2)), 1.0)
    with pytest.raises(ValueError, match="negative or infinite"):
        pagerank([[0, -1], [1, 0]])
    with pytest.raises(ValueError, match="negative or infinite"):
        pagerank(Graph([(0, 1, np.inf)]))
    with pytest.raises(ValueError, match="no nodes"):
        pagerank(Graph())
    with pytest.raises(ValueError, match="square"):
        pagerank(np.ones((2, 3)))
    with pytest.raises(ValueError, match="teleport"):
        pagerank(np.ones((2, 2)), teleport=[1, 2, 3])
    with pytest.raises(ValueError, match="teleport has negative"):
        pagerank(np.ones((2, 2)), teleport=[1, -1])
    with pytest.raises(ValueError, match="row 1 of P sums to 2"):
        stochastic_matrix([[0.5, 0.5], [1, 1]])
    with pytest.raises(ValueError, match="negative"):
        stochastic_matrix([[1.5, -0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match="at least one state"):
        stochastic_matrix(np.zeros((0, 0)))
    with pytest.raises(ValueError, match="negative"):
        transition_matrix([[-1, 2], [1, 1]])
    with pytest.raises(ValueError, match="square"):
        transition_matrix(np.ones((2, 3)))
    with pytest.raises(ValueError, match="wanted a state below 2"):
        random_walk(np.eye(2), 2, 1)
