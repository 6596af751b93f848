r"""Counts weighed by how telling a term is: term frequency times inverse document frequency.

A term that is in every document tells nothing about any: $\text{idf}(t) = \ln \frac{n}{df(t)} + 1$
for n documents, df(t) of which hold the term. Smoothed, as if one more document held every term:
$\ln \frac{1 + n}{1 + df(t)} + 1$. Sources: Spaerck Jones, "A statistical interpretation of term
specificity" (1972); Salton and Buckley (1988). The + 1 keeps common terms, as scikit-learn does.
"""

from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import KeepsNames, Names
from groundup.classical.robust_scaling import unit_rows
from groundup.classical.text_analysis import Analyzer
from groundup.classical.text_features import CountVectorizer
from groundup.classical.validation import check_fit, check_predict
from groundup.swap import replaceable

Floats = NDArray[np.float64]


@replaceable
def inverse_document_frequencies(counts: Floats, smooth: bool = True) -> Floats:
    r"""$\ln \frac{s + n}{s + df} + 1$ of each term (column), s = 1 if smooth, else 0.

    Infinite for a term in no document, if not smooth.
    """
    appears = (counts != 0).sum(axis=0) + float(smooth)
    with np.errstate(divide="ignore"):
        idf: Floats = np.log((len(counts) + float(smooth)) / appears) + 1.0
    return idf


@replaceable
def damped_counts(counts: Floats) -> Floats:
    r"""$1 + \ln c$ for counts above 0, and 0: the tenth occurrence tells less than the first."""
    present = counts > 0
    return np.where(present, 1.0 + np.log(np.where(present, counts, 1.0)), 0.0)


class TfidfTransformer(KeepsNames, Transformer):
    """Weigh a matrix of counts (documents x terms), dense.

    `norm`: "l2", "l1" or None, of each document; `use_idf`: whether to weigh at all; `smooth_idf`;
    `sublinear_tf`: 1 + ln(count) in place of the count. Learned: `idf_`.
    """

    idf_: Floats

    def __init__(
        self,
        *,
        norm: str | None = "l2",
        use_idf: bool = True,
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
    ) -> None:
        self.norm = norm
        self.use_idf = use_idf
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def fit(self, X: ArrayLike, y: ArrayLike | None = None) -> Self:
        """Learn how many documents hold each term. `y` is ignored."""
        if self.norm not in ("l1", "l2", None):
            raise ValueError(f"norm is {self.norm!r}; it may be 'l1', 'l2' or None")
        counts = check_fit(self, X)
        if self.use_idf:
            self.idf_ = inverse_document_frequencies(counts, self.smooth_idf)
        elif hasattr(self, "idf_"):
            del self.idf_
        return self

    def transform(self, X: ArrayLike) -> Floats:
        """The weights of the terms in each document."""
        counts: Floats = check_predict(self, X)
        weights = damped_counts(counts) if self.sublinear_tf else counts
        if self.use_idf:
            with np.errstate(invalid="ignore"):
                weights = np.where(weights == 0, 0.0, weights * self.idf_)
        return weights.copy() if self.norm is None else unit_rows(weights, self.norm)


class TfidfVectorizer(Transformer):
    """CountVectorizer, then TfidfTransformer: a dense row of weights for each text.

    Parameters as theirs. Left out, for there are too many: `lowercase` (always), `stop_words`,
    `vocabulary`, `use_idf`; put the two into a pipeline to have them. Learned: `vocabulary_`,
    `idf_`.
    """

    tag_settings: ClassVar[dict[str, bool]] = {"string": True, "two_d_array": False}

    def __init__(
        self,
        *,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Analyzer = "word",
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        norm: str | None = "l2",
        smooth_idf: bool = True,
        sublinear_tf: bool = False,
    ) -> None:
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.norm = norm
        self.smooth_idf = smooth_idf
        self.sublinear_tf = sublinear_tf

    def fit(self, raw_documents: Any, y: ArrayLike | None = None) -> Self:
        """Learn vocabulary and weights. `y` is ignored."""
        self.fit_transform(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: ArrayLike | None = None) -> Floats:
        """Learn vocabulary and weights, and weigh: documents x terms."""
        counter = CountVectorizer(
            ngram_range=self.ngram_range,
            analyzer=self.analyzer,
            max_df=self.max_df,
            min_df=self.min_df,
            max_features=self.max_features,
        )
        weigher = TfidfTransformer(
            norm=self.norm, smooth_idf=self.smooth_idf, sublinear_tf=self.sublinear_tf
        )
        weights = weigher.fit_transform(counter.fit_transform(raw_documents))
        self._counter, self._weigher = counter, weigher
        self.vocabulary_, self.idf_ = counter.vocabulary_, weigher.idf_
        return weights

    def transform(self, raw_documents: Any) -> Floats:
        """The weights of the known terms in each text."""
        require_fitted(self, "vocabulary_")
        return self._weigher.transform(self._counter.transform(raw_documents))

    def build_analyzer(self) -> Analyzer:
        """The function from a document to its terms."""
        return CountVectorizer(
            ngram_range=self.ngram_range, analyzer=self.analyzer
        ).build_analyzer()

    def inverse_transform(self, X: ArrayLike) -> list[Names]:
        """For each document the terms that occur in it."""
        require_fitted(self, "vocabulary_")
        return self._counter.inverse_transform(X)

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The terms, by column."""
        require_fitted(self, "vocabulary_")
        return self._counter.get_feature_names_out()
