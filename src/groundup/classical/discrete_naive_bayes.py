r"""Naive Bayes of counts and bits: the classifiers of text.

A class's probabilities of features are shares of counts, smoothed:
$(n_{cf} + \alpha) / (n_c + ...)$, so that a word never seen in a class does not rule the class out.
Multinomial and Bernoulli models: McCallum and Nigam, "A comparison of event models for naive Bayes
text classification" (1998). The complement model: Rennie, Shih, Teevan and Karger, "Tackling the
poor assumptions of naive Bayes text classifiers" (2003).
"""

from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.naive_bayes import NaiveBayes, checked_priors
from groundup.swap import replaceable

Floats = NDArray[np.float64]
_LEAST_ALPHA = 1e-10


@replaceable
def smoothed_log_shares(counts: Floats, alpha: Floats) -> Floats:
    r"""$\ln \frac{n_{cf} + \alpha_f}{\sum_f (n_{cf} + \alpha_f)}$: each class's multinomial, k x f.

    $\alpha = 1$ is Laplace's rule of succession: as if each feature had been seen once before.
    """
    smoothed = counts + alpha
    logs: Floats = np.log(smoothed) - np.log(smoothed.sum(axis=1, keepdims=True))
    return logs


@replaceable
def smoothed_log_frequencies(counts: Floats, totals: Floats, alpha: Floats) -> Floats:
    r"""$\ln \frac{n_{cf} + \alpha_f}{n_c + 2 \alpha_f}$: how often the feature is there, k x f."""
    return np.log(counts + alpha) - np.log(totals[:, None] + 2 * alpha)


@replaceable
def complement_weights(counts: Floats, alpha: Floats, norm: bool = False) -> Floats:
    r"""$-\ln$ of the smoothed shares of each feature in all other classes, k x f.

    `norm`: instead, these divided by their sum, which takes away that long classes speak louder.
    """
    others = counts.sum(axis=0) - counts
    logs = smoothed_log_shares(others, alpha)
    weights: Floats = logs / logs.sum(axis=1, keepdims=True) if norm else -logs
    return weights


class DiscreteNaiveBayes(NaiveBayes):
    """Counts of features by class (`feature_count_`, k x f) and of classes (`class_count_`).

    Learns also `class_log_prior_` and `feature_log_prob_`.
    """

    alpha: Any
    fit_prior: bool
    class_prior: ArrayLike | None
    feature_count_: Floats
    class_count_: Floats
    class_log_prior_: Floats
    feature_log_prob_: Floats

    def learn(self, X: Floats, numbers: NDArray[np.int64], weights: Floats, first: bool) -> None:
        """Add the batch's counts and compute the logarithms anew."""
        k = len(self.classes_)
        belongs = (np.arange(k)[:, None] == numbers) * weights
        if first:
            self.feature_count_, self.class_count_ = np.zeros((k, X.shape[1])), np.zeros(k)
        self.feature_count_ = self.feature_count_ + belongs @ X
        self.class_count_ = self.class_count_ + belongs.sum(axis=1)
        self.set_logarithms(self._smoothing(X.shape[1]))
        self.class_log_prior_ = self._log_priors(k)

    def set_logarithms(self, alpha: Floats) -> None:
        """Set `feature_log_prob_` from the counts."""
        raise AssertionError(f"{type(self).__name__} does not say what its features' weights are")

    def _smoothing(self, features: int) -> Floats:
        alpha = np.asarray(self.alpha, np.float64)
        if alpha.ndim > 1 or (alpha.ndim == 1 and alpha.shape != (features,)):
            raise ValueError(
                f"When alpha is an array, it should contain `n_features`. Got {alpha.shape} "
                f"elements instead of ({features},)."
            )
        if not (np.isfinite(alpha).all() and (alpha >= 0).all()):
            raise ValueError(f"alpha is {self.alpha}; smoothing must be finite and at least 0")
        return np.maximum(alpha, _LEAST_ALPHA)

    def _log_priors(self, k: int) -> Floats:
        with np.errstate(divide="ignore"):  # a class that never came has a prior of 0
            if self.class_prior is not None:
                return np.log(checked_priors(self.class_prior, k))
            if self.fit_prior:
                shares: Floats = self.class_count_ / self.class_count_.sum()
                return np.log(shares)
        return np.full(k, -np.log(k))


