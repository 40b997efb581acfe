"""Adaptation of networks: each paper's loss, and digits over photographs."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import Domain
from fourfold.algorithms.alignment import a_distance
from fourfold.algorithms.pseudo_labels import surest
from fourfold.core.tasks import Classification, Regression
from fourfold.errors import ParameterError
from fourfold.estimators.supervised import teacher_outputs
from fourfold.methods.adaptation import _joint
from fourfold.methods.adaptation._joint import Uninformed, View, known_loss
from fourfold.methods.adaptation.adabn import AdaBN
from fourfold.methods.adaptation.cdan import CDAN
from fourfold.methods.adaptation.dan import DAN, _discrepancy
from fourfold.methods.adaptation.dann import DANN
from fourfold.methods.adaptation.deep_coral import DeepCORAL
from fourfold.methods.adaptation.joint_im import JointIM
from fourfold.methods.adaptation.mcc import MCC
from fourfold.methods.adaptation.pseudo_label import PseudoLabel
from fourfold.methods.adaptation.shot import SHOT, _by_centroids
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.networks import Mlp
from fourfold.training.losses import class_confusion, entropy, information
from fourfold.training.recipe import Recipe
from methods.adaptation.photographs import NETWORK, alone, photographed

SHORT = Recipe(epochs=2, batch_size=16, min_steps=4)
SMALL = Mlp(hidden_layer_sizes=(5,))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def rows(n=32, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, 6)).astype(np.float32), np.arange(n) % 3


# --- losses ---------------------------------------------------------------------------------------


def test_information_is_that_of_rows_and_classes():
    sure, equal = 50 * torch.eye(4), torch.full((4,), 0.25)
    assert information(sure, equal) == pytest.approx(0, abs=1e-5)  # each row another class
    one = sure[:1].repeat(4, 1)  # one class for all
    assert information(one, equal) == pytest.approx(-np.log(4), abs=1e-5)
    nothing = torch.zeros(4, 4)
    assert information(nothing, equal) == pytest.approx(-np.log(4), abs=1e-5)
    shares = torch.tensor([0.75, 0.25])
    assert information(50 * torch.tensor([[1.0, 0]] * 3 + [[0, 1.0]]), shares) == pytest.approx(
        0, abs=1e-5
    )
    outputs = normal(5, 3)
    rows_ = torch.distributions.Categorical(logits=outputs)
    torch.testing.assert_close(entropy(outputs), rows_.entropy())


def test_shares_are_the_sources_or_halfway_to_its_predictions():
    (Xs, _), (Xt, _) = rows(), rows(seed=1)
    ys = (np.arange(32) % 4 == 0).astype(int)  # a quarter are ones
    caught = []

    class Asks(MCC):
        def _critic(self, width, problem, model):
            losses = [Uninformed(problem, model, of) for of in ("source", "expected")]
            caught.extend(loss.wanted() for loss in losses)
            caught.append(teacher_outputs(model, problem.target.rows).softmax(1).mean(0))
            return super()._critic(width, problem, model)

    Asks(network=SMALL, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
    own, expected, predicted = caught
    torch.testing.assert_close(own, torch.tensor([0.75, 0.25]))
    both = (own * predicted).sqrt()
    torch.testing.assert_close(expected, both / both.sum())


def test_expected_shares_follow_the_predictions_while_the_network_learns():
    """Where all rows are predicted as one class, this is expected more and more often."""
    (Xs, _), (Xt, _) = rows(), rows(seed=1)
    ys = (np.arange(32) % 2).astype(int)
    shares = []

    class Asks(MCC):
        def _critic(self, width, problem, model):
            for of in ("source", "expected"):
                loss = Uninformed(problem, model, of)
                before = loss.wanted()
                for _ in range(200):
                    loss(torch.tensor([[50.0, 0.0]]))
                with torch.inference_mode():  # validation changes nothing
                    after = loss.wanted()
                    loss(torch.tensor([[0.0, 50.0]]))
                    torch.testing.assert_close(loss.wanted(), after)
                shares.append((before, after))
            return super()._critic(width, problem, model)

    Asks(network=SMALL, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
    (same, still), (before, after) = shares
    torch.testing.assert_close(same, still)
    assert after[0] > 0.99
    assert after[0] > before[0]


def test_few_known_labels_of_a_batch_count_less_than_sixteen():
    outputs, task = normal(40, 3), Classification().fit(Domain(np.zeros((3, 1)), [0, 1, 2]))
    for n in (1, 8, 16, 40):
        y = torch.where(torch.arange(40) < n, torch.arange(40) % 3, -1)
        mean = F.cross_entropy(outputs[:n], y[:n])
        found = known_loss(task, outputs, SimpleNamespace(y=y, weight=None))
        torch.testing.assert_close(found, min(n / 16, 1) * mean)
    numbers = Regression().fit(Domain(np.zeros((4, 1)), [0.0, 1.0, 2.0, 3.5]))
    y = torch.full((40, 1), float("nan"))
    y[:4] = -1.0  # below the mean is known, too
    got = known_loss(numbers, normal(40, 1), SimpleNamespace(y=y, weight=None))
    torch.testing.assert_close(got, numbers.loss(normal(40, 1), y) / 4)


def test_confusion_is_the_papers():
    outputs = normal(7, 3)
    p = outputs.softmax(1)
    sure = 1 + torch.exp(-entropy(outputs))
    weights = torch.diag(7 * sure / sure.sum())
    together = p.T @ weights @ p
    together /= together.sum(1, keepdim=True)
    off = together[~torch.eye(3, dtype=torch.bool)].sum() / 3
    torch.testing.assert_close(class_confusion(outputs, 1.0), off)
    assert class_confusion(200 * torch.eye(3)) == pytest.approx(0, abs=1e-5)
    assert class_confusion(torch.zeros(4, 2)) == pytest.approx(0.5)


def test_the_discrepancy_is_the_mean_over_pairs():
    x, y = normal(4, 3), normal(5, 3, seed=1) + 1
    both = torch.cat([x, y])
    mean = torch.stack([(a - b).square().sum() for a in both for b in both]).mean()

    def k(a, b):
        return sum(torch.exp(-(a - b).square().sum() / (w * mean)) for w in (0.25, 0.5, 1, 2, 4))

    def average(left, right):
        return torch.stack([k(a, b) for a in left for b in right]).mean()

    expected = average(x, x) + average(y, y) - 2 * average(x, y)
    torch.testing.assert_close(_discrepancy(x, y), expected)
    assert _discrepancy(x, x.flip(0)) == pytest.approx(0, abs=1e-5)


def test_its_gradient_brings_the_domains_together():
    x, y = normal(64, 2), (normal(64, 2, seed=1) + 1).requires_grad_()
    _discrepancy(x, y).backward()
    assert (y.grad.sum(0) > 0).all()


def test_covariances_are_those_of_the_batch():
    s, t = (View(normal(8, 3, seed=i), torch.zeros(8, 2)) for i in (0, 1))
    expected = (torch.cov(s.features.T) - torch.cov(t.features.T)).square().sum() / (4 * 9)
    found = DeepCORAL(weight=2.0)._align(0.5, s, t, nn.Identity())
    torch.testing.assert_close(found, 2.0 * 0.5 * expected)
    shifted = View(s.features + 5, s.outputs)
    assert DeepCORAL()._align(1.0, s, shifted, nn.Identity()) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_conditional_critic_reads_features_by_classes(weighted):
    s, t = (
        View(normal(6, 4, seed=i).requires_grad_(), normal(6, 3, seed=9 + i).requires_grad_())
        for i in (0, 1)
    )
    method = CDAN(lambda_=0.7, entropy=weighted, critic_width=5)
    problem = SimpleNamespace(task=SimpleNamespace(n_outputs=3))
    critic = method._critic(4, problem, nn.Identity())
    loss = method._align(0.5, s, t, critic)

    def guess(view):
        p = view.outputs.detach().softmax(1)
        pairs = torch.stack(
            [torch.outer(f, q).flatten() for f, q in zip(view.features, p, strict=True)]
        )
        w = 1 + torch.exp(-entropy(view.outputs.detach())) if weighted else torch.ones(6)
        return critic(pairs)[:, 0], w / w.mean()

    (gs, ws), (gt, wt) = guess(s), guess(t)
    zero, one = torch.zeros(6), torch.ones(6)
    ce = F.binary_cross_entropy_with_logits
    expected = 0.5 * (ce(gs, zero, ws) + ce(gt, one, wt))
    torch.testing.assert_close(loss, expected)
    (ours,) = torch.autograd.grad(loss, [s.features], retain_graph=True)
    (theirs,) = torch.autograd.grad(expected, [s.features])
    torch.testing.assert_close(ours, -0.7 * 0.5 * theirs)
    assert torch.autograd.grad(loss, [s.outputs], allow_unused=True) == (None,)


# --- trainings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [CDAN, DAN, DANN, DeepCORAL, JointIM, MCC])
def test_the_loss_has_all_labels_and_the_weight_grows(method, monkeypatch):
    caught = []
    minimize = _joint.minimize

    def catch(nets, phase, *tables, **options):
        caught.append((nets, phase, tables))
        return minimize(nets, phase, *tables, **options)

    monkeypatch.setattr(_joint, "minimize", catch)
    (Xs, ys), (Xt, yt) = rows(), rows(seed=1)
    few = np.where(np.arange(32) < 9, yt, -1)
    model = method(network=SMALL, recipe=SHORT, pretrain=False)
    model.fit(Xt, few, source=Domain(Xs, ys))
    ((nets, phase, tables),) = caught
    net = nets["model"]
    s, t = (table.batch(torch.arange(32), torch.device("cpu")) for table in tables)
    with torch.no_grad():
        views = [View(net.body(b.x), net(b.x)) for b in (s, t)]
        labels = F.cross_entropy(views[0].outputs, s.y)
        labels = labels + 9 / 16 * F.cross_entropy(views[1].outputs[:9], t.y[:9])
        at_once, late = (
            model._align(w, *views, nets["critic"]) for w in (0.0, 2 / (1 + np.exp(-10)) - 1)
        )
        torch.testing.assert_close(phase.loss(0.0, s, t), labels + at_once)
        torch.testing.assert_close(phase.loss(1.0, s, t), labels + late)


def test_training_starts_from_the_source_model():
    (Xs, ys), (Xt, _) = rows(), rows(seed=1)
    still = Recipe(epochs=1, learning_rate=1e-12)
    options = {"network": SMALL, "recipe": still}
    source = SourceOnly(**options).fit(Xt, source=Domain(Xs, ys))
    for method in (SHOT, MCC, PseudoLabel):
        model = method(**options).fit(Xt, source=Domain(Xs, ys))
        np.testing.assert_allclose(model.outputs(Xt), source.outputs(Xt), atol=1e-5)
    fresh = MCC(**options, pretrain=False, random_state=3).fit(Xt, source=Domain(Xs, ys))
    assert not np.allclose(fresh.outputs(Xt), source.outputs(Xt), atol=1e-2)


# --- SHOT -----------------------------------------------------------------------------------------


def test_the_last_layer_stays_and_the_source_is_not_needed():
    (Xs, ys), (Xt, _) = rows(), rows(seed=1)
    source = SourceOnly(network=SMALL, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
    model = SHOT(recipe=SHORT, pseudo_labels=0.3, rounds=2).fit(Xt, source=source)
    torch.testing.assert_close(model.model_.head.weight, source.model_.head.weight)
    assert not np.allclose(model.outputs(Xt), source.outputs(Xt))


def test_pseudo_labels_are_of_the_nearest_centroid():
    X = np.array([[4, 0.2], [3, 0], [0.1, 5], [0, 4], [2, 1.9]], np.float32)
    y = np.array([0, 0, 1, 1, 0])
    fitted = SourceOnly(network=Mlp(hidden_layer_sizes=()), recipe=Recipe(epochs=200)).fit(
        X, source=Domain(X, y)
    )
    rows_ = fitted.ready(X)
    assert _by_centroids(fitted.model_, rows_).tolist() == y.tolist()


# --- pseudo-labels --------------------------------------------------------------------------------


def test_the_surest_answers_of_each_class():
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.3, 0.7], [0.45, 0.55]], np.float32)
    at, guess = surest(p, 0.5)
    assert dict(zip(at.tolist(), guess.tolist(), strict=True)) == {0: 0, 2: 0, 3: 1}
    at, _ = surest(p, 1.0, least=0.65)
    assert sorted(at.tolist()) == [0, 2, 3]


def test_known_labels_take_the_place_of_answers(monkeypatch):
    from fourfold.methods.adaptation import pseudo_label

    tables = []
    minimize = pseudo_label.minimize

    def catch(model, phase, source, target, **options):
        tables.append(target)
        return minimize(model, phase, source, target, **options)

    monkeypatch.setattr(pseudo_label, "minimize", catch)
    (Xs, ys), (Xt, yt) = rows(), rows(seed=1)
    few = np.where(np.arange(32) < 9, yt, -1)
    model = PseudoLabel(network=SMALL, recipe=SHORT, rounds=3)
    model.fit(Xt, few, source=Domain(Xs, ys))
    counts = [int((table.y >= 0).sum()) for table in tables]
    assert len(counts) == 3
    assert counts[0] < counts[1] < counts[2] == 32
    for table in tables:
        assert table.y[:9].tolist() == yt[:9].tolist()


# --- AdaBN ----------------------------------------------------------------------------------------


def test_batch_norms_have_the_targets_moments_and_nothing_else_changes():
    (Xs, ys), (Xt, _) = rows(64), rows(64, seed=1)
    network = nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 4), nn.ReLU())
    options = {"network": network, "recipe": Recipe(epochs=2, batch_size=64)}
    source = SourceOnly(**options).fit(3 * Xt + 2, source=Domain(Xs, ys))
    model = AdaBN(**options).fit(3 * Xt + 2, source=Domain(Xs, ys))
    norm = next(m for m in model.model_.modules() if isinstance(m, nn.BatchNorm1d))
    np.testing.assert_allclose(norm.running_mean, 3 * Xt.mean(0) + 2, rtol=1e-4)
    np.testing.assert_allclose(norm.running_var, 9 * Xt.var(0, ddof=1), rtol=1e-4)
    for name, weight in source.model_.named_parameters():
        torch.testing.assert_close(model.model_.get_parameter(name), weight)


def test_a_network_without_batch_norms_is_refused_before_training():
    (Xs, ys), (Xt, _) = rows(), rows(seed=1)
    with pytest.raises(ParameterError, match="batch norms, such as Mlp"):
        AdaBN(network=SMALL).fit(Xt, source=Domain(Xs, ys))


# --- signs ----------------------------------------------------------------------------------------


def test_the_distance_of_domains():
    x, y = normal(300, 4).numpy(), normal(300, 4, seed=1).numpy()
    assert a_distance(x, y) < 0.5
    assert a_distance(x, y + 5) > 1.9
    assert a_distance(x, y[:20] + 5) > 1.9


def test_signs_are_told():
    (Xs, ys), (Xt, _) = rows(), rows(seed=1)
    model = MCC(network=SMALL, recipe=SHORT).fit(Xt, source=Domain(Xs, ys))
    (facts,) = model.fitted_.findings
    assert list(facts.values) == [
        "distance of the domains' features (proxy A-distance)",
        "uncertainty of a prediction",
        "classes in use",
    ]


# --- digits over photographs ----------------------------------------------------------------------

NETWORKS = [AdaBN, CDAN, DAN, DANN, DeepCORAL, JointIM, MCC, SHOT]


@pytest.mark.parametrize("method", NETWORKS, ids=[m.__name__ for m in NETWORKS])
def test_it_beats_the_source_alone_on_digits_over_photographs(method):
    source, X, y = photographed()
    model = method(network=NETWORK).fit(X, source=source)
    assert model.score(X, y) > alone() + 0.02
