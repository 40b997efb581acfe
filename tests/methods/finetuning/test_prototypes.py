"""Prototypes are class means of centred and normalized features."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, Prototypes
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning import prototypes
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import NET, SHORT
from samples import gains, rows


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("normalize", [True, False])
def test_they_are_class_means_of_prepared_features(centre, normalize):
    X, y = rows()
    source = Domain(X, y)
    few, labels = X[:9] + 0.2, y[:9]
    model = Prototypes(network=NET, recipe=SHORT, centre=centre, normalize=normalize)
    model.fit(few, labels, source=source)

    def prepared(x):
        f = model.embed(x) - (model.embed(X).mean(0) if centre else 0)
        return f / np.linalg.norm(f, axis=1, keepdims=True) if normalize else f

    means = np.stack([prepared(few)[labels == c].mean(0) for c in range(4)])
    distances = ((prepared(X)[:, None] - means) ** 2).sum(2)
    np.testing.assert_allclose(model.outputs(X), -distances, atol=1e-4)
    assert (model.predict(X) == distances.argmin(1)).all()


def test_the_order_of_examples_does_not_matter():
    X, y = rows()
    order = np.random.default_rng(0).permutation(12)
    source = Domain(X, y)
    fits = [
        Prototypes(network=NET, recipe=SHORT).fit(X[:12][o], y[:12][o], source=source).outputs(X)
        for o in (np.arange(12), order)
    ]
    np.testing.assert_allclose(*fits, atol=1e-4)


def test_the_mean_of_a_large_source_is_that_of_rows_spread_over_it(monkeypatch):
    X, y = rows(400)
    asked = []
    teacher_outputs = prototypes.teacher_outputs

    def watch(body, some):
        asked.append(some.n)
        return teacher_outputs(body, some)

    monkeypatch.setattr(prototypes, "teacher_outputs", watch)
    monkeypatch.setattr(prototypes, "MEAN_ROWS", 50)
    Prototypes(network=NET, recipe=SHORT).fit(X[:4], y[:4], source=Domain(X, y))
    assert asked == [50]


def test_a_trained_model_stands_in_for_data():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    model = Prototypes().fit(X[:8], y[:8], source=taught)
    wanted = taught.embed(X[:8]).mean(0)
    np.testing.assert_allclose(model.model_.head.mean, wanted, atol=1e-5)


def test_they_beat_the_target_alone_with_one_label_a_class():
    found = gains(Prototypes, shots=1, seeds=5, recipe=Recipe(epochs=5, min_steps=60))
    assert min(found) > 0.05, found
