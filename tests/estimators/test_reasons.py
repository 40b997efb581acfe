"""Contributions of columns: they add up to scores, and name the columns that act."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.ensemble import RandomForestClassifier
from torch import nn

from contract import TRANSFER, blobs, fitted, names
from fourfold import (
    CORAL,
    Blend,
    Domain,
    FineTune,
    Linear,
    Offset,
    OTMapping,
    Pooled,
    Recipe,
    Standardized,
    SubspaceAlignment,
    load,
    save,
)
from fourfold.errors import ParameterError
from fourfold.estimators.reasons.contributions import Contributions

PILES = blobs()
LOOKED_INTO = [m for m in TRANSFER if "explain" not in vars(m)]


def scores(model, X):
    """Return the scores that are explained."""
    outputs = model.outputs(X).astype(float)
    if not model.task_.has_classes:
        return outputs * model.task_.scale_ + model.task_.mean_
    if outputs.shape[1] == 2:
        return outputs[:, 1:] - outputs[:, :1]
    return outputs - outputs.mean(1, keepdims=True)


@pytest.mark.parametrize("method", LOOKED_INTO, ids=names(LOOKED_INTO))
def test_contributions_add_up(method):
    model = fitted(method, PILES)
    found = model.explain(PILES.X)
    assert found.columns == [0, 1, 2, 3]
    if model.task_.has_classes:
        wanted = scores(model, PILES.X)
        assert np.abs(found.scores - wanted).max() < 0.02 * max(1, np.abs(wanted).max())


def table(n=300, seed=0):
    """Draw a table whose label depends on a number and a category, with missing cells."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "amount": rng.normal(size=n),
            "noise": rng.normal(size=n),
            "branch": rng.choice(list("abc"), n),
            "since": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        }
    )
    y = (frame["amount"] + (frame["branch"] == "a") + 0.3 * rng.normal(size=n) > 0.5).astype(int)
    frame.loc[::9, "noise"] = np.nan
    return frame, y.to_numpy()


FRAME, LABELS = table()
SOURCE = Domain(FRAME[:150], LABELS[:150])
FEW, FEW_LABELS, REST = FRAME[150:210], LABELS[150:210], FRAME[210:]
MEMBERS = (Pooled(base="boosting"), Pooled(), FineTune(network="mlp"))


@pytest.mark.parametrize(
    "model",
    [
        *(Linear(), Pooled(base="boosting"), Offset()),
        Blend(members=MEMBERS),
        Blend(members=MEMBERS, weights=(0.5, 0.3, 0.2), scale="probabilities"),
    ],
    ids=["line", "trees", "both", "log-odds", "probabilities"],
)
def test_those_of_a_table_are_by_its_columns(model, tmp_path):
    model.fit(FEW, FEW_LABELS, source=SOURCE)
    columns, values, base = model.explain(REST)
    assert set(columns) == set(FRAME)
    np.testing.assert_allclose(base + values.sum(1), scores(model, REST), atol=0.05)
    size = dict(zip(columns, np.abs(values[..., 0]).mean(0), strict=True))
    assert min(size["amount"], size["branch"]) > max(size["noise"], size["since"])
    save(model, tmp_path / "model")
    np.testing.assert_allclose(load(tmp_path / "model").explain(REST)[1], values, atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        CORAL(base="boosting"),
        OTMapping(base="boosting"),
        SubspaceAlignment(base="boosting"),
        Standardized(base="kernel"),
        Pooled(base=RandomForestClassifier(20, max_depth=3, random_state=0)),
    ],
    ids=["CORAL", "OT", "subspaces", "kernel", "forest"],
)
def test_models_behind_alignments_and_of_scikit_learn_have_reasons_too(model):
    model.fit(FEW, FEW_LABELS, source=SOURCE)
    columns, values, base = model.explain(REST)
    np.testing.assert_allclose(base + values.sum(1), scores(model, REST), atol=0.05)
    size = dict(zip(columns, np.abs(values[..., 0]).mean(0), strict=True))
    assert max(size, key=size.get) in {"amount", "branch"}
    assert size["amount"] > size["noise"]


class Edge(nn.Module):
    """A step, as good as without gradients."""

    def forward(self, x):
        return torch.tanh(2000 * x)


def test_reasons_add_up_where_gradients_jump():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), Edge())
    model = FineTune(network=network, recipe=Recipe(steps=20))
    model.fit(PILES.X, PILES.y, source=PILES.source)
    found, wanted = model.explain(PILES.X), scores(model, PILES.X)
    assert np.abs(found.scores - wanted).max() < 0.1 * np.abs(wanted).max()


def test_a_row_alone_has_the_reasons_that_it_has_among_others():
    model = Pooled(base="boosting").fit(FEW, FEW_LABELS, source=SOURCE)
    np.testing.assert_allclose(model.explain(REST[:1])[1], model.explain(REST)[1][:1], atol=1e-6)


def test_numbers_have_reasons_in_their_units():
    y = 1000 * FRAME["amount"].to_numpy() + 50
    model = Linear().fit(FRAME[:200], y[:200])
    columns, values, base = model.explain(REST)
    amount = values[:, columns.index("amount"), 0]
    np.testing.assert_allclose((base + values.sum(1))[:, 0], model.predict(REST), rtol=1e-4)
    assert np.corrcoef(amount, FRAME["amount"][210:])[0, 1] > 0.999
    assert 900 < np.polyfit(FRAME["amount"][210:], amount, 1)[0] < 1100


def test_words_are_the_reasons_of_texts():
    texts = ["good film", "bad film", "good plot", "bad plot"] * 5
    found = Linear().fit(texts, ["yes", "no", "yes", "no"] * 5).explain(["good film"])
    assert set(found.strongest(2, np.array([1]))[0][0]) == {"good", "bad"}


def test_the_strongest_speak_for_the_class_that_is_asked_for():
    found = Contributions(["a", "b"], np.array([[[0.5], [-2.0]]]), np.zeros(1))
    names_of, values = found.strongest(2, np.array([0]))
    assert names_of.tolist() == [["b", "a"]]
    assert values.tolist() == [[2.0, -0.5]]


def test_pictures_have_no_columns():
    pictures = np.random.default_rng(0).random((20, 8, 8)).astype(np.float32)
    model = Linear().fit(pictures, np.arange(20) % 2)
    with pytest.raises(ParameterError, match="explain must be asked of a model of a table"):
        model.explain(pictures)
