"""The door of `partial_fit`: classes are named once, and rows keep their width."""

import numpy as np
import pytest

from groundup.classical.batches import check_batch
from groundup.classical.naive_bayes import GaussianNB


def test_the_first_batch_names_the_classes_and_later_ones_need_not():
    model = GaussianNB()
    rows, numbers, first = check_batch(model, [[1, 2]], ["b"], ["c", "a", "b"])
    assert first
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert rows.dtype == np.float64
    assert numbers.tolist() == [1]
    _, numbers, first = check_batch(model, [[3, 4], [5, 6]], ["c", "a"], None)
    assert not first
    assert numbers.tolist() == [2, 0]
    check_batch(model, [[3, 4]], ["c"], ["a", "b", "c"])


@pytest.mark.parametrize(
    ("X", "y", "classes", "message"),
    [
        ([[1.0]], ["a"], None, "expecting 2 features"),
        ([[1.0, 2.0]], ["a", "b"], None, "one class each"),
        ([[1.0, 2.0]], ["z"], None, r"\['z'\] in y do not exist"),
        ([[1.0, 2.0]], ["a"], ["a", "b", "c"], "not the same as on last call"),
        ([[np.nan, 2.0]], ["a"], None, "NaN"),
        ([[1.0, 2.0]], None, None, "requires y to be passed"),
    ],
)
def test_later_batches_that_do_not_fit_are_refused(X, y, classes, message):
    model = GaussianNB()
    check_batch(model, [[1, 2]], ["b"], ["a", "b"])
    with pytest.raises(ValueError, match=message):
        check_batch(model, X, y, classes)


@pytest.mark.parametrize(
    ("classes", "message"), [(None, "must be passed on the first call"), ([1], "at least two")]
)
def test_a_first_batch_without_classes_is_refused(classes, message):
    with pytest.raises(ValueError, match=message):
        check_batch(GaussianNB(), [[1.0]], [1], classes)
