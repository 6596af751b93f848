"""Vocabularies, counts and TF-IDF weights against scikit-learn's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction import text
from sklearn.model_selection import cross_val_score
from tests.classical.compliance import compliance

from groundup.classical.estimator import NotFittedError
from groundup.classical.logistic import LogisticRegression
from groundup.classical.pipeline import make_pipeline
from groundup.classical.search import GridSearchCV
from groundup.classical.text_analysis import character_ngrams_of_words
from groundup.classical.text_features import CountVectorizer
from groundup.classical.tf_idf import TfidfTransformer, TfidfVectorizer


@compliance(TfidfTransformer(), CountVectorizer(), TfidfVectorizer())
def test_conventions(estimator, check):
    check(estimator)


tokens = st.sampled_from(
    ["the", "The", "a", "cat", "sat", "on_it", "mat9", "Éa", "naïve", "x-y", "  ", "\n"]
)
texts = st.lists(st.lists(tokens, max_size=8).map(" ".join), min_size=1, max_size=8)
OPTIONS = st.fixed_dictionaries(
    {
        "ngram_range": st.sampled_from([(1, 1), (1, 2), (2, 3)]),
        "analyzer": st.sampled_from(["word", "char", "char_wb"]),
        "min_df": st.sampled_from([1, 2, 0.3]),
        "max_df": st.sampled_from([1.0, 3, 0.7]),
    }
)


def fitted(vectorizer, documents):
    try:
        return vectorizer.fit(documents)
    except ValueError as problem:
        return str(problem)


@pytest.mark.reference
@given(texts, texts, OPTIONS, st.booleans(), st.sampled_from([None, ["the", "cat"]]))
@settings(max_examples=60)
def test_counts_are_scikit_learns(documents, later, options, lowercase, stops):
    options = {**options, "lowercase": lowercase}
    options["stop_words"] = stops if options["analyzer"] == "word" else None
    ours = fitted(CountVectorizer(**options), documents)
    theirs = fitted(text.CountVectorizer(**options), documents)
    if isinstance(theirs, str):
        assert ours.split(".")[0] == theirs.split(".")[0]
        return
    assert ours.vocabulary_ == theirs.vocabulary_
    assert np.array_equal(ours.transform(later), theirs.transform(later).toarray())
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    counts = ours.transform(documents)
    back = [set(terms) for terms in ours.inverse_transform(counts)]
    assert back == [set(terms) for terms in theirs.inverse_transform(counts)]


@pytest.mark.reference
@given(
    texts,
    texts,
    OPTIONS,
    st.fixed_dictionaries(
        {
            "norm": st.sampled_from(["l1", "l2", None]),
            "smooth_idf": st.booleans(),
            "sublinear_tf": st.booleans(),
        }
    ),
)
@settings(max_examples=60)
def test_weights_are_scikit_learns(documents, later, counting, weighing):
    ours = fitted(TfidfVectorizer(**counting, **weighing), documents)
    theirs = fitted(text.TfidfVectorizer(**counting, **weighing), documents)
    if isinstance(theirs, str):
        assert ours.split(".")[0] == theirs.split(".")[0]
        return
    assert ours.vocabulary_ == theirs.vocabulary_
    # a logarithm, a product, a norm: a few roundings
    np.testing.assert_allclose(ours.idf_, theirs.idf_, rtol=1e-14)
    np.testing.assert_allclose(ours.transform(later), theirs.transform(later).toarray(), rtol=1e-13)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())


@pytest.mark.reference
@given(st.integers(0, 2**32 - 1), st.booleans(), st.booleans(), st.booleans())
@settings(max_examples=30)
def test_weighing_counts_is_scikit_learns(seed, use, smooth, damped):
    counts = np.random.default_rng(seed).poisson(0.7, size=(9, 5))
    counts[0] = 1  # each term occurs
    options = {"use_idf": use, "smooth_idf": smooth, "sublinear_tf": damped}
    ours = TfidfTransformer(**options).fit(counts)
    theirs = text.TfidfTransformer(**options).fit(counts)
    moved = theirs.transform(counts).toarray()
    np.testing.assert_allclose(ours.transform(counts), moved, rtol=1e-13)


@pytest.mark.reference
def test_the_commonest_terms_are_kept():
    documents = ["b b b c c a", "c d d d d"]
    ours = CountVectorizer(analyzer=str.split, max_features=2).fit(documents)
    assert ours.vocabulary_ == {"b": 0, "d": 1}
    theirs = text.CountVectorizer(analyzer=str.split, max_features=2).fit(documents)
    assert ours.vocabulary_ == theirs.vocabulary_


@pytest.mark.reference
@pytest.mark.parametrize("known", [["cat", "the"], {"cat", "the"}, {"the": 0, "cat": 1}])
def test_a_given_vocabulary_is_counted(known):
    documents = ["The cat the mat", "dog"]
    ours, theirs = CountVectorizer(vocabulary=known), text.CountVectorizer(vocabulary=known)
    wanted = theirs.transform(documents).toarray()
    assert np.array_equal(ours.transform(documents), wanted)
    assert np.array_equal(ours.fit_transform(documents), wanted)


def test_a_term_in_no_document_weighs_nothing():
    counts = [[1, 0], [2, 0]]
    weighed = TfidfTransformer(smooth_idf=False).fit_transform(counts)
    assert weighed.tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_short_words_give_themselves_once():
    assert character_ngrams_of_words("at", 3, 6) == [" at", "at ", " at "]


def test_bytes_are_read_and_texts_classified():
    documents = [b"good fine", "good nice", "bad awful", "awful bad bad"]
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(documents, [1, 1, 0, 0])
    assert model.predict(["good", "awful"]).tolist() == [1, 0]
    grid = {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}
    search = GridSearchCV(model, grid, cv=2).fit(documents, [1, 1, 0, 0])
    assert search.predict(["good", "awful"]).tolist() == [1, 0]
    assert cross_val_score(model, documents * 3, [1, 1, 0, 0] * 3, cv=3).tolist() == [1.0] * 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: CountVectorizer().fit("one text"), "string object received"),
        (lambda: CountVectorizer().fit(5), "int object received"),
        (lambda: CountVectorizer().fit(["a b", np.nan]), "nan is an invalid document"),
        (lambda: CountVectorizer().fit(["a", "I"]), "empty vocabulary"),
        (lambda: CountVectorizer().fit([]), "empty vocabulary"),
        (lambda: CountVectorizer(stop_words="english").fit(["aa"]), "give the words themselves"),
        (lambda: CountVectorizer(analyzer="x").fit(["aa"]), "analyzer is 'x'"),
        (lambda: CountVectorizer(ngram_range=(2, 1)).fit(["aa"]), "Invalid value for ngram_range"),
        (lambda: CountVectorizer(min_df=0).fit(["aa"]), "min_df is 0"),
        (lambda: CountVectorizer(max_df=1.5).fit(["aa"]), "max_df is 1.5"),
        (lambda: CountVectorizer(max_features=0).fit(["aa"]), "max_features is 0"),
        (lambda: CountVectorizer(vocabulary=["a", "a"]).fit(["aa"]), "Duplicate term"),
        (lambda: CountVectorizer(vocabulary={"a": 0, "b": 0}).fit(["aa"]), "repeated indices"),
        (lambda: CountVectorizer(vocabulary={"a": 0, "b": 2}).fit(["aa"]), "doesn't use the"),
        (lambda: CountVectorizer(vocabulary=[]).fit(["aa"]), "empty vocabulary passed"),
        (lambda: TfidfTransformer(norm="max").fit([[1]]), "norm is 'max'"),
        (lambda: TfidfVectorizer(norm="l3").fit(["aa"]), "norm is 'l3'"),
    ],
)
def test_what_cannot_be_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_nothing_is_known_before_fit():
    for vectorizer in (CountVectorizer(), TfidfVectorizer()):
        with pytest.raises(NotFittedError):
            vectorizer.transform(["aa"])
