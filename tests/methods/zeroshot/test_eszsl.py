"""ESZSL is its closed form."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import ESZSL
from methods.zeroshot.worlds import parted, signatures


@pytest.mark.parametrize("rows", [2, 30])  # fewer rows than features, and more
def test_eszsl_is_its_formula(rows):
    source, target, _ = parted(rows=rows, classes=8)
    model = ESZSL(gamma=0.7, lambda_=0.3).fit(target, source=source)
    X = model.embed(source.rows).astype(float)
    X = X - X.mean(0)
    Y = np.where(source.y[:, None] == np.array(model.seen_), 1.0, -1.0)
    S = signatures(model, source.classes).double().numpy()
    S = S - S.mean(0)
    left = np.linalg.inv(X.T @ X + 0.7 * np.eye(9))
    W = left @ X.T @ Y @ S @ np.linalg.inv(S.T @ S + 0.3 * np.eye(6))
    np.testing.assert_allclose(model.model_.head.f.weight.detach().T, W, atol=1e-5)


def test_a_grid_is_as_single_solutions():
    source, target, _ = parted(noise=2.0)
    model = ESZSL().fit(target, source=source)
    alone = ESZSL(gamma=model.gamma_, lambda_=model.lambda__).fit(target, source=source)
    assert model.outputs(target.rows).tobytes() == alone.outputs(target.rows).tobytes()
