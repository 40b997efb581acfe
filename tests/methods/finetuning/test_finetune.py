"""Fine-tuning moves each stage at a share of the learning rate above it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.finetuning import finetune
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.networks.builder import stages
from fourfold.training.recipe import Recipe
from samples import gains, noise

SHORT = Recipe(epochs=2, batch_size=16, min_steps=6)
NET = Mlp(hidden_layer_sizes=(6, 5))


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
def test_without_decay_the_body_stays_to_the_bit(network):
    X, y = noise()
    source = Domain(X, y)
    target = Domain(X[:8] + 5, [3, 9] * 4)
    taught = SourceOnly(network=network, recipe=SHORT).fit(target.unlabelled(), source=source)
    model = FineTune(network=network, recipe=SHORT, decay=0)
    model.fit(target, source=source)
    before, after = taught.model_.body.state_dict(), model.model_.body.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert len(model.history_.losses) > 1


@pytest.mark.parametrize("decay", [0.5, 1.0])
def test_each_stage_learns_at_a_share_of_the_one_above(decay, monkeypatch):
    X, y = noise()
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
    X, y = noise()
    model = FineTune(network=Token(), recipe=SHORT).fit(X[:8], y[:8], source=Domain(X, y))
    moved = model.model_.body.network.token - 1
    assert (moved != 0).any()


def test_probing_first_begins_with_a_trained_head():
    X, y = noise(seed=3)
    source = Domain(X, y)
    recipe = Recipe(epochs=30, min_steps=60, learning_rate=0.03)
    first = {}
    for probe in (False, True):
        model = FineTune(network=NET, recipe=recipe, head="new", probe_first=probe)
        first[probe] = model.fit(X, y, source=source).history_.losses[0][0]
    assert first[True] < first[False]


def test_validation_holds_rows_out_and_stops_early():
    X, y = noise(n=80)
    recipe = Recipe(epochs=50, min_steps=1, validation=0.25, patience=2, learning_rate=0.05)
    model = FineTune(network=NET, recipe=recipe).fit(X, np.roll(y, 1), source=Domain(X, y))
    assert 2 < len(model.history_.scores) < 50
    probed = FineTune(network=NET, recipe=recipe, decay=0).fit(X, y, source=Domain(X, y))
    assert len(probed.history_.scores) == len(probed.history_.losses)


def test_a_pictures_network_of_timm_is_tuned_stage_by_stage():
    pytest.importorskip("timm", reason="timm comes with the extra 'image'")
    import timm

    found = stages(nn.Sequential(timm.create_model("resnet18", num_classes=0)))
    assert len(found) == 6  # stem, its norm, four layers


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(FineTune, shots=2, seeds=5, recipe=Recipe(epochs=15, min_steps=60))
    assert min(found) > 0.1
    assert np.mean(found) > 0.25
