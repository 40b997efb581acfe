"""Validation and early stopping act in every training of every method, or are refused."""

from __future__ import annotations

import numpy as np
import pytest

from contract import JOINT, METHODS, TRANSFER, given, has
from fourfold.data.domain import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.network import TrainsNetwork
from fourfold.training.recipe import Recipe
from fourfold.training.runtime import Runtime
from samples import noise

EPOCHS = 200
STOPPING = Recipe(
    epochs=EPOCHS, min_steps=1, batch_size=16, learning_rate=0.05, validation=0.3, patience=1
)
VARIANTS = {
    "LayerTransfer": {"copy": 1},
    "AttributePrediction": {"predictor": "network"},
    "Autoencoder": {"tune": "all"},
}
"""Parameters with which a method trains, and tries nothing out before."""


def variant(method):
    return VARIANTS.get(method.__name__, {})


TRAINED = [method for method in METHODS if has(method, "recipe", **variant(method))]


def make(method, recipe):
    return method(recipe=recipe, **variant(method))


def fit(method, recipe):
    """Fit a method on labels that nothing can be learnt of, so that held-out losses soon rise."""
    X, y = noise(n=60, classes=3)
    estimator = make(method, recipe)
    if method in JOINT:
        return estimator.fit({"one": Domain(X, y), "two": Domain(X[:40], y[20:])}).of("one")
    source, target = Domain(X[:30], y[30:]), Domain(X[30:], y[:30])
    return estimator.fit(target, **given(method, source))


@pytest.mark.parametrize("method", TRAINED)
def test_every_training_is_validated_and_stops_early(method):
    trainings = {}
    with Runtime(callbacks=(lambda _epoch, history: trainings.update({id(history): history}),)):
        model = fit(method, STOPPING)
    assert trainings
    for history in trainings.values():
        assert len(history.scores) == len(history.losses) < EPOCHS
        assert np.isfinite(history.scores).all()
    assert len(model.history_.scores) == len(model.history_.losses)


@pytest.mark.parametrize("method", TRAINED)
@pytest.mark.usefixtures("no_training")
def test_patience_without_validation_is_refused(method):
    with pytest.raises(ParameterError, match="patience of Recipe must be used with validation"):
        fit(method, Recipe(patience=1))


TRAINED_ON_TARGET = [
    method
    for method in TRANSFER
    if issubclass(method, TrainsNetwork) and method.needs.target_labels and not method.needs.classes
    if "recipe" not in method.from_trained  # it is the source's
]


@pytest.mark.parametrize("method", TRAINED_ON_TARGET)
def test_one_labelled_row_cannot_also_be_held_out(method):
    X, _ = noise()
    target = Domain(X[:5], [0.5, *[np.nan] * 4])
    source = given(method, Domain(X, X[:, 0] * 1.5))
    with pytest.raises(DataError, match=r"at least two labelled rows .* validation; got 1"):
        make(method, STOPPING).fit(target, **source)
