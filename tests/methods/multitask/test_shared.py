"""Tasks share a whole network, or its last layers above inputs of their own."""

from __future__ import annotations

import numpy as np
import pytest

from fourfold import Domain, MultiTask
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
