"""Counts among the parameters are whole numbers."""

import numpy as np
import pytest

from groundup.classical.agglomerative import AgglomerativeClustering
from groundup.classical.dbscan import DBSCAN
from groundup.classical.gaussian_mixture import GaussianMixture
from groundup.classical.k_means import KMeans
from groundup.classical.mini_batch_k_means import MiniBatchKMeans
from groundup.classical.multidimensional_scaling import MDS, ClassicalMDS
from groundup.classical.nmf import NMF
from groundup.classical.parameter_values import check_number, check_whole
from groundup.classical.pca import PCA
from groundup.classical.truncated_svd import TruncatedSVD
from groundup.classical.tsne import TSNE

X = np.random.default_rng(0).random((12, 3))


@pytest.mark.parametrize("wrong", [0, -1, 2.0, 2.5, "2", True, [2], float("nan")], ids=repr)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (KMeans, "n_clusters"),
        (KMeans, "max_iter"),
        (MiniBatchKMeans, "n_clusters"),
        (MiniBatchKMeans, "batch_size"),
        (GaussianMixture, "n_components"),
        (GaussianMixture, "max_iter"),
        (GaussianMixture, "n_init"),
        (AgglomerativeClustering, "n_clusters"),
        (DBSCAN, "min_samples"),
        (NMF, "n_components"),
        (NMF, "max_iter"),
        (TSNE, "n_components"),
        (TSNE, "max_iter"),
        (MDS, "n_components"),
        (MDS, "n_init"),
        (ClassicalMDS, "n_components"),
        (TruncatedSVD, "n_components"),
    ],
)
def test_what_is_no_count_is_refused(kind, name, wrong):
    others = {"perplexity": 2} if kind is TSNE else {}
    with pytest.raises(ValueError, match=f"{name} is "):
        kind(**{name: wrong}, **others).fit(X)


def test_numpys_whole_numbers_are_whole():
    model = KMeans(np.int32(2), random_state=0)
    check_whole(model, "n_clusters")
    assert set(model.fit(X).labels_) == {0, 1}


@pytest.mark.parametrize("wrong", [2.5, [2], True, float("nan")], ids=repr)
def test_so_are_principal_components_unless_a_share(wrong):
    with pytest.raises(ValueError, match="n_components"):
        PCA(wrong).fit(X)


@pytest.mark.parametrize("wrong", [-1.0, "1", True, [1.0], float("nan")], ids=repr)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (KMeans, "tol"),
        (GaussianMixture, "reg_covar"),
        (DBSCAN, "eps"),
        (NMF, "alpha_W"),
        (NMF, "alpha_H"),
        (TSNE, "perplexity"),
        (TSNE, "early_exaggeration"),
        (MDS, "eps"),
    ],
)
def test_what_is_no_size_is_refused(kind, name, wrong):
    with pytest.raises(ValueError, match=f"{name} is "):
        kind(**{name: wrong}).fit(X)
    with pytest.raises(ValueError, match=f"{name} is "):
        check_number(kind(**{name: wrong}), name)


def test_a_threshold_is_a_number():
    with pytest.raises(ValueError, match="distance_threshold is 'near'"):
        AgglomerativeClustering(None, distance_threshold="near").fit(X)
