"""Conservative training: what is asked to stay close stays close, and the rest is fine-tuning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold import L2SP, Domain, KLAdaptation, LwF, Rehearsal, load, save
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, FourfoldError, ParameterError
from fourfold.estimators import problem as job
from fourfold.frozen.store import Store, using
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.networks import Mlp
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe
from samples import gains, rows

NET = Mlp(hidden_layer_sizes=(8, 6))
SHORT = Recipe(epochs=3, batch_size=16, least_steps=30, weight_decay=0.0, learning_rate=0.01)
LONG = Recipe(steps=600, optimizer="sgd", learning_rate=0.05, schedule="constant", weight_decay=0.0)
CLOSE = [KLAdaptation, LwF, Rehearsal]


PREPARED = FrozenEstimator(Standardize().fit(as_rows(rows()[0])))
"""The same for every method, so that the source model is the same one."""


def weights(estimator):
    return {name: w.detach().clone() for name, w in estimator.model_.named_parameters()}


def moved(before, after):
    return max(float((after[name] - w).abs().max()) for name, w in before.items())


# --- by parameters -------------------------------------------------------------------------------


def test_l2sp_of_a_linear_model_is_ridge_regression_towards_the_source():
    """Least squares with α/2·‖w − w⁰‖² on weight and bias has a closed form."""
    X, _ = rows(40)
    rng = np.random.default_rng(1)
    y = X @ rng.normal(size=5) + 0.1 * rng.normal(size=40)
    plain = {"network": Mlp(hidden_layer_sizes=()), "recipe": LONG}
    taught = TargetOnly(**plain).fit(X, y + X[:, 0])
    few = Domain(X[:12], y[:12])
    alpha = 0.3
    model = L2SP(alpha=alpha, **plain).fit(few, source=taught)
    ready = model.embed(X[:12]).astype(float)
    A = np.column_stack([ready, np.ones(12)])
    z = model.task_.encode(few)[:, 0].numpy().astype(float)
    start = np.append(model.start_["head.weight"][0], model.start_["head.bias"]).astype(float)
    wanted = start + np.linalg.solve(
        2 / 12 * A.T @ A + alpha * np.eye(6), 2 / 12 * A.T @ (z - A @ start)
    )
    head = model.model_.head
    got = np.append(head.weight.detach()[0], head.bias.detach())
    np.testing.assert_allclose(got, wanted, atol=2e-4)
    assert np.abs(wanted - start).max() > 0.05


def test_a_fresh_head_is_pulled_to_zero_and_the_body_to_its_start():
    X, y = rows()
    source = Domain(X, y)
    few = Domain(X[:8], [7, 9] * 4)  # other classes: the head is fresh
    strong = {"network": NET, "recipe": LONG}
    drawn = L2SP(alpha=0.0, beta=3.0, **strong).fit(few, source=source)
    held = L2SP(alpha=5.0, beta=0.0, **strong).fit(few, source=source)
    assert set(held.start_) == {name for name, _ in held.model_.body.named_parameters()}
    free = L2SP(alpha=0.0, beta=0.0, **strong).fit(few, source=source)
    head = [model.model_.head.weight.detach().norm() for model in (drawn, free)]
    assert head[0] < 0.3 * head[1]
    now = [
        {name.removeprefix("body."): w for name, w in weights(model).items()}
        for model in (held, free)
    ]
    away = [moved(model.start_, w) for model, w in zip((held, free), now, strict=True)]
    assert away[0] < 0.3 * away[1]


def test_the_start_is_a_copy_of_the_source_and_saved_with_the_model(tmp_path):
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": SHORT, "prepare": PREPARED}
    taught = SourceOnly(**common).fit(X, source=source)
    model = L2SP(alpha=0.01, **common).fit(X[:8], y[::-1][:8], source=source)
    for name, w in taught.model_.named_parameters():
        assert torch.equal(model.start_[name], w)
        assert not torch.equal(dict(model.model_.named_parameters())[name], w)
    again = load(save(model, tmp_path / "model"))
    assert all(torch.equal(again.start_[name], w) for name, w in model.start_.items())
    assert again.start_.keys() == model.start_.keys()


def test_without_penalty_it_is_fine_tuning():
    X, y = rows()
    source = Domain(X, y)
    plain = FineTune(network=NET, recipe=SHORT, decay=1.0).fit(X[:8], y[:8], source=source)
    free = L2SP(network=NET, recipe=SHORT, alpha=0.0).fit(X[:8], y[:8], source=source)
    np.testing.assert_allclose(free.outputs(X), plain.outputs(X), atol=1e-4)


def test_by_default_the_penalty_counts_less_the_more_labels_there_are():
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": SHORT, "prepare": PREPARED}
    for n in (8, 20):
        default = L2SP(**common).fit(X[:n], y[:n], source=source)
        asked = L2SP(alpha=1 / n, **common).fit(X[:n], y[:n], source=source)
        np.testing.assert_array_equal(default.outputs(X), asked.outputs(X))


def test_fisher_lets_weights_move_that_the_source_does_not_need():
    """An input that is always 0 in the source has no information; its weights are free."""
    X, y = rows()
    X[:, 4] = 0
    few = rows(12, seed=2)[0]
    source = Domain(X, y)
    options = {"network": Mlp(hidden_layer_sizes=(6,)), "recipe": LONG, "alpha": 0.5}
    labels = (few[:, 4] > 0).astype(int)
    away = {}
    for fisher in (False, True):
        model = L2SP(fisher=fisher, **options).fit(few, labels, source=source)
        step = model.model_.body.fc1[0].weight.detach() - model.start_["body.fc1.0.weight"]
        away[fisher] = step.abs().mean(0)
    assert away[True][4] > 2 * away[False][4]


def test_fisher_needs_the_sources_data():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    with pytest.raises(ParameterError, match="fisher=True must have the source's data"):
        L2SP(fisher=True).fit(X, y, source=taught)


# --- by outputs ----------------------------------------------------------------------------------


def test_kl_with_rho_one_has_no_gradient_at_the_source():
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    still = KLAdaptation(recipe=LONG, rho=1.0).fit(X[:8], 3 - y[:8], source=taught)
    assert moved(weights(taught), weights(still)) < 1e-5
    half = KLAdaptation(recipe=LONG, rho=0.5).fit(X[:8], 3 - y[:8], source=taught)
    assert moved(weights(taught), weights(half)) > 0.1


def test_kl_ends_between_labels_and_source():
    """Where the network can say anything, it says (1 − ρ)·label + ρ·p_source of each row."""
    X, y = rows(8)
    recipe = Recipe(steps=1000, learning_rate=0.01, weight_decay=0.0)
    wide = Mlp(hidden_layer_sizes=(64,))
    taught = TargetOnly(network=wide, recipe=SHORT).fit(*rows())
    model = KLAdaptation(rho=0.4, recipe=recipe).fit(X, y, source=taught)
    wanted = 0.6 * np.eye(4)[y] + 0.4 * taught.predict_proba(X)
    np.testing.assert_allclose(model.predict_proba(X), wanted, atol=0.03)


@pytest.mark.parametrize("method", [LwF, Rehearsal])
def test_a_strong_weight_keeps_the_old_outputs(method):
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": LONG, "prepare": PREPARED}
    taught = SourceOnly(**common).fit(X, source=source)
    few = Domain(X[:8], 3 - y[:8])

    def forgets(weight):
        model = method(weight=weight, **common).fit(few, source=source)
        with torch.no_grad():
            old = taught.model_.head(torch.from_numpy(model.embed(X)))
        return float((old - torch.from_numpy(taught.outputs(X))).abs().mean())

    assert forgets(10.0) < 0.6 * forgets(0.0)


def test_rehearsal_forgets_the_source_less_than_fine_tuning():
    X, y = rows(200)
    source = Domain(X, y)
    few = rows(16, seed=5)[0], np.arange(16) % 4
    few = Domain(few[0] + 3, (few[1] + 1) % 4)
    options = {"network": NET, "recipe": LONG}
    tuned = FineTune(decay=1.0, **options).fit(few, source=source)
    held = Rehearsal(weight=3.0, **options).fit(few, source=source)
    assert held.score(X, y) > tuned.score(X, y) + 0.1


@pytest.mark.parametrize("method", [L2SP, LwF, Rehearsal])
def test_the_targets_classes_may_be_others(method):
    X, y = rows()
    names = np.array(["ape", "bee", "cat", "dog"])
    model = method(network=NET, recipe=LONG).fit(X[:20], names[y[:20]], source=Domain(X, y))
    assert model.score(X, names[y]) > 0.8


@pytest.mark.parametrize("method", CLOSE)
@pytest.mark.parametrize("kind", ["numbers", "answers"])
def test_other_tasks_than_classes(method, kind):
    X, _ = rows()
    labels = X[:, :2] * [2.0, 0.3] if kind == "numbers" else (X[:, :2] > 0).astype(int)
    model = method(network=NET, recipe=LONG).fit(X[:20], labels[:20], source=Domain(X, labels))
    assert model.score(X, labels) > 0.5


@pytest.mark.parametrize("method", CLOSE)
def test_a_teachers_outputs_are_computed_once(method, tmp_path, monkeypatch):
    computed = []
    compute = Store._compute

    def count(self, frozen, rows, wanted, tap):
        computed.append(len(wanted))
        return compute(self, frozen, rows, wanted, tap)

    monkeypatch.setattr(Store, "_compute", count)
    X, y = rows()
    source, common = Domain(X, y), {"network": NET, "recipe": SHORT, "prepare": PREPARED}
    with using(Store(tmp_path)):
        first = method(**common).fit(X[:12], y[:12], source=source)
        once = sum(computed)
        assert once == (60 if method is Rehearsal else 12)
        again = method(**common).fit(X[:12], y[:12], source=source)
        assert sum(computed) == once
        method(**common).fit(X[:8], y[:8], source=source)  # a fold of it
        assert sum(computed) == once
    np.testing.assert_array_equal(first.outputs(X), again.outputs(X))


def test_rehearsal_keeps_a_sample_of_the_source():
    X, y = rows(300)
    seen = []
    recorded = job.recorded

    def watch(module, kept):
        seen.append(kept.n)
        return recorded(module, kept)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fourfold.methods.finetuning.rehearsal.recorded", watch)
        Rehearsal(network=NET, recipe=SHORT, memory=50).fit(X[:8], y[:8], source=Domain(X, y))
    assert seen == [50]


BARE = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
BAD = [
    (LwF, BARE, [0, 1], "source must tell what its outputs mean"),
    (Rehearsal, BARE, [0, 1], "source must tell what its outputs mean"),
    (Rehearsal, "model", [0, 1], "source must be a Domain for this method; got a trained model"),
    (KLAdaptation, BARE, [0, 1], "source must know its class names"),
    (KLAdaptation, "data", [0, 9], "must be among the 4 classes of the task; got also 9"),
]


@pytest.mark.parametrize(("method", "source", "labels", "sentence"), BAD)
def test_what_cannot_be_is_said_before_training(method, source, labels, sentence, monkeypatch):
    X, y = rows()
    if source == "model":
        source = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    monkeypatch.setattr("fourfold.training.loop._Loop.run", None)
    source = Domain(X, y) if source == "data" else source
    with pytest.raises(FourfoldError, match=sentence) as error:
        method(network=None if source is BARE else NET, recipe=SHORT).fit(
            X[:4], labels * 2, source=source
        )
    assert isinstance(error.value, (DataError, ParameterError))


# --- a real case ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [L2SP, *CLOSE])
def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class(method):
    recipe = Recipe(epochs=10, least_steps=60)
    assert min(gains(method, shots=2, seeds=3, recipe=recipe)) > 0.1
