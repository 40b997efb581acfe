"""Rows are held out in one place, heads are probed alone, and kept trainings not repeated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch import nn

from fourfold import Domain
from fourfold.core.tasks import Regression
from fourfold.data.rows import as_rows
from fourfold.errors import DataError
from fourfold.estimators import supervised
from fourfold.estimators.inputs import Data
from fourfold.estimators.model import Model
from fourfold.estimators.supervised import (
    hold_out,
    label_loss,
    probe,
    supervise,
    train_by,
    validation,
)
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe
from samples import noise

SHORT = Recipe(epochs=3, batch_size=16, min_steps=10)


def data(n):
    """Return n rows, whose label is the only number in them."""
    X = np.arange(n)[:, None].astype(np.float32)
    return Data(as_rows(X), torch.arange(n), np.ones(n, bool))


@pytest.mark.parametrize(
    ("n", "share", "held"), [(10, 0.3, 3), (10, 0.01, 1), (10, 0.99, 9), (2, 0.5, 1), (7, 0.5, 4)]
)
def test_a_share_of_rows_is_held_out_and_at_least_one(n, share, held):
    torch.manual_seed(0)
    train, rest = hold_out(data(n), Recipe(validation=share))
    assert len(rest.y) == held
    assert sorted([*train.y.tolist(), *rest.y.tolist()]) == list(range(n))
    for part in (train, rest):
        np.testing.assert_array_equal(part.rows.take(np.arange(part.rows.n))[:, 0], part.y)


def test_without_validation_all_rows_are_trained_on():
    whole = data(5)
    train, rest = hold_out(whole, Recipe())
    assert train is whole
    assert rest is None
    assert validation(nn.Linear(1, 1), lambda _batch: torch.zeros(1), rest) is None


def test_one_row_cannot_be_both():
    with pytest.raises(DataError, match=r"at least two labelled rows .* validation; got 1"):
        hold_out(data(1), Recipe(validation=0.3))


def test_a_training_holds_rows_out_where_it_is_asked_to():
    module = nn.Linear(1, 1)
    recipe = Recipe(epochs=3, min_steps=1, validation=0.2)
    loss = lambda batch: (module(batch.x)[:, 0] - batch.y).square().mean()  # noqa: E731
    history = train_by(loss, module, data(15), recipe)
    assert len(history.scores) == len(history.losses) == 3


def test_the_score_is_minus_the_loss_on_rows_held_out():
    X, _ = noise(12)
    domain = Domain(X, X[:, 0] * 2.5)
    task = Regression().fit(domain)
    model = nn.Linear(3, 1)
    held = Data(as_rows(X), task.encode(domain), domain.labelled)
    with torch.no_grad():
        wanted = -float(task.loss(model(torch.from_numpy(X)), held.y))
    assert validation(model, label_loss(model, task), held)() == pytest.approx(wanted)


def test_only_labelled_rows_are_trained_on():
    X, y = load_iris(return_X_y=True)
    X = X.astype(np.float32)
    few = np.where(np.arange(150) % 5 == 0, y, -1)
    nothing = X.copy()
    nothing[few < 0] = 7.0  # other inputs where there is no label
    task = TargetOnly(network=Mlp(hidden_layer_sizes=(6,)), recipe=SHORT).fit(X, y).task_
    outputs = []
    for inputs in (X, nothing):
        torch.manual_seed(0)
        model = nn.Linear(4, 3)
        domain = Domain(inputs, few)
        supervise(model, task, Data(as_rows(inputs), task.encode(domain), domain.labelled), SHORT)
        outputs.append(model.weight.detach().numpy())
    np.testing.assert_array_equal(*outputs)


def test_a_probe_trains_the_head_alone():
    X, _ = noise(30)
    domain = Domain(X, X @ [1.5, -2.5, 0.5])
    task = Regression().fit(domain)
    torch.manual_seed(0)
    body = Mlp(hidden_layer_sizes=(6,)).build((3,))
    model = Model(body, nn.Linear(6, 1))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    history = probe(model, task, Data(as_rows(X), task.encode(domain), domain.labelled), SHORT)
    after = model.state_dict()
    still = {name for name, value in before.items() if torch.equal(after[name], value)}
    assert still == {name for name in before if name.startswith("body.")}
    assert len(history.losses) == 5  # two batches an epoch, ten steps


# --- kept trainings ------------------------------------------------------------------------------


def train_once(key, trained):
    """Return the weight after a training that draws it and notes that it ran."""
    model = nn.Linear(1, 1)

    def train():
        trained.append(key)
        nn.init.constant_(model.weight, len(trained))

    supervised.train_once(model, key, train)
    return model.weight.item()


def test_the_same_training_is_not_repeated():
    trained = []
    keys = ("a", "b", "a", None, None, "b")
    assert [train_once(key, trained) for key in keys] == [1, 2, 1, 3, 4, 2]
    assert trained == ["a", "b", None, None]


def test_the_oldest_of_many_trainings_is_forgotten(monkeypatch):
    monkeypatch.setattr(supervised, "KEPT", 2)
    trained = []
    for key in "abcba":
        train_once(key, trained)
    assert trained == ["a", "b", "c", "a"]


# --- groups and times ----------------------------------------------------------------------------


def beside(n, **annotations):
    """Return n rows with annotations, whose label is the only number in them."""
    X = np.arange(n)[:, None].astype(np.float32)
    domain = Domain(X, np.arange(n), **annotations)
    return Data.of(domain, domain.rows, torch.arange(n))


def test_validation_holds_out_whole_groups_or_the_last_rows():
    groups, time = np.arange(20) // 5, np.arange(20.0)[::-1]
    train, held = hold_out(beside(20, groups=groups), Recipe(validation=0.3))
    assert len(held.y) == 5
    assert not set(groups[train.y]) & set(groups[held.y])
    train, held = hold_out(beside(20, time=time), Recipe(validation=0.3))
    assert sorted(held.y.tolist()) == list(range(6))
    assert held.time.min() > train.time.max()


@pytest.mark.parametrize("annotation", ["groups", "time"])
def test_one_group_or_moment_cannot_be_both(annotation):
    one = beside(6, **{annotation: np.zeros(6)})
    with pytest.raises(DataError, match=r"at least two groups or moments .* validation; got one"):
        hold_out(one, Recipe(validation=0.3))


def test_groups_and_times_stay_with_their_rows():
    data = beside(6, groups=list("aabbcc"), time=np.arange(6.0) * 2)
    part = replace(data, labelled=np.arange(6) % 2 == 0).known().at(np.array([2, 0]))
    assert (part.groups.tolist(), part.time.tolist()) == ([2, 0], [8.0, 0.0])
