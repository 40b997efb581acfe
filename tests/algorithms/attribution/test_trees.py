"""Shapley values of trees are LightGBM's, from the file that a model is saved as."""

from __future__ import annotations

import lightgbm
import numpy as np
import pytest

from fourfold.algorithms.additive.boosting import Objective, Size, grow
from fourfold.algorithms.additive.ensemble import LEAF, Ensemble, parse
from fourfold.algorithms.additive.reading import read_additive
from fourfold.algorithms.attribution.trees import expected, shapley_values
from tests.algorithms.additive.test_ensemble import (
    CATEGORIES,
    GOALS,
    X,
    additive,
    sample,
    strange_rows,
)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_contributions_are_those_of_lightgbm(kind):
    goal = GOALS[kind]
    objective = Objective(kind, 3 if kind == "multiclass" else 1)
    text = grow(sample(kind), objective, Size(8, 20, 5, 0.1), CATEGORIES, 0)
    read = read_additive(additive(parse(text), goal).onnx)
    rows = np.vstack([X[:200], strange_rows()])
    mine = shapley_values(read.ensemble, rows, goal.columns)
    bases = expected(read.ensemble, goal.columns) + read.line.bias
    theirs = lightgbm.Booster(model_str=text).predict(rows, pred_contrib=True)
    theirs = theirs.reshape(len(rows), goal.columns, -1)
    np.testing.assert_allclose(mine, theirs[..., :-1].transpose(0, 2, 1), atol=1e-5)
    np.testing.assert_allclose(bases, theirs[0, :, -1], atol=1e-5)


def test_the_values_of_two_features_that_act_together():
    """x₀ and x₁ both over 0 is worth 1; half of the rows pass each split: v(∅) = ¼, v({i}) = ½."""
    ensemble = Ensemble(
        outputs=np.zeros(1, int),
        tree=np.zeros(5, int),
        feature=np.array([0, LEAF, 1, LEAF, LEAF]),
        threshold=np.zeros(5),
        chosen=np.full(5, -1),
        missing_left=np.zeros(5, bool),
        left=np.array([1, 1, 3, 3, 4]),
        right=np.array([2, 1, 4, 3, 4]),
        value=np.array([0.0, 0.0, 0.0, 0.0, 1.0]),
        cover=np.array([4.0, 2.0, 2.0, 1.0, 1.0]),
    )
    values = shapley_values(ensemble, np.array([[1.0, 1.0], [-1.0, 1.0]]), 1)[..., 0]
    np.testing.assert_allclose(values, [[0.375, 0.375], [-0.375, 0.125]])
    assert expected(ensemble, 1) == pytest.approx(0.25)
