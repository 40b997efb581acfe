"""A denoising autoencoder's code helps a linear model."""

from __future__ import annotations

import pytest

from fourfold.errors import ParameterError
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.selftaught.autoencoder import Autoencoder
from fourfold.methods.selftaught.pca import LinearPCA
from fourfold.training.recipe import Recipe


def test_it_beats_raw_and_pca(digits):
    source, X, y, test, test_y = digits
    few = slice(0, 250)
    ours = Autoencoder(recipe=Recipe(epochs=10)).fit(X[few], y[few], source=source)
    beside = [Linear().fit(X[few], y[few]), LinearPCA().fit(X[few], y[few], source=source)]
    assert ours.score(test, test_y) > max(model.score(test, test_y) for model in beside)


def test_it_learns_to_reconstruct(digits):
    source, X, y, test, test_y = digits
    model = Autoencoder(recipe=Recipe(epochs=5, min_steps=100)).fit(X, y, source=source)
    losses = [epoch[0] for epoch in model.history_.losses]
    assert len(losses) > 1
    assert losses[-1] < losses[0]
    assert model.embed(test[:3]).shape == (3, 1000)
    assert model.score(test, test_y) > 0.85
    tuned = Autoencoder(tune="all", recipe=Recipe(epochs=5, min_steps=100))
    assert tuned.fit(X, y, source=source).score(test, test_y) > 0.85


def test_a_trained_model_is_no_source(digits):
    _, X, y, *_ = digits
    trained = TargetOnly(recipe=Recipe(epochs=1, min_steps=1)).fit(X[:20], y[:20])
    with pytest.raises(ParameterError, match="must be a Domain for this method"):
        Autoencoder().fit(X[:20], y[:20], source=trained)
