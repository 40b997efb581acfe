"""Methods of adaptation without a network: rotated moons, words, numbers, files and labels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.datasets import load_diabetes

from fourfold import Domain, SourceOnly, load, save
from fourfold.algorithms.label_shift import shares_by_likelihood
from fourfold.errors import DataError
from fourfold.methods.adaptation.coral import CORAL
from fourfold.methods.adaptation.label_shift import LabelShift
from fourfold.methods.adaptation.ot_mapping import OTMapping
from fourfold.methods.adaptation.self_training import SelfTraining
from fourfold.methods.adaptation.standardized import Standardized
from fourfold.methods.adaptation.subspace_alignment import SubspaceAlignment
from fourfold.methods.baselines.source_boosted import SourceBoosted
from fourfold.methods.baselines.source_linear import SourceLinear
from methods.adaptation.rotated import accuracy, moons

ALIGNING = (CORAL, SubspaceAlignment, OTMapping, Standardized)
METHODS = (*ALIGNING, SelfTraining)
BASES = ("linear", "kernel", "boosting")


@pytest.mark.parametrize(
    ("method", "least"),
    [
        (CORAL(base="kernel"), 0.9),
        (CORAL(base="boosting"), 0.88),
        (SubspaceAlignment(base="kernel", variance=1.0), 0.82),
        (OTMapping(base="kernel"), 0.79),
        (SelfTraining(base="kernel"), 0.98),
    ],
    ids=lambda one: f"{one}"[:20],
)
def test_rotated_moons_are_told_apart(method, least):
    """The source's network as it is has about .67 there."""
    assert accuracy(method) > least


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("method", METHODS)
def test_a_saved_model_predicts_the_same(method, base, tmp_path):
    source, X, _ = moons(0)
    model = method(base=base).fit(X[:80], source=source)
    save(model, tmp_path / "model")
    np.testing.assert_array_equal(load(tmp_path / "model").outputs(X), model.outputs(X))


@pytest.mark.parametrize("method", METHODS)
def test_units_of_the_target_do_not_matter(method):
    source, X, _ = moons(0)
    model, other = method().fit(X, source=source), method().fit(100 * X + 7, source=source)
    assert (model.predict(X) == other.predict(100 * X + 7)).mean() > 0.99


@pytest.mark.parametrize("method", METHODS)
def test_known_labels_take_part(method):
    """The target's classes are exchanged: only its labels can tell."""
    source, X, y = moons(0)
    some = np.where(np.arange(300) < 150, 1 - y, -1)
    model = method(base="kernel").fit(X, some, source=source)
    assert model.score(X[150:], 1 - y[150:]) > 0.7


@pytest.mark.parametrize("method", METHODS)
def test_words_and_counts_are_rows_too(method):
    rng = np.random.default_rng(0)
    y = np.arange(200) % 2
    rates = 0.05 + 0.4 * (np.arange(300)[None] // 150 == y[:, None])
    counts = rng.poisson(rates * rng.uniform(0.3, 1, (1, 300))).astype(np.float32)
    source, target = (sparse.csr_matrix(part) for part in (counts[:100], 2 * counts[100:]))
    model = method().fit(target, source=Domain(source, y[:100]))
    assert model.score(target, y[100:]) > 0.85


@pytest.mark.parametrize("method", ALIGNING)
def test_numbers_are_aligned_too(method):
    X, y = load_diabetes(return_X_y=True)
    shifted = X[220:] * 3 + 1
    source = Domain(X[:220], y[:220])
    as_it_is = SourceOnly().fit(shifted, source=source).score(shifted, y[220:])
    assert method().fit(shifted, source=source).score(shifted, y[220:]) > max(0.2, as_it_is)


def test_self_training_is_of_classes():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(DataError, match="classes"):
        SelfTraining().fit(X, source=Domain(X, y))


# --- label shift ----------------------------------------------------------------------------------


def test_the_likeliest_shares_are_those_of_the_rows():
    """Two Gaussians with known densities: the model of equal shares is exact."""
    rng = np.random.default_rng(0)
    y = rng.random(20_000) < 0.9
    x = rng.normal(np.where(y, 1.0, -1.0))
    p = 1 / (1 + np.exp(-2 * x))  # for equal shares
    both, equal = np.column_stack([1 - p, p]), np.array([0.5, 0.5])
    found = shares_by_likelihood(both, equal)
    np.testing.assert_allclose(found, [0.1, 0.9], atol=0.01)
    held = shares_by_likelihood(both, equal, strength=20_000)
    assert found[1] > held[1] > 0.6


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_shifted_shares_are_corrected(base):
    rng = np.random.default_rng(0)

    def draw(n, share):
        y = (rng.random(n) < share).astype(int)
        return rng.normal(size=(n, 3)) + np.array([1.2, 0.4, 0.0]) * y[:, None], y

    X, y = draw(2000, 0.5)
    Xt, yt = draw(2000, 0.1)
    source = Domain(X, y)
    alone = (SourceLinear() if base == "linear" else SourceBoosted()).fit(Xt, source=source)
    model = LabelShift(base=base).fit(Xt, source=source)
    assert model.score(Xt, yt) > alone.score(Xt, yt) + 0.08
    assert abs(model.predict_proba(Xt)[:, 1].mean() - 0.1) < 0.04
    before, after = (m.predict_proba(Xt)[:, 1] for m in (alone, model))
    assert spearmanr(before, after).statistic > 0.99  # ranks stay
    (facts,) = model.fitted_.findings
    assert facts.values["1"].startswith("0.5")
