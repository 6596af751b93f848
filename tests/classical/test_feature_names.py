"""Names of columns: remembered, made up, given, and refused."""

import pandas as pd
import pytest

from groundup.classical.estimator import NotFittedError
from groundup.classical.feature_names import default_names
from groundup.classical.scaling import StandardScaler


def test_a_frames_names_are_kept():
    scaler = StandardScaler().fit(pd.DataFrame({"a": [1.0, 2.0], "b": [0.0, 1.0]}))
    assert list(scaler.get_feature_names_out()) == ["a", "b"]
    assert list(scaler.get_feature_names_out(["a", "b"])) == ["a", "b"]
    with pytest.raises(ValueError, match="not equal to feature_names_in_"):
        scaler.get_feature_names_out(["b", "a"])


def test_others_are_numbered_or_given():
    scaler = StandardScaler().fit([[1.0, 2.0], [2.0, 1.0]])
    assert list(scaler.get_feature_names_out()) == ["x0", "x1"]
    assert list(scaler.get_feature_names_out(["u", "v"])) == ["u", "v"]
    with pytest.raises(ValueError, match="equal to number of features"):
        scaler.get_feature_names_out(["u"])
    assert list(default_names(2, "pca")) == ["pca0", "pca1"]


def test_there_are_none_before_fit():
    with pytest.raises(NotFittedError):
        StandardScaler().get_feature_names_out()
