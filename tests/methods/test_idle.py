"""A parameter that does nothing where it stands is refused, before anything is trained."""

from __future__ import annotations

import pytest
from torch import nn

from contract import blobs, short
from fourfold import (
    L2SP,
    AttributePrediction,
    Autoencoder,
    Domain,
    FineTune,
    LabelEmbedding,
    LayerTransfer,
    Linear,
    LwF,
    Mlp,
    MultiTask,
    ProgressiveNetwork,
    Prototypes,
    Recipe,
    SourceOnly,
    SparseCoding,
    TargetOnly,
)
from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.preparation.choose import AsIs, Standardize

PILES = blobs()
NET = Mlp(hidden_layer_sizes=(8,))


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        (FineTune(decay=0, probe_first=True), "probe_first .* beside decay=0"),
        (L2SP(head="source", beta=0.5), "beta .* beside head='source'"),
        (LwF(head="source", warm_up=False), "warm_up .* beside head='source'"),
        (LayerTransfer(copy=1, n_splits=3), "n_splits .* beside copy=1"),
        (MultiTask(width=3), "width .* beside share='input'"),
        (MultiTask(middle=(3,)), "middle .* beside share='input'"),
        (Autoencoder(tune="all", alpha=1.0), "alpha .* beside tune='all'"),
        (LabelEmbedding(size=3), "size .* beside labels='fixed'"),
        (LabelEmbedding(loss="squared", margin=1.0), "margin .* beside loss='squared'"),
        (LabelEmbedding(loss="squared", over="all"), "over .* beside loss='squared'"),
        (LabelEmbedding(loss="squared", recipe=Recipe()), "recipe .* without a network"),
        (AttributePrediction(recipe=Recipe()), "recipe .* beside predictor='forest'"),
        (AttributePrediction(network="mlp"), "network .* beside predictor='forest'"),
        (AttributePrediction(predictor="network", n_estimators=3), "n_estimators .*'network'"),
        (Recipe(momentum=0.5), "momentum of Recipe must be left out beside optimizer='adamw'"),
        (Recipe(patience=3), "patience of Recipe must be used with validation"),
        (Linear(task=Classification(smoothing=0.1)), "smoothing of the task must be 0 for Linear"),
    ],
)
def test_beside_another_parameter(estimator, words):
    with pytest.raises(ParameterError, match=words):
        estimator.check()


@pytest.mark.parametrize(
    "estimator",
    [
        FineTune(decay=0.5, probe_first=True),
        MultiTask(share="middle", width=3),
        LabelEmbedding(labels="learned", size=3),
        LabelEmbedding(loss="squared", recipe=Recipe(), network=NET),
        AttributePrediction(predictor="network", recipe=Recipe(), network=NET),
        Recipe(optimizer="sgd", momentum=0.5),
        L2SP(head="source", beta=0.01),  # as it is by default
    ],
)
def test_where_it_does_something_it_is_taken(estimator):
    estimator.check()


@pytest.mark.parametrize("given", [{"stride": 2}, {"whiten": True}])
def test_beside_rows_without_windows(given):
    model = SparseCoding(atoms=4, **given)
    with pytest.raises(ParameterError, match="must stand beside windows"):
        model.fit(PILES.X, PILES.y, source=PILES.source)


def test_beside_numbers():
    source = Domain(PILES.X, PILES.X[:, 0] * 1.5)
    with pytest.raises(ParameterError, match="temperature of LwF must be left out where"):
        LwF(temperature=3.0).fit(PILES.X, PILES.X[:, 1] * 1.5, source=source)


TRAINED = short(TargetOnly, network=NET).fit(PILES.X, PILES.y)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (FineTune, {"network": "mlp"}),
        (FineTune, {"network": nn.Linear(4, 2)}),
        (FineTune, {"prepare": AsIs()}),
        (ProgressiveNetwork, {"prepare": AsIs()}),
        (SourceOnly, {"recipe": Recipe(epochs=3)}),
        (Prototypes, {"recipe": Recipe(epochs=3)}),
    ],
)
def test_beside_a_trained_source(method, given):
    (name,) = given
    with pytest.raises(ParameterError, match=f"{name} of .* must be left out beside a trained"):
        method(**given).fit(PILES.X, PILES.y, source=TRAINED)


@pytest.mark.parametrize(
    ("method", "given"),
    [
        (FineTune, {"network": Mlp(hidden_layer_sizes=(8,))}),  # the same
        (FineTune, {"recipe": Recipe(epochs=1, min_steps=2)}),
        (ProgressiveNetwork, {"network": Mlp(hidden_layer_sizes=(3,))}),  # the new column's
    ],
)
def test_a_trained_source_leaves_room(method, given):
    own = {"recipe": Recipe(epochs=1, min_steps=2), **given}
    assert method(**own).fit(PILES.X, PILES.y, source=TRAINED).score(PILES.X, PILES.y) >= 0


def test_a_bare_network_settles_no_preparation():
    bare = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))
    recipe = Recipe(epochs=1, min_steps=2)
    model = FineTune(prepare=Standardize(), recipe=recipe).fit(
        Domain(PILES.X, PILES.y), source=bare
    )
    assert isinstance(model.prepare_, Standardize)
    with pytest.raises(ParameterError, match="network of FineTune must be left out"):
        FineTune(network=NET).fit(PILES.X, PILES.y, source=bare)