def _refuse_negative(X: Floats, owner: str) -> None:
    if (X < 0).any():
        raise ValueError(
            f"Negative values in data passed to {owner} (input X); it wants counts, or TF-IDF"
        )


class MultinomialNB(DiscreteNaiveBayes):
    """Naive Bayes of counts, as scikit-learn's: rows are bags of words (dense), or of TF-IDF.

    `alpha`: smoothing, one or one a feature; below 1e-10 it is 1e-10, for a logarithm of 0 has no
    use. `fit_prior`: learn the priors, else they are equal; `class_prior`: given ones.
    Raises ValueError for negative X. Left out: `force_alpha` (true), sparse X.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"positive_only": True, "poor_score": True}

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
    ) -> None:
        self.alpha = alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def learn(self, X: Floats, numbers: NDArray[np.int64], weights: Floats, first: bool) -> None:
        """Add the batch's counts, none below zero."""
        _refuse_negative(X, type(self).__name__)
        super().learn(X, numbers, weights, first)

    def set_logarithms(self, alpha: Floats) -> None:
        """The logarithms of smoothed shares."""
        self.feature_log_prob_ = smoothed_log_shares(self.feature_count_, alpha)

    def log_joint(self, X: Floats) -> Floats:
        r"""$\ln P(c) + \sum_f x_f \ln p_{cf}$."""
        joint: Floats = X @ self.feature_log_prob_.T + self.class_log_prior_
        return joint


class ComplementNB(DiscreteNaiveBayes):
    """Naive Bayes of counts that looks where a feature is not, as scikit-learn's.

    The class is the one whose complement fits worst: better than `MultinomialNB` where classes have
    very different sizes. The prior plays no part. `norm`: see `complement_weights`; else as there.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"positive_only": True, "poor_score": True}

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
        norm: bool = False,
    ) -> None:
        self.alpha = alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior
        self.norm = norm

    def learn(self, X: Floats, numbers: NDArray[np.int64], weights: Floats, first: bool) -> None:
        """Add the batch's counts, none below zero."""
        _refuse_negative(X, type(self).__name__)
        super().learn(X, numbers, weights, first)

    def set_logarithms(self, alpha: Floats) -> None:
        """The weights of features in the other classes."""
        self.feature_log_prob_ = complement_weights(self.feature_count_, alpha, self.norm)

    def log_joint(self, X: Floats) -> Floats:
        r"""$\sum_f x_f w_{cf}$."""
        joint: Floats = X @ self.feature_log_prob_.T
        return joint


class BernoulliNB(DiscreteNaiveBayes):
    """Naive Bayes of bits, as scikit-learn's: that a feature is not there counts, too.

    `binarize`: what is above it is 1, else 0; None: X is bits already. Else as `MultinomialNB`.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"poor_score": True}

    def __init__(
        self,
        *,
        alpha: Any = 1.0,
        binarize: float | None = 0.0,
        fit_prior: bool = True,
        class_prior: ArrayLike | None = None,
    ) -> None:
        self.alpha = alpha
        self.binarize = binarize
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def prepared(self, X: NDArray[Any]) -> Floats:
        """The bits."""
        if self.binarize is not None:
            return (self.binarize < X).astype(np.float64)
        if ((X != 0) & (X != 1)).any():
            raise ValueError("binarize is None, so X must hold 0 and 1 only; give a threshold")
        return X

    def set_logarithms(self, alpha: Floats) -> None:
        """The logarithms of smoothed frequencies."""
        self.feature_log_prob_ = smoothed_log_frequencies(
            self.feature_count_, self.class_count_, alpha
        )
        missing = np.maximum(self.class_count_[:, None] - self.feature_count_, 0.0)
        self._log_absent = smoothed_log_frequencies(missing, self.class_count_, alpha)

    def log_joint(self, X: Floats) -> Floats:
        r"""$\ln P(c) + \sum_f (x_f \ln p_{cf} + (1 - x_f) \ln (1 - p_{cf}))$."""
        present, absent = self.feature_log_prob_, self._log_absent
        joint: Floats = X @ (present - absent).T + self.class_log_prior_ + absent.sum(axis=1)
        return joint
