"""Scores of trees only rise or fall with a column, where that is asked for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from fourfold import Domain, Study, load, save
from fourfold.errors import ParameterError
from fourfold.methods.baselines.target_boosted import TargetBoosted
from fourfold.methods.finetuning.boosted import Boosted
from fourfold.methods.finetuning.offset import Offset
from fourfold.methods.finetuning.pooled import Pooled
from fourfold.methods.finetuning.recalibrated import Recalibrated

RNG = np.random.default_rng(0)
N = 700
INCOME, AGE = RNG.uniform(0, 10, N), RNG.uniform(20, 60, N)
BAD = RNG.uniform(size=N) < 1 / (1 + np.exp(0.3 * INCOME + 1.5 * np.sin(2 * INCOME)))
TABLE = pd.DataFrame(
    {"age": AGE, "town": np.array(["a", "b"])[RNG.integers(0, 2, N)], "income": INCOME}
)
LABELS = np.where(BAD, "yes", "no")
SOURCE = Domain(TABLE[:500], LABELS[:500])
GRID = pd.DataFrame({"age": 40.0, "town": "a", "income": np.linspace(0, 10, 200)})
METHODS = [
    Pooled(base="boosting"), Recalibrated(base="boosting"), Boosted(), Offset(alpha=1e9),
    TargetBoosted(),
]  # fmt: skip
each = pytest.mark.parametrize("method", METHODS, ids=lambda m: type(m).__name__)


def rises(model):
    """Return the largest rise of the probability of yes along the income."""
    return float(np.diff(model.predict_proba(GRID)[:, 1]).max())


@each
def test_probabilities_only_fall_where_that_is_asked_for(method, tmp_path):
    few = (TABLE[500:], LABELS[500:])
    bound = method.set_params(monotonic_cst={"income": -1}).fit(*few, source=SOURCE)
    assert rises(bound) <= 1e-7
    assert rises(load(save(bound, tmp_path / "model"))) <= 1e-7
    if type(method) is not TargetBoosted:  # small trees on few labels may not rise either
        assert rises(method.set_params(monotonic_cst=None).fit(*few, source=SOURCE)) > 0.02


def test_vectors_have_a_direction_for_each_feature():
    X = TABLE[["age", "income"]].to_numpy()
    model = Pooled(base="boosting", monotonic_cst=(0, -1))
    model.fit(X[500:], LABELS[500:], source=Domain(X[:500], LABELS[:500]))
    grid = GRID[["age", "income"]].to_numpy()
    assert np.diff(model.predict_proba(grid)[:, 1]).max() <= 1e-7


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"town": 1}, "must name columns of numbers; got 'town'"),
        ({"wage": 1}, "must name columns of numbers; got 'wage'"),
        ({"income": 2}, "must be of −1, 0 and 1 alone; got 2"),
        ((1, 0), "must be a dict by columns of a table"),
    ],
)
def test_directions_that_do_not_fit_are_refused(given, word):
    with pytest.raises(ParameterError) as error:
        Boosted(monotonic_cst=given).fit(TABLE[500:], LABELS[500:], source=SOURCE)
    assert word in str(error.value)


def test_studies_refuse_them_before_they_train(tmp_path):
    few = Domain(TABLE[500:], LABELS[500:])
    for method, why in [
        (Boosted(monotonic_cst={"town": 1}), "got 'town', one of kind category"),
        (Pooled(base="boosting", monotonic_cst={"wage": 1}), "got 'wage', no column"),
        (Pooled(base=Ridge()), "base must be a classifier; got Ridge"),
    ]:
        with pytest.raises(ParameterError, match=why):
            Study(SOURCE, few, methods=[method], output=tmp_path)


def test_directions_are_for_trees_and_for_at_most_two_classes():
    with pytest.raises(ParameterError, match="monotonic_cst"):
        Pooled(monotonic_cst={"income": 1}).fit(TABLE[500:], LABELS[500:], source=SOURCE)
    three = np.arange(N) % 3
    with pytest.raises(ParameterError, match="more than two classes"):
        Boosted(monotonic_cst={"income": 1}).fit(
            TABLE[500:], three[500:], source=Domain(TABLE[:500], three[:500])
        )
