"""Several tasks learn together: whose labels count, what comes back, what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits
from torch import nn

from fourfold import Domain, MultiTask
from fourfold.core.tasks import Attributes, Classification, Regression
from fourfold.errors import DataError, MissingExtraError, ParameterError
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.multitask import multitask
from fourfold.training.recipe import Recipe
from methods.multitask.tasks import NET, SHORT, bits, different, mixed, rows


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


def test_one_task_alone_is_what_the_same_network_learns_alone():
    """With one task there is nothing to share: the baseline, but for the order of rows."""
    X, y = load_digits(return_X_y=True)
    recipe = Recipe(epochs=20, batch_size=32)
    joint = MultiTask(network=NET, recipe=recipe).fit({"digit": Domain(X[:300], y[:300])})
    alone = TargetOnly(network=NET, recipe=recipe).fit(X[:300], y[:300])
    assert joint.score(X[300:600], y[300:600], task="digit") == pytest.approx(
        alone.score(X[300:600], y[300:600]), abs=0.05
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
    recipe = Recipe(epochs=2, min_steps=1, batch_size=5)
    model = MultiTask(balance=balance, network=NET, recipe=recipe).fit(tasks)
    assert np.isfinite(model.outputs(X, task="few")).all()
    assert np.isfinite(model.outputs(X, task="many")).all()


def test_validation_holds_rows_of_every_task_out(monkeypatch):
    held = []
    hold_out = multitask.hold_out
    monkeypatch.setattr(
        multitask, "hold_out", lambda *given: held.append(hold_out(*given)) or held[-1]
    )
    recipe = Recipe(epochs=4, min_steps=1, validation=0.25, patience=2, batch_size=16)
    model = MultiTask(network=NET, recipe=recipe).fit(mixed())
    assert [len(rest.y) for _, rest in held] == [round(n / 4) for n in (26, 18, 10)]
    assert len(model.history_.scores) > 0
    assert np.isfinite(model.history_.scores).all()


@pytest.mark.usefixtures("no_training")
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


@pytest.mark.usefixtures("no_training")
def test_a_gradient_method_names_the_extra_that_it_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchjd", None)
    monkeypatch.delitem(sys.modules, "fourfold.training.aggregators", raising=False)
    with pytest.raises(MissingExtraError, match=r"fourfold\[multitask\]"):
        MultiTask(balance="pcgrad").fit(mixed())


@pytest.mark.usefixtures("no_training")
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
