"""Normalized counts are those of scikit-learn's Normalizer."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.preprocessing import normalize

from fourfold.networks.normalized_counts import NormalizedCounts

X = np.random.default_rng(0).poisson(1.0, (20, 6)).astype(np.float32)
X[3] = 0


@pytest.mark.parametrize("norm", ["l1", "l2"])
def test_rows_are_divided_by_their_norm(norm):
    body = NormalizedCounts(norm=norm).build((6,))
    np.testing.assert_allclose(body(torch.from_numpy(X)), normalize(X, norm), rtol=1e-6)
    assert not body(torch.zeros(1, 6)).any()


def test_a_codebook_counts_below_the_norm():
    body = NormalizedCounts(n_words=4).build((2, 3))
    assert [name for name, _ in body.named_children()] == ["flatten", "codes", "normalize"]
    features = body(torch.from_numpy(X).unflatten(1, (2, 3)))
    assert features.shape == (20, body.width) == (20, 24)
    torch.testing.assert_close(features.sum(1), torch.ones(20))
