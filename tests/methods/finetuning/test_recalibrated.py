"""A recalibrated score keeps the source's ranks, and gets level and slope of the target."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer

from fourfold import Domain, SourceOnly
from fourfold.methods.finetuning.recalibrated import Recalibrated
from methods.finetuning.patients import gains

X, Y = load_breast_cancer(return_X_y=True)
SOURCE = Domain(X[:300], Y[:300])


def log_odds(model):
    return model.outputs(X[300:])[:, 1] - model.outputs(X[300:])[:, 0]


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_ranks_stay_the_sources_whatever_the_labels_are(base):
    rng = np.random.default_rng(0)
    noisy = [
        np.where(rng.uniform(size=40) < share, 1 - Y[300:340], Y[300:340]) for share in (0, 0.2)
    ]
    fits = [Recalibrated(base=base).fit(X[300:340], y, source=SOURCE) for y in noisy]
    scores = [log_odds(model) for model in fits]
    assert spearmanr(*scores).statistic == pytest.approx(1)
    assert np.abs(scores[0] - scores[1]).max() > 0.1


def test_a_strong_penalty_moves_the_level_alone():
    held = Recalibrated(penalty=1e9).fit(X[300:340], Y[300:340], source=SOURCE)
    free = Recalibrated(penalty=0.1).fit(X[300:340], 1 - Y[300:340], source=SOURCE)
    few = np.where(np.arange(40) < 9, Y[300:340], -1)  # on the same rows the source's model is one
    score = log_odds(Recalibrated(penalty=1e9).fit(X[300:340], few, source=SOURCE))
    np.testing.assert_allclose(np.diff(log_odds(held)), np.diff(score), atol=1e-3)
    assert np.ptp(log_odds(free)) == pytest.approx(0, abs=1e-5)  # labels turned: no order is left


def test_levels_of_the_target_are_met():
    """With one sick of ten, mean probabilities are near a tenth, and the source's are not."""
    rng = np.random.default_rng(0)
    sick, well = np.flatnonzero(Y == 0), np.flatnonzero(Y == 1)
    rest = np.concatenate(
        [rng.choice(sick[sick >= 300], 20, replace=False), well[well >= 300][:180]]
    )
    few = rng.permutation(rest)[:100]
    source = Domain(X[:300], rng.permutation(Y[:300]))  # knows nothing but its own level
    model = Recalibrated().fit(X[few], Y[few], source=source)
    plain = SourceOnly().fit(X[few], Y[few], source=source)
    asked = np.setdiff1d(rest, few)
    assert abs(model.predict_proba(X[asked])[:, 0].mean() - 0.1) < 0.06
    assert abs(plain.predict_proba(X[asked])[:, 0].mean() - 0.1) > 0.2


@pytest.mark.parametrize("base", ["linear", "boosting"])
def test_it_beats_a_line_on_the_target_alone(base):
    assert min(gains(Recalibrated(base=base))) > 0.1
