"""Domain-adversarial training: the paper's loss."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.methods.adaptation import _joint
from fourfold.methods.adaptation.dann import DANN
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.networks import ConvNet, Mlp
from fourfold.training.losses import class_confusion, ramp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, batch_size=16, min_steps=4, optimizer="sgd", learning_rate=0.01)


def rows(n=32, shape=(6,), seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, *shape)).astype(np.float32), np.arange(n) % 3


@pytest.fixture
def learnt(monkeypatch):
    """Catch what DANN hands to the training loop."""
    caught = []
    minimize = _joint.minimize

    def catch(nets, phase, *tables, **options):
        caught.append((nets, phase, tables))
        return minimize(nets, phase, *tables, **options)

    monkeypatch.setattr(_joint, "minimize", catch)
    return caught


@pytest.mark.parametrize("partly", [False, True])
def test_the_loss_is_the_papers(partly, learnt):
    (Xs, ys), (Xt, yt) = rows(), rows(seed=1)
    few = np.where(np.arange(32) < 9, yt, -1) if partly else None
    method = DANN(network=Mlp(hidden_layer_sizes=(5,)), recipe=SHORT, lambda_=0.7)
    method.fit(Xt, few, source=Domain(Xs, ys))
    ((nets, phase, tables),) = learnt
    model, critic = nets["model"], nets["critic"]
    s, t = (table.batch(torch.arange(32), torch.device("cpu")) for table in tables)
    progress = 0.3
    weight = 0.7 * (2 / (1 + np.exp(-10 * progress)) - 1)

    def terms():
        fs, ft = model.body(s.x), model.body(t.x)
        labels = F.cross_entropy(model.head(fs), s.y)
        if partly:
            labels = labels + 9 / 16 * F.cross_entropy(model.head(ft[:9]), t.y[:9])
        zero, one = torch.zeros(32, 1), torch.ones(32, 1)
        guess = torch.cat([critic(fs), critic(ft)])
        return labels, F.binary_cross_entropy_with_logits(guess, torch.cat([zero, one]))

    labels, confusion = terms()
    torch.testing.assert_close(phase.loss(progress, s, t), labels + confusion)
    ours = torch.autograd.grad(phase.loss(progress, s, t), list(nets.parameters()))
    saddle = [*model.parameters()], [*critic.parameters()]
    labels, confusion = terms()
    theirs = torch.autograd.grad(labels - weight * confusion, saddle[0], retain_graph=True)
    critics = torch.autograd.grad(confusion, saddle[1])  # the critic learns at λ = 1
    for got, expected in zip(ours, [*theirs, *critics], strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-6)


def test_the_critic_reads_the_tap(learnt):
    (Xs, ys), (Xt, _) = rows(shape=(1, 16, 16)), rows(shape=(1, 16, 16), seed=1)
    for tap, width in ((None, 4), ("conv1", 2 * 6 * 6), ("conv2", 3)):
        network = ConvNet(channels=(2, 3), hidden_layer_sizes=(4,))
        DANN(network=network, tap=tap, critic_width=7, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
        linear = [m for m in learnt.pop()[0]["critic"] if isinstance(m, nn.Linear)]
        assert [(m.in_features, m.out_features) for m in linear] == [(width, 7), (7, 7), (7, 1)]
    with pytest.raises(ParameterError, match="conv9"):
        DANN(network=network, tap="conv9", recipe=SHORT).fit(Xt, source=Domain(Xs, ys))


def test_a_module_whose_features_are_not_flat(learnt):
    (Xs, ys), (Xt, _) = rows(shape=(1, 6, 6)), rows(shape=(1, 6, 6), seed=1)
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
    model = DANN(network=network, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
    assert model.predict(Xt).shape == (32,)
    assert learnt[0][0]["critic"][0].in_features == 2 * 4 * 4


def test_class_confusion_is_a_term(learnt):
    (Xs, ys), (Xt, _) = rows(), rows(seed=1)
    network = Mlp(hidden_layer_sizes=(5,))
    losses = {}
    for confusion in (0.0, 0.5):
        DANN(network=network, recipe=SHORT, confusion=confusion).fit(Xt, source=Domain(Xs, ys))
        nets, phase, tables = learnt[0] if confusion == 0 else learnt[-1]
        s, t = (table.batch(torch.arange(32), torch.device("cpu")) for table in tables)
        nets.load_state_dict(learnt[0][0].state_dict())
        losses[confusion] = phase.loss(1.0, s, t)
    confused = class_confusion(learnt[0][0]["model"](t.x))
    torch.testing.assert_close(losses[0.5] - losses[0.0], 0.5 * ramp(1.0) * confused)


def test_numbers_have_no_classes_to_confuse():
    (Xs, _), (Xt, _) = rows(), rows(seed=1)
    with pytest.raises(ParameterError, match="confusion of DANN must be 0 where labels are no"):
        DANN(recipe=SHORT, confusion=1.0).fit(Xt, source=Domain(Xs, Xs[:, 0] + 0.5))


def test_running_statistics_are_the_targets():
    (Xs, ys), (Xt, _) = rows(64), rows(64, seed=1)
    Xs, Xt = Xs - 3, Xt + 3
    recipe = Recipe(**SHORT.get_params() | {"epochs": 30})
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 4), nn.ReLU())
    model = DANN(network=network, recipe=recipe).fit(Xt, source=Domain(Xs, ys))
    norm = next(m for m in model.model_.modules() if isinstance(m, nn.BatchNorm1d))
    np.testing.assert_allclose(norm.running_mean, Xt.mean(axis=0), atol=0.3)


def test_target_labels_that_nobody_sees_change_nothing():
    (Xs, ys), (Xt, yt) = rows(), rows(seed=1)
    fits = [
        DANN(network=Mlp(hidden_layer_sizes=(5,)), recipe=SHORT)
        .fit(target, source=Domain(Xs, ys))
        .outputs(Xt)
        for target in (Domain(Xt), Domain(Xt, yt).unlabelled())
    ]
    np.testing.assert_array_equal(*fits)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"lambda_": -1}, "lambda_ of DANN"), ({"critic_width": 0}, "critic_width of DANN")],
)
def test_wrong_parameters_are_refused(options, message):
    (Xs, ys), (Xt, _) = rows(), rows()
    with pytest.raises(ParameterError, match=message):
        DANN(**options).fit(Xt, source=Domain(Xs, ys))


def test_it_needs_a_labelled_source_with_the_targets_classes():
    X, y = rows()
    with pytest.raises(ParameterError, match="transfer from"):
        DANN().fit(X)
    with pytest.raises(DataError, match="source of DANN must have labels"):
        DANN().fit(X, source=Domain(X))
    with pytest.raises(DataError, match="must be among the 3 classes of the task; got also 7"):
        DANN(recipe=SHORT).fit(X, np.where(y == 1, 7, -1), source=Domain(X, y))
    fitted = SourceOnly(network=Mlp(hidden_layer_sizes=(4,)), recipe=SHORT).fit(
        X, source=Domain(X, y)
    )
    with pytest.raises(ParameterError, match="source must be a Domain for this method"):
        DANN(recipe=SHORT).fit(X, source=fitted)
