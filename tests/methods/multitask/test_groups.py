"""Tasks on the very same rows share their batches."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Domain, MultiTask
from fourfold.data.rows import as_rows
from fourfold.estimators.inputs import Data
from fourfold.methods.multitask._groups import group_tasks
from fourfold.training.recipe import Recipe
from methods.multitask.tasks import NET, rows


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
    back = group.labels(group.data.y)
    for got, wanted in zip(back, kinds.values(), strict=True):
        assert got.dtype == wanted.dtype
        torch.testing.assert_close(got, wanted, rtol=0, atol=0, equal_nan=True)


def test_rows_without_any_label_take_no_part():
    y = np.where(np.arange(40) < 10, 1.0, np.nan) * np.arange(40) * 0.5
    z = np.where(np.arange(40) >= 30, np.arange(40) % 2, -1)
    tasks = {"a": Domain(rows(), y), "b": Domain(rows(), z)}
    model = MultiTask(network=NET, recipe=Recipe(epochs=1, min_steps=1, batch_size=5)).fit(tasks)
    assert model.history_.steps == 4  # 20 rows
