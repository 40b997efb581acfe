"""Features: alike rows of any kind lie in one direction."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

from fourfold import Domain, SourceOnly
from fourfold.picking.features import features_of
from samples import rows


def test_principal_components_of_all_domains_have_length_one():
    X, _ = rows()
    points, name = features_of([Domain(X[:40]), Domain(X[40:])], None, None, 0)
    assert points.shape == (60, 5)
    np.testing.assert_allclose(np.linalg.norm(points, axis=1), 1, atol=1e-6)
    assert name == "principal components of the inputs"


def test_texts_pictures_and_sparse_rows_have_features():
    texts = ["ball team goal", "team ball match", "bread soup salt", "salt soup oven"] * 3
    points, _ = features_of([Domain(texts)], None, None, 0)
    assert points[0] @ points[1] > 0 > points[0] @ points[2]
    pictures = np.random.default_rng(0).integers(0, 255, (20, 6, 6, 3), np.uint8)
    assert features_of([Domain(pictures)], None, None, 0)[0].shape == (20, 20)
    counts = sp.random(30, 8, 0.3, format="csr", random_state=0, dtype=np.float32)
    assert features_of([Domain(counts)], None, None, 0)[0].shape == (30, 8)


def test_a_model_gives_its_own_features():
    X, y = rows()
    model = SourceOnly(network="mlp").fit(X, source=Domain(X, y))
    points, name = features_of([Domain(X)], model, None, 0)
    assert points.shape == (60, model.embed(X).shape[1])
    assert name == "features of SourceOnly"
