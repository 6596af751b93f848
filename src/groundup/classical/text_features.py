"""Texts as counts of words: a bag of words for each document.

The result is a dense array, documents x terms, of 8 bytes each: bound the terms (`max_features`,
`min_df`) or hash them (`feature_hashing`) where there are many. Source: Manning, Raghavan and
Schuetze, "Introduction to Information Retrieval" (2008), chapters 2 and 6.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from groundup.classical.estimator import Transformer, require_fitted
from groundup.classical.feature_names import Names
from groundup.classical.text_analysis import Analyzer, analyzer_of, documents
from groundup.swap import replaceable

Counts = NDArray[np.int64]


class CountVectorizer(Transformer):
    """How often each term of the vocabulary occurs in each document.

    `ngram_range`: (shortest, longest) runs; `analyzer`: see `analyzer_of`; `stop_words`: a list.
    `min_df`, `max_df`: terms in fewer or more documents are left out; whole numbers are documents,
    fractions shares of them. `max_features`: the commonest terms alone, of equally common ones the
    first in order. `vocabulary`: terms (a list, set or {term: column}) that are counted in place of
    those found.

    Learned: `vocabulary_`, {term: column}, columns in the order of the terms. Left out: `binary`,
    `strip_accents`, `preprocessor`, `tokenizer`, `token_pattern` (give a function as `analyzer`).
    """

    tag_settings: ClassVar[dict[str, bool]] = {"string": True, "two_d_array": False}
    vocabulary_: dict[str, int]

    def __init__(
        self,
        *,
        lowercase: bool = True,
        stop_words: Iterable[str] | None = None,
        ngram_range: tuple[int, int] = (1, 1),
        analyzer: str | Analyzer = "word",
        max_df: float = 1.0,
        min_df: float = 1,
        max_features: int | None = None,
        vocabulary: Any = None,
    ) -> None:
        self.lowercase = lowercase
        self.stop_words = stop_words
        self.ngram_range = ngram_range
        self.analyzer = analyzer
        self.max_df = max_df
        self.min_df = min_df
        self.max_features = max_features
        self.vocabulary = vocabulary

    def build_analyzer(self) -> Analyzer:
        """The function from a document to its terms."""
        return analyzer_of(
            self.analyzer,
            self.ngram_range,
            lowercase=self.lowercase,
            stop_words=self.stop_words,
        )

    def fit(self, raw_documents: Any, y: ArrayLike | None = None) -> Self:
        """Learn the vocabulary. `y` is ignored."""
        self.fit_transform(raw_documents)
        return self

    def fit_transform(self, raw_documents: Any, y: ArrayLike | None = None) -> Counts:
        """Learn the vocabulary and count: documents x terms."""
        analyze = self.build_analyzer()
        bags = [Counter(analyze(document)) for document in documents(raw_documents)]
        if self.vocabulary is None:
            found = chosen_terms(bags, self.min_df, self.max_df, self.max_features)
            self.vocabulary_ = {term: column for column, term in enumerate(found)}
        else:
            self.vocabulary_ = _given_vocabulary(self.vocabulary)
        return count_matrix(bags, self.vocabulary_)

    def transform(self, raw_documents: Any) -> Counts:
        """Count the known terms: documents x terms. With a given vocabulary `fit` is not needed."""
        if self.vocabulary is not None and not hasattr(self, "vocabulary_"):
            self.vocabulary_ = _given_vocabulary(self.vocabulary)
        require_fitted(self, "vocabulary_")
        analyze = self.build_analyzer()
        bags = [Counter(analyze(document)) for document in documents(raw_documents)]
        return count_matrix(bags, self.vocabulary_)

    def inverse_transform(self, X: ArrayLike) -> list[Names]:
        """For each document the terms that occur in it."""
        names = self.get_feature_names_out()
        return [names[np.flatnonzero(row)] for row in np.asarray(X)]

    def get_feature_names_out(self, input_features: ArrayLike | None = None) -> Names:
        """The terms, by column."""
        require_fitted(self, "vocabulary_")
        return np.array(sorted(self.vocabulary_, key=self.vocabulary_.__getitem__), dtype=object)


@replaceable
def count_matrix(bags: list[Counter[str]], vocabulary: dict[str, int]) -> Counts:
    """Documents x terms: how often each term occurs; other terms are not counted."""
    counts = np.zeros((len(bags), len(vocabulary)), np.int64)
    for row, bag in enumerate(bags):
        known = [(vocabulary[term], count) for term, count in bag.items() if term in vocabulary]
        if known:
            columns, values = zip(*known, strict=True)
            counts[row, list(columns)] = values
    return counts


def chosen_terms(
    bags: list[Counter[str]], min_df: float, max_df: float, max_features: int | None
) -> list[str]:
    """The terms in order that occur in enough documents, not in too many, and are common enough."""
    appears = Counter(term for bag in bags for term in bag)
    if not appears:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    least, most = (_documents(df, len(bags), name) for df, name in
                   ((min_df, "min_df"), (max_df, "max_df")))  # fmt: skip
    if most < least:
        raise ValueError("max_df corresponds to < documents than min_df")
    terms = sorted(term for term, count in appears.items() if least <= count <= most)
    if max_features is not None:
        if max_features < 1:
            raise ValueError(f"max_features is {max_features}; it must be 1 or more, or None")
        totals: Counter[str] = Counter()
        for bag in bags:
            totals.update(bag)
        commonest = sorted(terms, key=lambda term: -totals[term])[:max_features]
        terms = sorted(commonest)
    if not terms:
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    return terms


def _documents(df: float, n_documents: int, name: str) -> float:
    if isinstance(df, int | np.integer) and not isinstance(df, bool):
        if df < 1:
            raise ValueError(f"{name} is {df}; a number of documents is 1 or more")
        return int(df)
    if not 0 <= df <= 1:
        raise ValueError(f"{name} is {df}; a share of the documents lies between 0 and 1")
    return df * n_documents


def _given_vocabulary(vocabulary: Any) -> dict[str, int]:
    if isinstance(vocabulary, Mapping):
        columns = sorted(vocabulary.values())
        if len(set(columns)) != len(columns):
            raise ValueError("Vocabulary contains repeated indices.")
        if columns != list(range(len(columns))):
            raise ValueError(
                f"Vocabulary of size {len(columns)} doesn't use the indices 0 to "
                f"{len(columns) - 1}."
            )
        result = dict(vocabulary)
    else:
        terms = sorted(vocabulary) if isinstance(vocabulary, set | frozenset) else list(vocabulary)
        if twice := [term for term, count in Counter(terms).items() if count > 1]:
            raise ValueError(f"Duplicate term in vocabulary: {twice[0]!r}")
        result = {term: column for column, term in enumerate(terms)}
    if not result:
        raise ValueError("empty vocabulary passed to fit")
    return result
