"""FeatureUnion and ColumnTransformer against scikit-learn's, on arrays and data frames."""

import numpy as np
import pandas as pd
import pytest
from sklearn import compose, pipeline, preprocessing
from tests.classical.compliance import compliance

from groundup.classical.column_transform import (
    ColumnTransformer,
    FeatureUnion,
    make_column_transformer,
    make_union,
)
from groundup.classical.encoding import OneHotEncoder
from groundup.classical.estimator import NotFittedError
from groundup.classical.pipeline import make_pipeline
from groundup.classical.polynomial import PolynomialFeatures
from groundup.classical.ridge import Ridge
from groundup.classical.scaling import MinMaxScaler, StandardScaler

FITS_ITS_PARTS = "the parts themselves are fitted, as scikit-learn's FeatureUnion does and excuses"
TOO_FEW = "columns 0 and 1 of one column cannot be taken; scikit-learn excuses its own from this"


@compliance(
    FeatureUnion([("trans1", StandardScaler())]),
    ColumnTransformer([("trans1", StandardScaler(), [0, 1])]),
    excused={
        "FeatureUnion": {
            "check_estimators_overwrite_params": FITS_ITS_PARTS,
        },
        "ColumnTransformer": {"check_fit2d_1feature": TOO_FEW},
    },
)
def test_conventions(estimator, check):
    check(estimator)


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=30),
            "age": rng.integers(0, 90, 30),
            "color": rng.choice(["red", "green", "blue"], 30),
            "left": rng.normal(size=30),
        }
    )


@pytest.mark.reference
@pytest.mark.parametrize("remainder", ["drop", "passthrough", "scaler"])
@pytest.mark.parametrize("verbose", [True, False])
@pytest.mark.parametrize(
    "columns",
    [["size", "age"], [0, 1], slice(0, 2), slice("size", "age"), [True, True, False, False],
     lambda X: ["size", "age"], [-4, -3]],
)  # fmt: skip
def test_columns_are_scikit_learns(frame, columns, remainder, verbose):
    def build(room, encoder, scaler):
        return room(
            [("numbers", scaler(), columns), ("words", encoder, ["color"]), ("gone", "drop", [0])],
            remainder=scaler() if remainder == "scaler" else remainder,
            transformer_weights={"numbers": 2.0},
            verbose_feature_names_out=verbose,
        )

    ours = build(ColumnTransformer, OneHotEncoder(), StandardScaler)
    encoder = preprocessing.OneHotEncoder(sparse_output=False)
    theirs = build(compose.ColumnTransformer, encoder, preprocessing.StandardScaler)
    np.testing.assert_allclose(ours.fit_transform(frame), theirs.fit_transform(frame), rtol=1e-12)
    np.testing.assert_allclose(ours.transform(frame[:5]), theirs.transform(frame[:5]), rtol=1e-12)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    turned = frame[frame.columns[::-1]]
    np.testing.assert_allclose(ours.transform(turned), ours.transform(frame), rtol=1e-12)


@pytest.mark.reference
def test_arrays_and_their_transformers_do_too():
    X = np.random.default_rng(1).normal(size=(20, 3))
    ours = make_column_transformer((preprocessing.MinMaxScaler(), [2, 0]), remainder="passthrough")
    theirs = compose.make_column_transformer(
        (preprocessing.MinMaxScaler(), [2, 0]), remainder="passthrough"
    )
    np.testing.assert_allclose(ours.fit_transform(X), theirs.fit_transform(X), rtol=1e-14)
    assert list(ours.get_feature_names_out()) == list(theirs.get_feature_names_out())
    assert isinstance(ours.named_transformers_["minmaxscaler"], preprocessing.MinMaxScaler)


def test_parameters_reach_inside(frame):
    ours = ColumnTransformer([("numbers", MinMaxScaler(), ["size"])])
    ours.set_params(numbers__clip=True)
    assert ours.get_params()["numbers__clip"] is True
    ours.set_params(numbers=StandardScaler())
    assert ours.fit(frame).transformers_[0][1].mean_.shape == (1,)
    assert not hasattr(ours.transformers[0][1], "mean_")  # copies are fitted
    model = make_pipeline(ours, Ridge()).fit(frame, frame["age"])
    assert model.predict(frame).shape == (30,)


def test_columns_that_are_not_there_are_refused(frame):
    with pytest.raises(ValueError, match=r"not a column of the dataframe: \['x'\]"):
        ColumnTransformer([("a", StandardScaler(), ["x"])]).fit(frame)
    with pytest.raises(ValueError, match=r"all features must be in \[0, 3\]"):
        ColumnTransformer([("a", StandardScaler(), [4])]).fit(frame)
    fitted = ColumnTransformer([("a", StandardScaler(), ["size"])]).fit(frame)
    with pytest.raises(ValueError, match=r"columns are missing: \['age'\]"):
        fitted.transform(frame.drop(columns="age"))
    with pytest.raises(ValueError, match="X has 2 features"):
        fitted.transform(np.zeros((2, 2)))
    with pytest.raises(TypeError, match="should implement fit and transform"):
        ColumnTransformer([("a", Ridge(), [0])]).fit(frame)
    with pytest.raises(NotFittedError):
        ColumnTransformer([("a", StandardScaler(), [0])]).transform(frame)


def test_names_that_would_be_twice_are_refused(frame):
    twice = ColumnTransformer(
        [("a", StandardScaler(), [0]), ("b", MinMaxScaler(), [0])], verbose_feature_names_out=False
    )
    with pytest.raises(ValueError, match="are not unique"):
        twice.fit(frame).get_feature_names_out()


def test_one_name_gives_a_vector(frame):
    class Lengths:
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            assert X.ndim == 1
            return np.array([[len(word)] for word in X])

        def get_params(self, deep=True):
            return {}

    moved = ColumnTransformer([("lengths", Lengths(), "color")]).fit_transform(frame)
    assert moved.ravel().tolist() == [len(word) for word in frame["color"]]


@pytest.mark.reference
def test_a_union_is_scikit_learns():
    X = np.random.default_rng(2).normal(size=(25, 3))

    def build(room, scaler, polynomial):
        return room(
            [("a", scaler()), ("b", polynomial()), ("c", "passthrough"), ("d", "drop")],
            transformer_weights={"b": 0.5},
        )

    ours = build(FeatureUnion, StandardScaler, PolynomialFeatures)
    theirs = build(
        pipeline.FeatureUnion, preprocessing.StandardScaler, preprocessing.PolynomialFeatures
    )
    np.testing.assert_allclose(ours.fit_transform(X), theirs.fit_transform(X), rtol=1e-12)
    np.testing.assert_allclose(ours.fit(X).transform(X), theirs.transform(X), rtol=1e-12)
    names = ["u", "v", "w"]
    ours.set_params(c="drop")
    theirs.set_params(c="drop")
    assert list(ours.get_feature_names_out(names)) == list(theirs.get_feature_names_out(names))
    assert ours.n_features_in_ == 3


def test_unions_that_cannot_be_are_refused():
    with pytest.raises(TypeError, match="should implement fit and transform"):
        make_union(Ridge()).fit([[1.0]])
    with pytest.raises(ValueError, match="Attempting to weight transformer 'x'"):
        FeatureUnion([("a", StandardScaler())], transformer_weights={"x": 1}).fit([[1.0]])
    assert FeatureUnion([("a", "drop")]).fit([[1.0]]).transform([[1.0]]).shape == (1, 0)
