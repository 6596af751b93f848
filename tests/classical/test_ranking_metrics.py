"""Curves, areas and ranked lists against scikit-learn; areas also against counting pairs."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs
from tests.classical.metric_family import few, probabilities, quiet, scored

from groundup.classical import ranking_metrics, retrieval_metrics
from groundup.classical.metric_targets import UndefinedMetricWarning

ours = ranking_metrics
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


@pytest.mark.reference
@few
@given(scored(both=False), st.booleans())
def test_roc_curve(sample, drop):
    true, score, weight = sample
    arguments = {"sample_weight": weight, "drop_intermediate": drop, "pos_label": 1}
    found = quiet(ours.roc_curve, true, score, **arguments)
    wanted = quiet(theirs.roc_curve, true, score, **arguments)
    for mine, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, reference, **CLOSE)


@pytest.mark.reference
@few
@given(scored(both=False))
def test_precision_recall_curve(sample):
    true, score, weight = sample
    arguments = {"sample_weight": weight, "pos_label": 1}
    found = quiet(ours.precision_recall_curve, true, score, **arguments)
    wanted = quiet(theirs.precision_recall_curve, true, score, **arguments)
    for mine, reference in zip(found, wanted, strict=True):
        np.testing.assert_allclose(mine, reference, **CLOSE)
    found = quiet(ours.average_precision_score, true, score, sample_weight=weight)
    wanted = quiet(theirs.average_precision_score, true, score, sample_weight=weight)
    assert found == pytest.approx(wanted, abs=1e-13)


@pytest.mark.reference
@few
@given(scored(), st.sampled_from([None, 0.05, 0.3, 0.99, 1.0]))
def test_area_of_two_classes(sample, max_fpr):
    true, score, weight = sample
    arguments = {"sample_weight": weight, "max_fpr": max_fpr}
    found = ours.roc_auc_score(true, score, **arguments)
    assert found == pytest.approx(theirs.roc_auc_score(true, score, **arguments), abs=1e-12)


@few
@given(scored(weighted=False))
def test_the_area_is_a_share_of_pairs(sample):
    true, score, _ = sample
    pairs = itertools.product(score[true == 1], score[true == 0])
    wins = [(a > b) + (a == b) / 2 for a, b in pairs]
    assert ours.roc_auc_score(true, score) == pytest.approx(np.mean(wins), abs=1e-14)
    assert ours.roc_auc_score(1 - true, -score) == pytest.approx(np.mean(wins), abs=1e-14)


@pytest.mark.reference
@few
@given(
    probabilities(),
    st.sampled_from([("ovr", "macro"), ("ovr", "weighted"), ("ovr", "micro"), ("ovr", None),
                     ("ovo", "macro"), ("ovo", "weighted")]),
)  # fmt: skip
def test_area_of_many_classes(sample, how):
    true, proba, weight = sample
    arguments = {"multi_class": how[0], "average": how[1]}
    if how[0] == "ovr" and weight is not None and (weight[: len(true)] > 0).all():
        arguments["sample_weight"] = weight
    found = ours.roc_auc_score(true, proba, **arguments)
    np.testing.assert_allclose(found, theirs.roc_auc_score(true, proba, **arguments), **CLOSE)


@pytest.mark.reference
@few
@given(probabilities(), st.sampled_from(["macro", "weighted", "micro", None]))
def test_average_precision_of_many_classes(sample, average):
    true, proba, _ = sample
    found = ours.average_precision_score(true, proba, average=average)
    wanted = theirs.average_precision_score(true, proba, average=average)
    np.testing.assert_allclose(found, wanted, **CLOSE)
    hot = np.eye(3, dtype=int)[true]
    np.testing.assert_allclose(
        ours.average_precision_score(hot, proba, average=average), wanted, **CLOSE
    )
    np.testing.assert_allclose(
        ours.roc_auc_score(hot, proba, average=average),
        theirs.roc_auc_score(hot, proba, average=average),
        **CLOSE,
    )


def test_labels_may_be_missing_from_the_sample_where_they_are_named():
    true, proba = [0, 2, 2, 0], np.full((4, 3), 1 / 3)
    with pytest.warns(UndefinedMetricWarning, match="Only one class"):
        found = ours.roc_auc_score(true, proba, multi_class="ovr", labels=[0, 1, 2], average=None)
    assert np.isnan(found[1])
    with pytest.warns(UndefinedMetricWarning, match="No positive"):
        assert np.isnan(ours.roc_curve([0, 0], [1, 2])[1]).all()
    with pytest.warns(UndefinedMetricWarning, match="No negative"):
        assert np.isnan(ours.roc_curve([1, 1], [1, 2])[0]).all()
    with pytest.warns(UndefinedMetricWarning, match="recall is set to one"):
        ours.precision_recall_curve([0, 0], [1, 2])
    with pytest.warns(UndefinedMetricWarning, match="weight 0"):
        assert np.isnan(ours.roc_auc_score([0, 1], [1, 2], sample_weight=[0, 1]))


@pytest.mark.reference
@few
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9), st.booleans(), st.data())
def test_auc_is_the_trapezoid(x, falling, data):
    x = sorted(x, reverse=falling)
    y = data.draw(st.lists(st.integers(-5, 5), min_size=len(x), max_size=len(x)))
    assert ours.auc(x, y) == pytest.approx(theirs.auc(x, y))


lists = st.integers(2, 6).flatmap(
    lambda items: st.lists(
        st.tuples(
            st.lists(st.integers(0, 3), min_size=items, max_size=items),
            st.lists(st.integers(0, 3), min_size=items, max_size=items),
        ),
        min_size=1,
        max_size=4,
    )
)


@pytest.mark.reference
@few
@given(lists, st.sampled_from([None, 1, 2, 9]))
def test_gains_with_ties(queries, k):
    true, score = (np.array(part, float) for part in zip(*queries, strict=True))
    for name in ("dcg_score", "ndcg_score"):
        found = getattr(retrieval_metrics, name)(true, score, k=k)
        assert found == pytest.approx(getattr(theirs, name)(true, score, k=k), rel=1e-12)
    orders = list(itertools.permutations(range(true.shape[1])))
    if true.shape[1] <= 4:
        discounts = 1 / np.log2(np.arange(true.shape[1]) + 2)
        discounts[true.shape[1] if k is None else k :] = 0
        fair = [o for o in orders if (np.diff(score[0][list(o)]) <= 0).all()]
        mean = np.mean([true[0][list(o)] @ discounts for o in fair])
        assert retrieval_metrics.dcg_score(true[:1], score[:1], k=k) == pytest.approx(mean)


@pytest.mark.reference
@few
@given(st.integers(0, 2**32 - 1), st.sampled_from([None, 2]))
def test_gains_without_ties(seed, k):
    rng = np.random.default_rng(seed)
    true, score = rng.integers(0, 4, (3, 6)), rng.random((3, 6))
    weight = rng.random(3)
    for name in ("dcg_score", "ndcg_score"):
        arguments = {"k": k, "ignore_ties": True, "sample_weight": weight}
        found = getattr(retrieval_metrics, name)(true, score, **arguments)
        assert found == pytest.approx(getattr(theirs, name)(true, score, **arguments), rel=1e-12)


@pytest.mark.reference
@few
@given(lists)
def test_label_ranking(queries):
    true, score = (np.array(part) for part in zip(*queries, strict=True))
    found = retrieval_metrics.label_ranking_average_precision_score(true > 1, score)
    wanted = theirs.label_ranking_average_precision_score(true > 1, score)
    assert found == pytest.approx(wanted, rel=1e-13)


@pytest.mark.reference
@few
@given(probabilities(), st.integers(1, 3), st.booleans())
def test_top_k(sample, k, normalize):
    true, proba, weight = sample
    arguments = {"k": k, "normalize": normalize, "sample_weight": weight}
    found = quiet(retrieval_metrics.top_k_accuracy_score, true, proba, **arguments)
    assert found == pytest.approx(quiet(theirs.top_k_accuracy_score, true, proba, **arguments))


@pytest.mark.reference
@few
@given(scored(), st.booleans())
def test_top_one_of_two(sample, as_probability):
    true, score, _ = sample
    score = (score + 1) / 2 if as_probability else score
    found = retrieval_metrics.top_k_accuracy_score(true, score, k=1)
    assert found == pytest.approx(theirs.top_k_accuracy_score(true, score, k=1))
    assert found == retrieval_metrics.top_k_accuracy_score(true, score[:, None], k=1)


def test_first_right_answers_by_hand():
    true = [[0, 1, 0], [1, 0, 0], [0, 0, 0], [0, 2, 1]]
    score = [[3, 2, 1], [3, 2, 1], [3, 2, 1], [1, 1, 1]]
    found = retrieval_metrics.mean_reciprocal_rank(true, score)
    assert found == pytest.approx((1 / 2 + 1 + 0 + 1 / 2) / 4)
    assert retrieval_metrics.precision_at_k(true, score, 2) == pytest.approx((1 + 1 + 0 + 1) / 8)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="more than two classes"):
        ours.roc_curve([0, 1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="inconsistent"):
        ours.roc_curve([0, 1], [1, 2, 3])
    with pytest.raises(ValueError, match="pos_label is not specified"):
        ours.roc_curve(["a", "b"], [1, 2])
    with pytest.raises(ValueError, match="NaN"):
        ours.roc_auc_score([0, 1], [np.nan, 1])
    with pytest.raises(ValueError, match="max_fpr in range"):
        ours.roc_auc_score([0, 1], [1, 2], max_fpr=1.5)
    with pytest.raises(ValueError, match="multi_class must be"):
        ours.roc_auc_score([0, 1, 2], np.eye(3))
    with pytest.raises(ValueError, match="rows that sum to 1"):
        ours.roc_auc_score([0, 1, 2], 2 * np.eye(3), multi_class="ovr")
    with pytest.raises(ValueError, match="it must be"):
        ours.roc_auc_score([0, 1, 2], [1, 2, 3], multi_class="ovr")
    with pytest.raises(ValueError, match="no sample_weight"):
        ours.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovo", average=None)
    with pytest.raises(ValueError, match="average is 'samples'"):
        ours.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovr", average="samples")
    with pytest.raises(ValueError, match="two columns"):
        ours.roc_auc_score([0, 1], [[0.5, 0.5]] * 2)
    with pytest.raises(ValueError, match="unique and ordered"):
        ours.roc_auc_score([0, 1, 2], np.eye(3), multi_class="ovr", labels=[2, 1, 0])
    with pytest.raises(ValueError, match="zeros and ones"):
        ours.roc_auc_score([[0, 2], [1, 0]], np.eye(2))
    with pytest.raises(ValueError, match="no label of y_true"):
        ours.average_precision_score([0, 1], [1, 2], pos_label=3)
    with pytest.raises(ValueError, match="at least 2 points"):
        ours.auc([1], [1])
    with pytest.raises(ValueError, match="neither increasing nor decreasing"):
        ours.auc([1, 3, 2], [1, 1, 1])
    with pytest.raises(ValueError, match="negative y_true"):
        retrieval_metrics.ndcg_score([[-1, 1]], [[1, 2]])
    with pytest.raises(ValueError, match="one item"):
        retrieval_metrics.ndcg_score([[1]], [[1]])
    with pytest.raises(ValueError, match="k is 0"):
        retrieval_metrics.dcg_score([[1, 0]], [[1, 2]], k=0)
    with pytest.raises(ValueError, match="log_base is 1"):
        retrieval_metrics.dcg_score([[1, 0]], [[1, 2]], log_base=1)
    with pytest.raises(ValueError, match="queries x"):
        retrieval_metrics.dcg_score([[1, 0]], [[1, 2, 3]])
    with pytest.raises(ValueError, match="k is 5"):
        retrieval_metrics.precision_at_k([[1, 0]], [[1, 2]], 5)
    with pytest.raises(ValueError, match="zeros and ones"):
        retrieval_metrics.label_ranking_average_precision_score([[2, 0]], [[1, 2]])
    with pytest.raises(ValueError, match="Number of classes"):
        retrieval_metrics.top_k_accuracy_score([0, 1, 2], np.ones((3, 4)))
    with pytest.raises(ValueError, match="not in parameter"):
        retrieval_metrics.top_k_accuracy_score([0, 9], np.ones((2, 3)), labels=[0, 1, 2])
    with pytest.warns(UndefinedMetricWarning, match="perfect score to anything"):
        assert retrieval_metrics.top_k_accuracy_score([0, 1], [0.1, 0.2]) == 1.0
