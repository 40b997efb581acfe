"""Tasks share a whole network, or its last layers above inputs of their own."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain, MultiTask
from fourfold.data.rows import as_rows
from fourfold.estimators.inputs import Data
from fourfold.methods.multitask._shared import group_tasks
from fourfold.training.recipe import Recipe
from methods.multitask.tasks import NET, SHORT, bits, different, mixed, rows


def test_all_heads_stand_on_one_network():
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    assert len({id(model.of(name).model_.body) for name in mixed()}) == 1
    assert len({id(model.of(name).model_.head) for name in mixed()}) == 3
    X = rows(5)
    assert np.array_equal(model.embed(X, task="kind"), model.embed(X, task="size"))


def test_the_inputs_of_all_tasks_are_prepared_together():
    tasks = {"near": Domain(rows(), rows()[:, 0]), "far": Domain(rows() + 10, rows()[:, 1])}
    model = MultiTask(network=NET, recipe=SHORT).fit(tasks)
    np.testing.assert_allclose(model.of("near").prepare_.mean_, rows().mean(0) + 5, atol=1e-5)
    assert model.of("near").prepare_.digest == model.of("far").prepare_.digest


def test_different_inputs_meet_in_the_middle():
    method = MultiTask(share="middle", width=12, middle=(10,), recipe=SHORT)
    model = method.fit(different())
    bodies = [model.of(name).model_.body for name in different()]
    assert len({id(body) for body in bodies}) == 3
    assert len({id(body.get_submodule("middle")) for body in bodies}) == 1
    assert {body.width for body in bodies} == {10}
    for name, domain in different().items():
        assert len(model.predict(domain.rows, task=name)) == domain.n_rows
    kinds = {name: type(model.of(name).prepare_).__name__ for name in different()}
    assert kinds["tables"] == "TablePreparation"


@pytest.mark.parametrize("balance", ["equal", "pcgrad"])
def test_the_middle_follows_all_tasks(balance):
    """Another task's labels change what the first predicts, through the middle alone."""
    tasks = different()
    moved = {**tasks, "vectors": Domain(tasks["vectors"].rows, -tasks["vectors"].y)}
    method = MultiTask(share="middle", balance=balance, recipe=SHORT)
    X = tasks["pictures"].rows
    assert bits(method.fit(tasks), X, "pictures") != bits(method.fit(moved), X, "pictures")


def count(monkeypatch):
    """Count the rows that pass the shared network in training."""
    passed = []
    forward = nn.Linear.forward

    def counting(self, x):
        if self.in_features == 3 and self.training:
            passed.append(len(x))
        return forward(self, x)

    monkeypatch.setattr(nn.Linear, "forward", counting)
    return passed


@pytest.mark.parametrize(("same", "each"), [(True, 16), (False, 32)])
def test_the_same_rows_pass_once(monkeypatch, same, each):
    passed = count(monkeypatch)
    other = rows().copy() if same else rows(seed=1)  # equal by content, not one object
    tasks = {"a": Domain(rows(), np.arange(40) % 2), "b": Domain(other, rows()[:, 1])}
    MultiTask(network=NET, recipe=Recipe(steps=5, batch_size=16)).fit(tasks)
    assert passed == [each] * 5


def test_labels_of_the_same_rows_come_back_as_they_went_in():
    torch.manual_seed(0)
    kinds = {
        "classes": torch.tensor([3, -1, 70000, 2]),
        "number": torch.randn(4, 1),
        "answers": torch.tensor([[0.0, 1.0], [float("nan"), 1.0], [1.0, 0.0], [0.0, 0.0]]),
    }
    problems = {
        name: SimpleNamespace(target=Data(as_rows(rows(4)), y, np.ones(4, bool)))
        for name, y in kinds.items()
    }
    (group,) = group_tasks(problems)
    back = group.labels(group.data.table().batch(torch.arange(4), torch.device("cpu")))
    for (got, weight), wanted in zip(back, kinds.values(), strict=True):
        assert weight is None
        assert got.dtype == wanted.dtype
        torch.testing.assert_close(got, wanted, rtol=0, atol=0, equal_nan=True)


def test_rows_without_any_label_take_no_part():
    y = np.where(np.arange(40) < 10, 1.0, np.nan) * np.arange(40) * 0.5
    z = np.where(np.arange(40) >= 30, np.arange(40) % 2, -1)
    tasks = {"a": Domain(rows(), y), "b": Domain(rows(), z)}
    model = MultiTask(network=NET, recipe=Recipe(epochs=1, min_steps=1, batch_size=5)).fit(tasks)
    assert model.history_.steps == 4  # 20 rows


def test_groups_of_tasks_on_the_same_rows_are_joined():
    y, all_rows = torch.arange(4), np.ones(4, bool)
    beside = [{"groups": np.array([0, 0, 1, 2])}, {}, {"groups": np.array([0, 1, 1, 2])}]
    problems = {
        str(i): SimpleNamespace(target=Data(as_rows(rows(4)), y, all_rows, **given))
        for i, given in enumerate([*beside, {"time": np.arange(4.0)}])
    }
    (group,) = group_tasks(problems)
    assert group.data.groups.tolist() == [0, 0, 0, 1]
    assert group.data.time.tolist() == [0, 1, 2, 3]
