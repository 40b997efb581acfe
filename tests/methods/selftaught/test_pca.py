"""The baseline of principal components is scikit-learn's, and a linear model on them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from fourfold.data.domain import Domain
from fourfold.methods.selftaught.pca import LinearPCA


def ready(model, X):
    """Return rows as the network gets them, standardized."""
    return model.prepare_.transform(model.ready(X), "").take(np.arange(len(X)))


@pytest.mark.parametrize("with_source", [True, False])
def test_components_are_those_of_both_domains(with_source):
    X, y = load_digits(return_X_y=True)
    few, others = X[:150].astype(np.float32), X[150:400].astype(np.float32)
    source = {"source": Domain(others)} if with_source else {}
    model = LinearPCA(variance=0.8, n_components=10, alpha=1.0).fit(few, y[:150], **source)
    rows = np.concatenate(
        [ready(model, part) for part in ([others, few] if with_source else [few])]
    )
    pca = PCA(10, random_state=0).fit(rows)
    wanted = pca.transform(ready(model, few))
    found = model.embed(few)
    assert found.shape == wanted.shape
    signs = np.sign((found * wanted).sum(axis=0))
    np.testing.assert_allclose(found * signs, wanted, atol=1e-3)
    linear = LogisticRegression(C=1.0, max_iter=1000).fit(found, y[:150])
    np.testing.assert_allclose(model.predict_proba(few), linear.predict_proba(found), atol=2e-3)


def test_as_many_are_kept_as_explain_the_variance():
    X, y = load_digits(return_X_y=True)
    widths = [
        LinearPCA(variance=share).fit(X[:150], y[:150]).embed(X[:2]).shape[1]
        for share in (0.3, 0.6, 0.9)
    ]
    assert widths == sorted(set(widths))
    assert LinearPCA(variance=1.0, n_components=7).fit(X[:50], y[:50]).embed(X[:2]).shape == (2, 7)
