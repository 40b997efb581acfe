"""Fine-tuning starts where the source ended, and moves as it is told."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.estimators import problem as job
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning import finetune
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.networks.stages import stages
from fourfold.training.recipe import Recipe
from samples import gains

SHORT = Recipe(epochs=2, batch_size=16, least_steps=6)
STILL = Recipe(epochs=1, least_steps=1, learning_rate=1e-12, weight_decay=0.0)
"""So slow that weights stay where they start."""
NET = Mlp(hidden_layer_sizes=(6, 5))


def rows(n=40, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 3)).astype(np.float32), np.arange(n) % classes


def source_model(recipe=SHORT, y=None, **options):
    X, labels = rows()
    y = labels if y is None else y
    method = FineTune(network=NET, recipe=recipe, **options)
    return Domain(X, y), method


# --- the head ------------------------------------------------------------------------------------


def test_head_rows_are_carried_over_in_the_targets_order():
    X, y = rows()
    names = np.array(["ape", "bee", "cat", "dog"])
    source = Domain(X, names[y])
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=source)
    target = Domain(X[:4], ["dog", "bee", "dog", "bee"])
    model = FineTune(recipe=STILL).fit(target, source=taught)
    assert model.classes_.tolist() == ["bee", "dog"]
    for name, value in taught.model_.head.state_dict().items():
        assert torch.allclose(model.model_.head.state_dict()[name], value[[1, 3]], atol=1e-6)
    np.testing.assert_allclose(model.outputs(X), taught.outputs(X)[:, [1, 3]], atol=1e-5)


@pytest.mark.parametrize("head", ["auto", "new"])
def test_otherwise_the_head_is_new(head):
    X, y = rows()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, y))
    labels = [0, 9, 0, 9] if head == "auto" else [0, 1, 0, 1]
    model = FineTune(recipe=STILL, head=head).fit(X[:4], labels, source=taught)
    old, new = taught.model_.head.weight, model.model_.head.weight
    assert new.shape == (2, 5)
    assert not torch.isclose(new[0], old[0], atol=1e-4).all()


def test_a_head_that_the_source_does_not_have_is_refused():
    X, y = rows()
    with pytest.raises(DataError, match="must be linear, and have every class of the target"):
        FineTune(network=NET, recipe=SHORT, head="source").fit(
            X[:4], [0, 9, 0, 9], source=Domain(X, y)
        )


@pytest.mark.parametrize("several", [False, True])
def test_a_regressions_head_is_carried_over_in_the_targets_units(several):
    X, _ = rows()
    y = X[:, :2] * [3.0, 1.0] + [100.0, -5.0] if several else X[:, 0] * 3 + 100.5
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, y))
    small = np.round(X[:6, :2] + 0.25, 2) if several else np.round(X[:6, 0] * 0.1 - 7, 3)
    model = FineTune(recipe=STILL).fit(X[:6], small, source=taught)
    assert not np.allclose(model.task_.scale_, taught.task_.scale_, rtol=0.5)
    np.testing.assert_allclose(model.predict(X), taught.predict(X), rtol=1e-4, atol=1e-3)


def test_a_regression_with_other_outputs_gets_a_new_head():
    X, _ = rows()
    taught = SourceOnly(network=NET, recipe=SHORT).fit(X, source=Domain(X, X[:, 0] * 3.3))
    model = FineTune(recipe=STILL).fit(X[:6], X[:6, :2] * 1.7, source=taught)
    assert model.predict(X).shape == (40, 2)
    with pytest.raises(DataError, match="or as many numbers or answers"):
        FineTune(recipe=STILL, head="source").fit(X[:6], X[:6, :2] * 1.7, source=taught)


# --- how it moves --------------------------------------------------------------------------------


class Normed(nn.Module):
    def __init__(self):
        super().__init__()
        self.lower = nn.Linear(3, 6)
        self.norm = nn.BatchNorm1d(6)
        self.drop = nn.Dropout(0.4)
        self.upper = nn.Linear(6, 5)

    def forward(self, x):
        return self.upper(self.drop(self.norm(self.lower(x)).relu()))


@pytest.mark.parametrize("network", [NET, Normed()])
@pytest.mark.parametrize("probe_first", [False, True])
def test_without_decay_the_body_stays_to_the_bit(network, probe_first):
    X, y = rows()
    source = Domain(X, y)
    target = Domain(X[:8] + 5, [3, 9] * 4)
    taught = SourceOnly(network=network, recipe=SHORT).fit(target.unlabelled(), source=source)
    model = FineTune(network=network, recipe=SHORT, decay=0, probe_first=probe_first)
    model.fit(target, source=source)
    before, after = taught.model_.body.state_dict(), model.model_.body.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert len(model.history_.losses) > 1


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_each_stage_learns_at_a_share_of_the_one_above(decay, monkeypatch):
    X, y = rows()
    for network, number in ((NET, 2), (Normed(), 3), (nn.Sequential(Normed()), 3)):
        given = []
        minimize = finetune.minimize

        def catch(model, phase, *tables, given=given, minimize=minimize, **options):
            given.extend(phase.parts)
            return minimize(model, phase, *tables, **options)

        monkeypatch.setattr(finetune, "minimize", catch)
        model = FineTune(network=network, recipe=SHORT, decay=decay)
        model.fit(X[:8], y[:8], source=Domain(X, y))
        monkeypatch.undo()
        assert [part.rate for part in given] == [decay**i for i in range(number + 1)]
        trained = [p for part in given for p in part.module.parameters()]
        assert {id(p) for p in trained} == {id(p) for p in model.model_.parameters()}
        assert len(trained) == len(set(map(id, trained)))
        widths = [next(part.module.parameters()).shape[0] for part in given]
        assert widths[0] == 4  # the head first, the input's layer last
        assert widths[-1] == 6


class Token(nn.Module):
    """Has a weight of its own beside its children, as vision transformers do."""

    def __init__(self):
        super().__init__()
        self.token = nn.Parameter(torch.ones(3))
        self.layers = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])

    def forward(self, x):
        x = x + self.token
        for layer in self.layers:
            x = layer(x).relu()
        return x


def test_weights_beside_the_stages_are_trained_slowest():
    found = stages(nn.Sequential(Token())).values()
    names = [[tuple(p.shape) for p in stage.parameters()] for stage in found]
    assert names == [[(3,)], [(3, 3), (3,)], [(3, 3), (3,)]]
    X, y = rows()
    model = FineTune(network=Token(), recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, y))
    moved = model.model_.body.network.token - 1
    assert (moved != 0).any()


def test_probing_first_begins_with_a_trained_head():
    X, y = rows(seed=3)
    source = Domain(X, y)
    recipe = Recipe(epochs=30, least_steps=60, learning_rate=0.03)
    first = {}
    for probe in (False, True):
        model = FineTune(network=NET, recipe=recipe, head="new", probe_first=probe)
        first[probe] = model.fit(X, y, source=source).history_.losses[0][0]
    assert first[True] < first[False]


def test_validation_holds_rows_out_and_stops_early():
    X, y = rows(n=80)
    recipe = Recipe(epochs=50, least_steps=1, validation=0.25, patience=2, learning_rate=0.05)
    model = FineTune(network=NET, recipe=recipe).fit(X, np.roll(y, 1), source=Domain(X, y))
    assert 2 < len(model.history_.scores) < 50
    probed = FineTune(network=NET, recipe=recipe, decay=0).fit(X, y, source=Domain(X, y))
    assert len(probed.history_.scores) == len(probed.history_.losses)


# --- the source ----------------------------------------------------------------------------------


@pytest.fixture
def trainings(monkeypatch):
    """Count the trainings of source models."""
    counted = []
    supervise = job.supervise

    def count(*arguments):
        counted.append(arguments)
        return supervise(*arguments)

    monkeypatch.setattr(job, "supervise", count)
    return counted


@pytest.mark.parametrize("stored", [False, True])
def test_the_source_model_is_trained_once_per_seed(stored, trainings, tmp_path):
    X, y = rows()

    def fit(seed, n=8, **options):
        settings = {"network": NET, "recipe": SHORT, "random_state": seed} | options
        return FineTune(**settings).fit(X[:n], y[:n], source=Domain(X, y)).outputs(X)

    def all_fits():
        outputs = [fit(0), fit(0, decay=0.9), fit(0), fit(1), fit(0, head="new"), fit(1)]
        assert len(trainings) == 2
        np.testing.assert_array_equal(outputs[0], outputs[2])
        fit(0, recipe=Recipe(epochs=3, least_steps=6))
        fit(0, network=Mlp(hidden_layer_sizes=(7,)))
        assert len(trainings) == 4

    if not stored:
        all_fits()
        return
    with using(Store(tmp_path)):
        all_fits()
    job._remembered.clear()
    with using(Store(tmp_path)):
        fit(0)
    assert len(trainings) == 4


def test_other_source_data_train_another_source_model(trainings):
    X, y = rows()
    for labels in (y, y, np.roll(y, 1)):
        FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, labels))
    assert len(trainings) == 2


def test_a_remembered_source_model_gives_the_same_as_a_fresh_one():
    X, y = rows()
    fits = []
    for _ in range(2):
        fits += [
            FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, y)).outputs(X)
            for _ in range(2)
        ]
        job._remembered.clear()
    for fit in fits[1:]:
        np.testing.assert_array_equal(fit, fits[0])


def test_several_sources_are_one():
    X, y = rows()
    whole = FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, y))
    parts = [Domain(X[:25], y[:25]), Domain(X[25:], y[25:])]
    pooled = FineTune(network=NET, recipe=SHORT).fit(X[:8], y[:8], source=parts)
    np.testing.assert_array_equal(pooled.outputs(X), whole.outputs(X))


def test_a_fitted_estimator_is_a_source_and_is_not_changed(trainings):
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    before = taught.outputs(X)
    model = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=taught)
    assert trainings == []
    np.testing.assert_array_equal(taught.outputs(X), before)
    assert not np.array_equal(model.outputs(X), before)
    again = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=model)
    assert again.predict(X).shape == (40,)


def test_a_bare_network_with_a_linear_head_is_a_source():
    X, y = rows()
    network = nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 17))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = FineTune(recipe=STILL).fit(X[:8], y[:8], source=network)
    assert model.model_.head.weight.shape == (4, 6)
    with torch.no_grad():
        expected = network[:2](torch.from_numpy(X)).numpy()
    np.testing.assert_allclose(model.embed(X), expected, atol=1e-5)
    FineTune(recipe=SHORT).fit(X[:8], y[:8], source=network)
    assert all(torch.equal(network.state_dict()[name], value) for name, value in before.items())
    with pytest.raises(ParameterError, match="must be a Linear"):
        FineTune(recipe=SHORT).fit(X[:8], y[:8], source=nn.Sequential(nn.Linear(3, 6), nn.Tanh()))


def test_a_model_beside_data_is_refused():
    X, y = rows()
    with pytest.raises(ParameterError, match="must be Domains or one trained model"):
        FineTune().fit(X[:8], y[:8], source=[Domain(X, y), nn.Linear(3, 2)])


def test_a_pictures_network_of_timm_is_tuned_stage_by_stage():
    pytest.importorskip("timm", reason="timm comes with the extra 'image'")
    import timm

    found = stages(nn.Sequential(timm.create_model("resnet18", num_classes=0)))
    assert len(found) == 6  # stem, its norm, four layers


# --- a real case ---------------------------------------------------------------------------------


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(FineTune, shots=2, seeds=5, recipe=Recipe(epochs=15, least_steps=60))
    assert min(found) > 0.1
    assert np.mean(found) > 0.25
