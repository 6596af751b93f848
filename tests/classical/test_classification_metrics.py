"""Metrics of predicted classes and probabilities against scikit-learn.

Both sum the same few terms in some order: at most 12 terms, each off by eps, so 1e-14 relative.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs
from tests.classical.metric_family import few, label_pairs, probabilities, quiet, scored

from groundup.classical import agreement_metrics, classification_metrics, probability_metrics
from groundup.classical.metric_targets import UndefinedMetricWarning, as_labels

pytestmark = pytest.mark.slow  # seconds in all, for `make test`

ours = classification_metrics
CLOSE = {"rtol": 1e-13, "atol": 1e-14}


@pytest.mark.reference
@few
@given(label_pairs(text=True), st.sampled_from([None, "true", "pred", "all"]))
def test_confusion_matrix(sample, normalize):
    true, predicted, weight = sample
    arguments = {"sample_weight": weight, "normalize": normalize}
    found = ours.confusion_matrix(true, predicted, **arguments)
    wanted = quiet(theirs.confusion_matrix, true, predicted, **arguments)
    if found.shape != wanted.shape:  # scikit-learn drops samples of weight 0 first
        return
    np.testing.assert_allclose(found, wanted, **CLOSE)
    if weight is None and normalize is None:
        assert found.dtype.kind == "i"


@pytest.mark.reference
@few
@given(label_pairs(), st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True))
def test_confusion_matrix_of_chosen_labels(sample, labels):
    true, predicted, _ = sample
    if set(labels) & set(true.tolist()):
        found = ours.confusion_matrix(true, predicted, labels=labels)
        wanted = quiet(theirs.confusion_matrix, true, predicted, labels=labels)
        np.testing.assert_array_equal(found, wanted)
    else:
        with pytest.raises(ValueError, match="At least one label"):
            ours.confusion_matrix(true, predicted, labels=labels)


@pytest.mark.reference
@few
@given(label_pairs(text=True), st.booleans())
def test_accuracy_and_its_complement(sample, normalize):
    true, predicted, weight = sample
    arguments = {"normalize": normalize, "sample_weight": weight}
    for name in ("accuracy_score", "zero_one_loss"):
        found = getattr(ours, name)(true, predicted, **arguments)
        wanted = getattr(theirs, name)(true, predicted, **arguments)
        assert found == pytest.approx(wanted, rel=1e-13, abs=1e-14)


@pytest.mark.reference
@few
@given(label_pairs(least=2), st.booleans())
def test_balanced_accuracy(sample, adjusted):
    true, predicted, weight = sample
    arguments = {"sample_weight": weight, "adjusted": adjusted}
    found = quiet(ours.balanced_accuracy_score, true, predicted, **arguments)
    wanted = quiet(theirs.balanced_accuracy_score, true, predicted, **arguments)
    if np.isneginf(wanted):  # its 0.5 - 1 over 0, for a single class
        assert np.isnan(found)
    else:
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-13, nan_ok=True)


AVERAGES = ["micro", "macro", "weighted", None]
NAMES = ["precision_score", "recall_score", "f1_score", "jaccard_score"]


@pytest.mark.reference
@pytest.mark.parametrize("name", NAMES)
@few
@given(label_pairs(text=True), st.sampled_from(AVERAGES), st.sampled_from(["warn", 0, 1, np.nan]))
def test_counts_of_many_classes(name, sample, average, zero_division):
    true, predicted, weight = sample
    if name == "jaccard_score" and zero_division != zero_division:
        return  # scikit-learn's takes no nan
    arguments = {"average": average, "sample_weight": weight, "zero_division": zero_division}
    found = quiet(getattr(ours, name), true, predicted, **arguments)
    wanted = quiet(getattr(theirs, name), true, predicted, **arguments)
    np.testing.assert_allclose(found, wanted, **CLOSE)


@pytest.mark.reference
@few
@given(label_pairs(classes=2), st.sampled_from([0, 1]), st.sampled_from([0.0, 0.5, 2.0, np.inf]))
def test_counts_of_one_class(sample, pos_label, beta):
    true, predicted, weight = sample
    arguments = {"pos_label": pos_label, "sample_weight": weight, "zero_division": 0}
    for name in NAMES:
        found = getattr(ours, name)(true, predicted, **arguments)
        assert found == pytest.approx(
            getattr(theirs, name)(true, predicted, **arguments), rel=1e-13
        )
    found = ours.fbeta_score(true, predicted, beta=beta, **arguments)
    assert found == pytest.approx(
        theirs.fbeta_score(true, predicted, beta=beta, **arguments), rel=1e-13
    )


@pytest.mark.reference
@few
@given(
    label_pairs(),
    st.lists(st.integers(0, 5), min_size=1, max_size=4, unique=True),
    st.sampled_from(AVERAGES),
)
def test_all_four_at_once_of_chosen_labels(sample, labels, average):
    true, predicted, weight = sample
    arguments = {"labels": labels, "average": average, "sample_weight": weight, "zero_division": 0}
    found = ours.precision_recall_fscore_support(true, predicted, **arguments)
    wanted = theirs.precision_recall_fscore_support(true, predicted, **arguments)
    for value, reference in zip(found, wanted, strict=True):
        if reference is None:
            assert value is None
        else:
            np.testing.assert_allclose(value, reference, **CLOSE)


@pytest.mark.reference
@few
@given(label_pairs(least=2, text=True))
def test_matthews(sample):
    """A difference of products of order one: 12 terms, absolute error 1e-14 before the root."""
    true, predicted, weight = sample
    found = agreement_metrics.matthews_corrcoef(true, predicted, sample_weight=weight)
    wanted = quiet(theirs.matthews_corrcoef, true, predicted, sample_weight=weight)
    assert found == pytest.approx(wanted, abs=1e-12)
    assert -1 - 1e-12 <= found <= 1 + 1e-12


@pytest.mark.reference
@few
@given(label_pairs(least=2), st.sampled_from([None, "linear", "quadratic"]))
def test_kappa(sample, weights):
    true, predicted, weight = sample
    arguments = {"weights": weights, "sample_weight": weight}
    found = quiet(agreement_metrics.cohen_kappa_score, true, predicted, **arguments)
    wanted = quiet(theirs.cohen_kappa_score, true, predicted, **arguments)
    assert found == pytest.approx(wanted, abs=1e-12, nan_ok=True)


@pytest.mark.reference
@few
@given(probabilities(), st.booleans())
def test_log_loss(sample, normalize):
    true, proba, weight = sample
    arguments = {"sample_weight": weight, "normalize": normalize}
    found = probability_metrics.log_loss(true, proba, **arguments)
    assert found == pytest.approx(theirs.log_loss(true, proba, **arguments), rel=1e-12, abs=1e-14)


@pytest.mark.reference
@few
@given(probabilities(), st.sampled_from([True, False, "auto"]))
def test_brier_and_d2(sample, halved):
    true, proba, weight = sample
    arguments = {"sample_weight": weight, "scale_by_half": halved}
    found = probability_metrics.brier_score_loss(true, proba, **arguments)
    assert found == pytest.approx(theirs.brier_score_loss(true, proba, **arguments), rel=1e-12)
    found = probability_metrics.d2_log_loss_score(true, proba)
    assert found == pytest.approx(theirs.d2_log_loss_score(true, proba), rel=1e-10, abs=1e-12)


@pytest.mark.reference
@few
@given(scored())
def test_probabilities_of_two_classes(sample):
    true, score, weight = sample
    proba = (score + 1) / 2
    for name in ("log_loss", "brier_score_loss", "d2_log_loss_score"):
        if name == "d2_log_loss_score" and weight is not None:
            continue
        arguments = {} if weight is None else {"sample_weight": weight}
        found = getattr(probability_metrics, name)(true, proba, **arguments)
        wanted = getattr(theirs, name)(true, proba, **arguments)
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-13)


@pytest.mark.reference
@few
@given(scored(both=False), probabilities(classes=4))
def test_hinge(binary, many):
    for true, decision, weight in (binary, many):
        found = probability_metrics.hinge_loss(true, 3 * decision, sample_weight=weight)
        wanted = theirs.hinge_loss(true, 3 * decision, sample_weight=weight)
        assert found == pytest.approx(wanted, rel=1e-13)


@settings(max_examples=30)
@given(probabilities())
def test_true_probabilities_are_best_on_average(sample):
    """A proper score: expected under p, saying p costs no more than saying q."""
    _, proba, _ = sample
    p, q = proba[0], proba[-1]
    for metric in (probability_metrics.log_loss, probability_metrics.brier_score_loss):
        cost = [
            metric([0, 1, 2], np.tile(said, (3, 1)), sample_weight=p, labels=[0, 1, 2])
            for said in (p, q)
        ]
        assert cost[0] <= cost[1] + 1e-12


def test_undefined_ratios_warn_and_say_what_to_choose():
    with pytest.warns(UndefinedMetricWarning, match="Precision is 0 / 0"):
        assert ours.precision_score([0, 1], [0, 0]) == 0
    with pytest.warns(UndefinedMetricWarning, match="use zero_division"):
        ours.f1_score([0, 0], [0, 0], labels=[1], average="macro")
    with pytest.warns(UndefinedMetricWarning, match="not in y_true"):
        ours.balanced_accuracy_score([0, 0], [0, 1])
    with pytest.warns(UndefinedMetricWarning, match="kappa is 0 / 0"):
        agreement_metrics.cohen_kappa_score([1, 1], [1, 1])


LABEL_METRICS = [ours.accuracy_score, ours.confusion_matrix, ours.f1_score,
                 ours.balanced_accuracy_score, agreement_metrics.matthews_corrcoef,
                 agreement_metrics.cohen_kappa_score]  # fmt: skip


@pytest.mark.parametrize("metric", LABEL_METRICS, ids=lambda metric: metric.__name__)
def test_bad_labels_are_refused(metric):
    with pytest.raises(ValueError, match="is empty"):
        metric([], [])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        metric([0, 1], [0])
    with pytest.raises(ValueError, match="continuous"):
        metric([0.5, 1], [0, 1])
    with pytest.raises(ValueError, match="NaN"):
        metric([np.nan, 1], [0, 1])
    with pytest.raises(ValueError, match="1d array"):
        metric([[0, 1], [1, 0]], [0, 1])
    with pytest.raises(ValueError, match="mix text labels with numbers"):
        metric(["a", "b"], [0, 1])
    with pytest.raises(ValueError, match="mix text labels with numbers"):
        metric(np.array(["a", "b"], object), [0, 1])
    with pytest.raises(ValueError, match="complex"):
        metric([1j, 0], [0, 1])
    with pytest.raises(ValueError, match="Negative values"):
        metric([0, 1], [0, 1], sample_weight=[-1, 1])
    with pytest.raises(ValueError, match="at least one weight"):
        metric([0, 1], [0, 1], sample_weight=[0, 0])


def test_other_bad_input_is_refused():
    with pytest.raises(ValueError, match="average='binary'"):
        ours.f1_score([0, 1, 2], [0, 1, 2])
    with pytest.raises(ValueError, match="average is 'samples'"):
        ours.f1_score([0, 1], [0, 1], average="samples")
    with pytest.raises(ValueError, match="pos_label=5"):
        ours.f1_score([0, 1], [0, 1], pos_label=5)
    with pytest.raises(ValueError, match="beta is -1"):
        ours.fbeta_score([0, 1], [0, 1], beta=-1)
    with pytest.raises(ValueError, match="zero_division is 3"):
        ours.f1_score([0, 1], [0, 1], zero_division=3)
    with pytest.raises(ValueError, match="normalize is 'rows'"):
        ours.confusion_matrix([0, 1], [0, 1], normalize="rows")
    with pytest.raises(ValueError, match="weights is 'cubic'"):
        agreement_metrics.cohen_kappa_score([0, 1], [0, 1], weights="cubic")
    with pytest.raises(ValueError, match="only one label"):
        probability_metrics.log_loss([1, 1], [[0, 1], [0, 1]])
    with pytest.raises(ValueError, match="different number of classes"):
        probability_metrics.log_loss([0, 1, 2], [[0, 1]] * 3)
    with pytest.raises(ValueError, match="not in `labels`"):
        probability_metrics.log_loss([0, 7], [[0, 1]] * 2, labels=[0, 1])
    with pytest.raises(ValueError, match=r"goes from 0\.0 to 2\.0"):
        probability_metrics.log_loss([0, 1], [0, 2])
    with pytest.warns(UserWarning, match="do not sum to one"):
        probability_metrics.log_loss([0, 1], [[0.5, 0.1], [0.5, 0.5]])
    with pytest.raises(ValueError, match="pos_label is not specified"):
        probability_metrics.brier_score_loss(["a", "b"], [0.5, 0.5])
    with pytest.raises(ValueError, match="more than two classes"):
        probability_metrics.brier_score_loss([0, 1, 2], [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match="samples x classes"):
        probability_metrics.hinge_loss([0, 1, 2], [0.5, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"wanted \(n,\)"):
        probability_metrics.hinge_loss([0, 1], [[0.5, 0.5]] * 2)
    with pytest.raises(ValueError, match="dtype"):
        probability_metrics.log_loss([0, 1], ["a", "b"])
    with pytest.raises(ValueError, match="None or NaN"):
        as_labels(np.array(["a", None], object)[1:], "y")
    with pytest.raises(ValueError, match="mixes text"):
        as_labels(np.array(["a", 1], object), "y")
    mixed = (np.array(["a", "b", "b"], object), np.array(["a", "b", "a"]))
    assert ours.accuracy_score(*mixed) == pytest.approx(2 / 3)
    assert ours.f1_score(*mixed, average="macro") == pytest.approx(2 / 3)
    assert as_labels([[0], [1]], "y").tolist() == [0, 1]
