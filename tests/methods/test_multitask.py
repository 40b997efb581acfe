"""Several tasks on shared layers: what is shared, whose labels count, what comes back."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.datasets import load_digits
from torch import nn

from fourfold import Domain, MultiTask, cut, load, save
from fourfold.bundle import export
from fourfold.core.tasks import Attributes, Classification, Regression
from fourfold.errors import DataError, MissingExtraError, ParameterError
from fourfold.frozen.onnx import session
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.multitask import _groups as groups
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, least_steps=6, batch_size=16)
NET = Mlp(hidden_layer_sizes=(8,))


def rows(n=40, d=3, seed=0):
    return np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)


def mixed():
    """Return three kinds of tasks with different rows, and labels missing row by row."""
    a, b, c = rows(40), rows(24, seed=1), rows(10, seed=2)
    classes = np.where(np.arange(40) % 3, np.arange(40) % 2, -1)
    numbers = np.where(np.arange(24) % 4, b[:, 0] * 7 + 100, np.nan)
    answers = (c[:, :2] > 0).astype(float)
    answers[::2, 0] = np.nan
    return {"kind": Domain(a, classes), "size": Domain(b, numbers), "has": Domain(c, answers)}


def digits(n=None):
    X, y = load_digits(return_X_y=True)
    return X[:n], y[:n]


def bits(model, X, *tasks):
    return [model.outputs(X, task=task).tobytes() for task in tasks]


# --- what is learnt ------------------------------------------------------------------------------


def test_kinds_are_told_from_the_labels_of_each_task():
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    kinds = {name: type(model.of(name).task_) for name in mixed()}
    assert kinds == {"kind": Classification, "size": Regression, "has": Attributes}
    X = rows(5)
    assert set(model.predict(X, task="kind")) <= {0, 1}
    assert 50 < model.predict(X, task="size").mean() < 150  # in the units of the labels
    assert model.predict(X, task="has").shape == (5, 2)
    np.testing.assert_allclose(model.predict_proba(X, task="kind").sum(1), 1, atol=1e-6)
    assert np.isfinite(model.history_.losses).all()


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


def test_one_task_alone_is_what_the_same_network_learns_alone():
    """With one task there is nothing to share: the baseline, but for the order of rows."""
    X, y = digits(600)
    recipe = Recipe(epochs=20, batch_size=32)
    joint = MultiTask(network=NET, recipe=recipe).fit({"digit": Domain(X[:300], y[:300])})
    alone = TargetOnly(network=NET, recipe=recipe).fit(X[:300], y[:300])
    assert joint.score(X[300:], y[300:], task="digit") == pytest.approx(
        alone.score(X[300:], y[300:]), abs=0.05
    )


def test_labels_that_are_missing_change_nothing():
    """A row without any label is as good as no row."""
    X, y = rows(), np.arange(40) % 2
    some = np.where(np.arange(40) < 20, y, -1)
    other = {"b": Domain(rows(30, seed=3), rows(30, seed=3)[:, 0])}
    prepared = {"network": nn.Linear(3, 4), "recipe": SHORT}
    holes = MultiTask(**prepared).fit({"a": Domain(X, some), **other})
    without = MultiTask(**prepared).fit({"a": Domain(X[:20], y[:20]), **other})
    assert bits(holes, X, "a", "b") == bits(without, X, "a", "b")


@pytest.mark.parametrize("balance", ["equal", "uncertainty", "pcgrad", "mgda", "nashmtl"])
def test_batches_without_a_label_of_some_task(balance):
    """Few labels on many shared rows: most batches have none of the second task."""
    X = rows(60)
    few = np.full(60, np.nan)
    few[:2] = [100.0, 102.5]
    tasks = {"many": Domain(X, np.arange(60) % 2), "few": Domain(X, few)}
    recipe = Recipe(epochs=2, least_steps=1, batch_size=5)
    model = MultiTask(balance=balance, network=NET, recipe=recipe).fit(tasks)
    assert np.isfinite(model.outputs(X, task="few")).all()
    assert np.isfinite(model.outputs(X, task="many")).all()


def test_validation_holds_rows_of_every_task_out(monkeypatch):
    held = []
    split = groups.Group.hold_out
    monkeypatch.setattr(
        groups.Group, "hold_out", lambda self, share: held.append(split(self, share)) or held[-1]
    )
    recipe = Recipe(epochs=4, least_steps=1, validation=0.25, patience=2, batch_size=16)
    model = MultiTask(network=NET, recipe=recipe).fit(mixed())
    assert [len(rest.data.y) for _, rest in held] == [round(n / 4) for n in (26, 18, 10)]
    assert len(model.history_.scores) > 0
    assert np.isfinite(model.history_.scores).all()


# --- the very same rows --------------------------------------------------------------------------


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
    jobs = {name: _job(y) for name, y in kinds.items()}
    (group,) = groups.grouped(jobs)
    back = group.labels(group.data.y)
    for got, wanted in zip(back, kinds.values(), strict=True):
        assert got.dtype == wanted.dtype
        torch.testing.assert_close(got, wanted, rtol=0, atol=0, equal_nan=True)


class _Given:
    def __init__(self, target):
        self.target = target


def _job(y):
    from fourfold.data.rows import as_rows
    from fourfold.estimators.problem import Data

    return _Given(Data(as_rows(rows(4)), y, np.ones(4, bool)))


def test_rows_without_any_label_take_no_part():
    y = np.where(np.arange(40) < 10, 1.0, np.nan) * np.arange(40) * 0.5
    z = np.where(np.arange(40) >= 30, np.arange(40) % 2, -1)
    tasks = {"a": Domain(rows(), y), "b": Domain(rows(), z)}
    model = MultiTask(network=NET, recipe=Recipe(epochs=1, least_steps=1, batch_size=5)).fit(tasks)
    assert model.history_.steps == 4  # 20 rows


# --- the middle ----------------------------------------------------------------------------------


def different():
    X, y = digits(200)
    table = pd.DataFrame({"sum": X.sum(1), "odd": np.where(y % 2, "yes", "no")})
    return {
        "pictures": Domain(X.reshape(-1, 8, 8), y),
        "vectors": Domain(X[:100, :20], X[:100, 30] + 0.25),
        "tables": Domain(table, y > 4),
    }


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


# --- saving and exporting ------------------------------------------------------------------------


def test_saved_and_loaded(tmp_path):
    model = MultiTask(network=NET, recipe=SHORT, balance="uncertainty").fit(mixed())
    loaded = load(save(model, tmp_path / "model"))
    assert list(loaded.members_) == list(mixed())
    assert bits(loaded, rows(7), *mixed()) == bits(model, rows(7), *mixed())
    assert loaded.findings_ == model.findings_
    assert loaded.history_ == model.history_
    kept = load(save(loaded, tmp_path / "again"))
    assert bits(kept, rows(7), *mixed()) == bits(model, rows(7), *mixed())


def test_a_cut_network_is_saved_and_loaded(tmp_path):
    layers = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 4))
    model = MultiTask(network=cut(layers, "1", engine="torch"), recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    assert len(list(folder.glob("*/frozen.onnx"))) == 1
    for name in mixed():
        wanted = model.outputs(rows(7), task=name)
        np.testing.assert_allclose(load(folder).outputs(rows(7), task=name), wanted, atol=1e-5)


def test_a_shared_body_is_saved_once(tmp_path):
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    names = [set(load_file(f)) for f in sorted(folder.glob("task-*/weights.safetensors"))]
    assert names[1] == names[2] == {"weight", "bias"}
    loaded = load(folder)
    assert loaded.of("kind").model_.body is loaded.of("has").model_.body


def test_a_users_network_is_needed_to_train_on(tmp_path):
    network = nn.Sequential(nn.Linear(3, 5), nn.ReLU())
    model = MultiTask(network=network, recipe=SHORT).fit(mixed())
    folder = save(model, tmp_path / "model")
    wanted = model.outputs(rows(7), task="has")
    np.testing.assert_allclose(load(folder).outputs(rows(7), task="has"), wanted, atol=1e-5)
    with pytest.raises(ParameterError, match="brings it"):
        load(folder).fit(mixed())
    again = load(folder, network=network).fit(mixed())
    assert bits(again, rows(7), "kind") == bits(model, rows(7), "kind")


def test_one_task_is_an_estimator_like_any_other(tmp_path):
    model = MultiTask(share="middle", recipe=SHORT).fit(different())
    X = different()["pictures"].rows
    alone = load(save(model.of("pictures"), tmp_path / "alone"))
    assert np.array_equal(alone.outputs(X), model.outputs(X, task="pictures"))
    again = alone.fit(different()["pictures"])  # now it learns by itself
    assert again.score(X, different()["pictures"].y) > 0.1


@pytest.mark.parametrize(
    ("share", "name", "output"),
    [("input", "size", "values"), ("middle", "pictures", "probabilities")],
)
def test_a_task_is_exported_by_itself(tmp_path, share, name, output):
    model = MultiTask(share=share, recipe=SHORT).fit(mixed() if share == "input" else different())
    path = tmp_path / "task.onnx"
    assert export(model, path, task=name) < 1e-3
    assert [given.name for given in session(path).get_outputs()] == [output]
    with pytest.raises(ParameterError, match="task must be named"):
        export(model, path)
    with pytest.raises(ParameterError, match="task must be one of"):
        export(model, path, task="other")
    with pytest.raises(ParameterError, match="task must be None for a model of a single one"):
        export(model.of(name), path, task=name)


# --- bad input -----------------------------------------------------------------------------------


@pytest.fixture
def _no_training(monkeypatch):
    monkeypatch.setattr(
        "fourfold.training.loop._Loop.run", lambda _loop: pytest.fail("a training began")
    )


@pytest.mark.usefixtures("_no_training")
@pytest.mark.parametrize(
    ("method", "tasks", "error", "says"),
    [
        ({}, {}, DataError, "at least one task; got none"),
        ({}, [1], ParameterError, "fit({'name': Domain(X, y), ...}); got list"),
        ({}, {"a": rows()}, ParameterError, "must be names with a Domain each"),
        ({}, {"a": Domain(rows())}, DataError, "task 'a' must have labels; got none"),
        ({"balance": "pcgrad"}, {"a": Domain(rows(), rows()[:, 0])}, ParameterError,
         "at least 2 tasks"),
        ({}, {"a": Domain(rows(), rows()[:, 0]), "b": Domain(rows(d=4), rows()[:, 0])}, DataError,
         "rows of shape (3,) in 'a' and rows of shape (4,) in 'b': share='middle' takes different"),
        ({}, {"a": Domain(rows(), np.zeros(40, int))}, DataError, "task 'a': labels of"),
        ({"share": "middle", "network": nn.Linear(3, 2)}, mixed(), ParameterError,
         "network must be a name, a Builder or None"),
        ({"network": nn.Linear(5, 2)}, mixed(), DataError, "must take rows of shape (3,)"),
        ({"balance": "best"}, mixed(), ParameterError, "balance of MultiTask must be one of"),
        ({"share": "all"}, mixed(), ParameterError, "share of MultiTask must be one of"),
    ],
)  # fmt: skip
def test_refused_before_training(method, tasks, error, says):
    with pytest.raises(error) as raised:
        MultiTask(**method).fit(tasks)
    assert says in str(raised.value)


def test_an_unknown_task_is_refused_and_the_known_ones_are_named():
    model = MultiTask(network=NET, recipe=SHORT).fit(mixed())
    for ask in (model.predict, model.outputs, model.embed, model.predict_proba):
        with pytest.raises(ParameterError, match=r"one of 'kind', 'size', 'has'; got 'colour'"):
            ask(rows(), task="colour")
    with pytest.raises(ParameterError, match="'size' must have classes for probabilities"):
        model.predict_proba(rows(), task="size")


@pytest.mark.usefixtures("_no_training")
def test_a_gradient_method_names_the_extra_that_it_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchjd", None)
    monkeypatch.delitem(sys.modules, "fourfold.training.aggregators", raising=False)
    with pytest.raises(MissingExtraError, match=r"fourfold\[multitask\]"):
        MultiTask(balance="pcgrad").fit(mixed())


@pytest.mark.usefixtures("_no_training")
def test_a_solver_that_is_not_there_is_named(monkeypatch):
    from fourfold.training import aggregators

    def missing(_k):
        raise ImportError("no cvxpy")

    monkeypatch.setitem(aggregators.AGGREGATORS, "cagrad", missing)
    with pytest.raises(MissingExtraError, match="a solver of torchjd for cagrad"):
        MultiTask(balance="cagrad").fit(mixed())


def test_candidates_fit_the_tasks():
    assert [c.balance for c in MultiTask.candidates(mixed())] == ["equal", "uncertainty", "pcgrad"]
    assert {c.share for c in MultiTask.candidates(mixed())} == {"input"}
    assert {c.share for c in MultiTask.candidates(different())} == {"middle"}
    assert [c.balance for c in MultiTask.candidates({"one": mixed()["kind"]})] == ["equal"]


# --- real digits ---------------------------------------------------------------------------------


def test_few_labels_of_related_tasks_help_each_other():
    """Three questions on digits, 80 labels each on rows of their own: together beats each alone."""
    X, y = load_digits(return_X_y=True)
    answers = {"digit": y, "even": y % 2, "large": y > 4}
    recipe, gains = Recipe(steps=250, learning_rate=0.003), []
    for seed in range(2):
        order = np.random.default_rng(seed).permutation(len(X))
        few = {name: order[80 * i : 80 * i + 80] for i, name in enumerate(answers)}
        tasks = {name: Domain(X[few[name]], answer[few[name]]) for name, answer in answers.items()}
        rest, given = order[800:], {"recipe": recipe, "random_state": seed}
        model = MultiTask(**given).fit(tasks)
        for name, answer in answers.items():
            alone = [kind.fit(tasks[name]) for kind in (TargetOnly(**given), Linear())]
            best = max(one.score(X[rest], answer[rest]) for one in alone)
            gains.append(model.score(X[rest], answer[rest], task=name) - best)
    assert min(gains) > -0.01
    assert np.mean(gains) > 0.01
