"""The kernel baseline is as accurate as a tuned SVC, and its values are log-odds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from fourfold import Domain
from fourfold.methods.baselines.kernel_svm import KernelSVM
from fourfold.methods.baselines.linear import Linear


def test_it_is_as_accurate_as_a_tuned_svc_and_better_than_a_line():
    pictures, y = load_digits(return_X_y=True)
    pictures = pictures.reshape(-1, 8, 8).astype(np.float32)
    scores = []
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(y))
        few, rest = rows[:150], rows[150:]
        model = KernelSVM().fit(pictures[few], y[few])
        flat = pictures.reshape(-1, 64) / 16
        grid = {"C": [1, 10, 100], "gamma": [0.03, 0.1, 0.3]}
        peer = GridSearchCV(SVC(), grid, cv=3).fit(flat[few], y[few])
        line = Linear().fit(pictures[few], y[few])
        scores.append(
            [m.score(pictures[rest], y[rest]) for m in (model, line)]
            + [peer.score(flat[rest], y[rest])]
        )
        assert log_loss(y[rest], model.predict_proba(pictures[rest])) < 0.35
    ours, line, peer = np.mean(scores, axis=0)
    assert ours > peer - 0.01
    assert ours > line + 0.01


def test_one_label_a_class_is_enough():
    X, y = load_iris(return_X_y=True)
    draws = [np.arange(3) * 50 + np.random.default_rng(s).integers(50, size=3) for s in range(5)]
    models = (KernelSVM(), Linear())
    ours, line = np.mean([[m.fit(X[i], y[i]).score(X, y) for m in models] for i in draws], axis=0)
    assert ours > max(0.6, line - 0.05)


def test_numbers_and_answers_are_learnt_from_the_rows_that_have_them():
    X, y = load_diabetes(return_X_y=True)
    both = np.column_stack([y + 0.5, y * 2 - 0.5])
    both[::2, 1] = np.nan
    model = KernelSVM().fit(X, both)
    assert model.score(X, both) > 0.45
    alone = KernelSVM().fit(Domain(X, both[:, 1]))
    np.testing.assert_allclose(model.predict(X)[:, 1], alone.predict(X), rtol=1e-2)
    X, y = load_iris(return_X_y=True)
    answers = np.column_stack([y == 0, y == 1, np.full(150, np.nan)]).astype(float)
    answers[::3, 1] = np.nan
    answers[0, 2] = 1
    model = KernelSVM().fit(X, answers)
    p = model.predict_proba(X)
    assert ((p[:, :2] > 0.5) == np.column_stack([y == 0, y == 1])).mean() > 0.95
    assert (p[:, 2] > 0.5).all()


@pytest.mark.parametrize("given", [{"alpha": 0.1}, {"gamma": 0.5}, {"alpha": 0.1, "gamma": 0.5}])
def test_given_values_are_kept(given):
    X, y = load_iris(return_X_y=True)
    assert KernelSVM(**given).fit(X, y).score(X, y) > 0.9


def test_a_class_that_has_no_label_here_is_never_said():
    X, y = load_iris(return_X_y=True)
    model = KernelSVM().fit(X[y < 2], y[y < 2], source=Domain(X, y))
    assert set(model.predict(X)) <= {0, 1}
