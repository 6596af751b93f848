"""Random targets for the tests of metrics: few samples, ties, rare classes, weights with zeros."""

import warnings

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

few = settings(max_examples=40)
"""scikit-learn checks its input for a millisecond or two a call; many metrics are compared."""


@st.composite
def label_pairs(draw, *, classes=4, least=1, text=False):
    """(y_true, y_pred, sample_weight or None); any class may be missing on either side."""
    count = draw(st.integers(least, 12))
    kinds = draw(st.integers(1, classes))
    labels = st.lists(st.integers(0, kinds - 1), min_size=count, max_size=count)
    true, predicted = np.array(draw(labels)), np.array(draw(labels))
    if text and draw(st.booleans()):
        names = np.array(["ant", "bee", "cat", "dog"])
        true, predicted = names[true], names[predicted]
    return true, predicted, draw(weights(count))


def weights(count):
    """None, or weights of which some may be 0 but not all."""
    some = st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.25]), min_size=count, max_size=count)
    return st.none() | some.filter(any).map(np.array)


@st.composite
def scored(draw, *, both=True, least=2, weighted=True):
    """(y_true of 0 and 1, y_score with ties, weights); both classes occur with weight, or not."""
    count = draw(st.integers(least, 14))
    true = np.array(draw(st.lists(st.integers(0, 1), min_size=count, max_size=count)))
    score = np.array(
        draw(st.lists(st.integers(-4, 4).map(lambda k: k / 4), min_size=count, max_size=count))
    )
    weight = draw(weights(count)) if weighted else None
    if both:
        true[:2] = [0, 1]
        if weight is not None:
            weight[:2] = [1.0, 0.5]
    return true, score, weight


@st.composite
def probabilities(draw, *, classes=3, least=1):
    """(y_true, rows of probabilities, weights): every class occurs among the first samples."""
    count = draw(st.integers(max(least, classes), 12))
    rows = st.lists(st.integers(0, 5), min_size=classes, max_size=classes).filter(any)
    proba = np.array(draw(st.lists(rows, min_size=count, max_size=count)), float)
    true = np.array(draw(st.lists(st.integers(0, classes - 1), min_size=count, max_size=count)))
    true[:classes] = range(classes)
    return true, proba / proba.sum(axis=1, keepdims=True), draw(weights(count))


def quiet(function, *args, **kwargs):
    """The function's value with its warnings thrown away."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **kwargs)
