"""MurmurHash3 against scikit-learn's copy of Appleby's own code."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils import murmurhash3_32

from groundup.classical.feature_hashing import FeatureHasher
from groundup.classical.murmur_hash import murmur_hash, murmur_hashes
from groundup.swap import Replacement, replaced


@pytest.mark.reference
@given(st.lists(st.binary(max_size=40), max_size=20), st.integers(0, 2**32 - 1))
def test_hashes_are_applebys(keys, seed):
    wanted = [murmurhash3_32(key, seed=seed) for key in keys]
    assert [murmur_hash(key, seed) for key in keys] == wanted
    assert murmur_hashes(keys, seed).tolist() == wanted


def test_every_bit_is_as_often_one():
    hashes = murmur_hashes([f"key {i}".encode() for i in range(20000)])
    bits = hashes.view(np.uint32)[:, None] >> np.arange(32, dtype=np.uint32) & 1
    # a fair coin thrown 20,000 times: 5 deviations of 0.0035
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.018


def test_a_learners_hash_runs_in_the_hasher():
    other = Replacement(
        part="classical.murmur_hash:murmur_hash", file="", name="", sha256="",
        function=lambda key, seed=0: len(key),
    )  # fmt: skip
    with replaced([other]):
        assert FeatureHasher(4).transform([{"abc": 5}]).tolist() == [[0, 0, 0, 5]]
