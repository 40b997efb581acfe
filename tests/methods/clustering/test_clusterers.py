"""What all clusterers have in common: new rows, saving, kinds of data, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.metrics import normalized_mutual_info_score
from torch import nn

from contract import same_bits
from digit_pairs import ALL, COUNTING, fitted, pair
from fourfold import Domain
from fourfold.algorithms.clustering.counts import cluster_entropy
from fourfold.bundle import export, save
from fourfold.errors import DataError, ParameterError
from fourfold.methods.clustering.kmeans import KMeansClustering
from fourfold.methods.clustering.latent_kmeans import LatentKMeans
from fourfold.methods.clustering.self_taught import SelfTaughtClustering
from fourfold.methods.saved import load
from fourfold.networks.cut import cut
from fourfold.preparation.choose import AsIs


@pytest.fixture(scope="module", params=ALL)
def model(request):
    X, _, _, _, rest = pair(0, 1)
    return fitted(request.param, X, rest)


def test_every_method_tells_easy_digits_apart(model):
    X, y, new, new_y, _ = pair(0, 1)
    assert model.score(X, y) > 0.9
    assert model.score(new, new_y) > 0.9
    assert cluster_entropy(y, model.labels_) < 0.1


def test_labels_are_what_is_predicted(model):
    X, *_ = pair(0, 1)
    assert np.array_equal(model.labels_, model.predict(X))
    assert np.array_equal(model.outputs(X).argmax(axis=1), model.labels_)
    assert set(model.labels_) == {0, 1}
    assert model.findings_ or not isinstance(model, SelfTaughtClustering)


def test_they_are_saved_and_exported(model, tmp_path):
    X, *_ = pair(0, 1)
    loaded = load(save(model, tmp_path / "model"))
    assert same_bits(loaded.outputs(X), model.outputs(X))
    assert np.array_equal(loaded.labels_, model.labels_)
    assert loaded.findings_ == model.findings_
    assert export(model, tmp_path / "model.onnx") < 1e-4


def test_labels_are_not_looked_at():
    X, y, _, _, rest = pair(3, 8)
    for method in ALL:
        without = fitted(method, X, rest)
        with_ = fitted(method, Domain(X, y), rest)
        assert same_bits(without.outputs(X), with_.outputs(X))


@pytest.mark.parametrize("method", [method for method in ALL if method is not LatentKMeans])
def test_sparse_counts_are_as_dense_ones(method):
    X, _, _, _, rest = pair(0, 6)
    dense = fitted(method, X, rest)
    sparse_ = method(**dense.get_params(deep=False)).fit(
        sparse.csr_array(X), source=Domain(sparse.coo_array(rest))
    )
    assert normalized_mutual_info_score(dense.labels_, sparse_.labels_) > 0.9


@pytest.mark.parametrize("method", ALL)
def test_texts_are_clustered_by_their_words(method):
    river = ["the river runs to the sea", "the sea is wide and the river long", "river and sea"]
    oven = ["bake the bread in the oven", "bread and cake from the oven", "cake in an oven"]
    beside = ["the sea the river", "bread cake", "oven bread cake", "river sea wide"] * 3
    model = fitted(method, [*river, *oven] * 2, beside, n_clusters=2)
    assert model.labels_.shape == (12,)
    assert model.predict(["a river", "some bread"]).shape == (2,)


@pytest.mark.parametrize("method", ALL)
@pytest.mark.parametrize("kind", ["dense", "sparse", "signed"])
def test_fewer_distinct_rows_than_clusters(method, kind):
    """No library warns; rows that are alike are together, and the findings say so."""
    distinct = np.array([[4.0, 1, 0], [0, 3, 2], [1, 0, 5]])
    X = np.repeat(distinct, 4, axis=0) - (2 if kind == "signed" else 0)
    X = sparse.csr_array(X) if kind == "sparse" else X
    model = fitted(method, X, X, n_clusters=8)
    assert normalized_mutual_info_score(np.repeat([0, 1, 2], 4), model.labels_) > 0.5
    if method in {KMeansClustering, LatentKMeans}:
        assert len(set(model.labels_)) == 3
        assert vars(model.findings_[-1])["values"] == {
            "clusters with rows": "3 of 8: other rows are alike"
        }


def test_tables_go_through_a_codebook():
    random = np.random.default_rng(0)
    size = np.concatenate([random.normal(0, 1, 40), random.normal(8, 1, 40)])
    frame = pd.DataFrame({"size": size, "kind": ["small"] * 40 + ["large"] * 40})
    for method in COUNTING:
        model = fitted(method, frame, frame[::2])
        assert normalized_mutual_info_score([0] * 40 + [1] * 40, model.labels_) > 0.8


def test_a_frozen_network_gives_the_features():
    X, _, _, _, rest = pair(0, 1)
    network = nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 2))
    with pytest.raises(ParameterError, match="must be a Cut or be None"):
        fitted(KMeansClustering, X, rest, network=network)
    for method in ALL:
        model = fitted(method, X, rest, network=cut(network, "1"), prepare=None)
        assert model.outputs(X).shape == (24, 2)


def refused(method, X, *words, source=None, error=DataError, **parameters):
    rest = pair(0, 1)[4] if source is None else source
    with pytest.raises(error) as caught:
        fitted(method, X, rest, **parameters)
    said = str(caught.value)
    assert "\n" not in said
    for word in words:
        assert word in said


def test_bad_counts_are_refused():
    X, _, _, _, rest = pair(0, 1)
    hole, negative = X.copy(), X.copy()
    hole[3] = 0
    negative[2, 5] = -1
    for method in COUNTING:
        refused(method, hole, "every row must have a count above 0", "position 3", "target")
        refused(method, negative, "at least 0", "a codebook", codebook=None, prepare=AsIs())
        assert len(fitted(method, negative, rest).labels_) == 24
        model = fitted(method, X, rest)
        with pytest.raises(DataError, match="1 empty row, the first at position 3"):
            model.predict(hole)
        with pytest.raises(DataError, match="2 empty rows, the first at position 0"):
            model.outputs(sparse.csr_array((2, 64)))
    empty = rest.copy()
    empty[7] = 0
    refused(SelfTaughtClustering, X, "1 empty row in the source", "position 7", source=empty)
    refused(SelfTaughtClustering, X, "(64,)", "(63,)", source=rest[:, 1:])


def test_numbers_that_make_no_sense_are_refused():
    X, *_ = pair(0, 1)
    for method in ALL:
        refused(method, X[:5], "n_clusters must be at most", "6 clusters", n_clusters=6)
    refused(SelfTaughtClustering, X, "lambda_", "[0, inf)", "-1", error=ParameterError, lambda_=-1)
    for method in (SelfTaughtClustering, LatentKMeans):
        with pytest.raises(ParameterError, match="got no source"):
            method().fit(X)
        with pytest.raises(ParameterError, match="must be a Domain"):
            method().fit(X, source=KMeansClustering().fit(X))


@pytest.mark.parametrize("method", ALL)
def test_earlier_names_of_parameters_are_answered(method):
    for old, new in method.renamed.items():
        with pytest.raises(ParameterError, match=f"must be written {new}"):
            method(**{old: 2})
