"""Fine-tuning methods with few labels, other classes and other tasks than the source's."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from contract import has
from fourfold import L2SP, Domain, FineTune, KLAdaptation, LwF, Rehearsal
from fourfold.errors import DataError
from fourfold.frozen.store import Store, using
from fourfold.methods import table
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import LONG, NET, PREPARED, SHORT
from samples import rows

CELL = [entry.load() for entry in table().values() if entry.cell == "finetuning"]
DISTILLING = [KLAdaptation, LwF, Rehearsal]


@pytest.mark.parametrize("method", CELL)
def test_one_example_a_class_is_enough(method):
    X, y = rows(200)
    few = Domain(X[:4] + 0.1, y[:4])
    recipe = Recipe(min_steps=200, epochs=5, learning_rate=0.01)
    own = {"network": NET, "recipe": recipe} if has(method, "recipe") else {}
    model = method(**own).fit(few, source=Domain(X, y))
    assert model.score(X, y) > 0.5


@pytest.mark.parametrize("method", [method for method in CELL if not method.needs.same_labels])
def test_a_class_of_its_own_may_be_the_targets(method):
    X, y = rows()
    names = np.array(["ape", "bee", "cat", "dog"])
    model = method(network=NET, recipe=SHORT).fit(X[:8], names[y[:8]], source=Domain(X, y))
    assert set(model.predict(X)) <= set(names)
    again = FineTune(recipe=SHORT).fit(X[:8], y[:8], source=model)  # whatever its last layer is
    assert again.predict(X).shape == (60,)


@pytest.mark.parametrize("method", [method for method in CELL if method.needs.classes])
@pytest.mark.usefixtures("no_training")
def test_numbers_are_refused(method):
    X, _ = rows()
    with pytest.raises(DataError, match="must have classes to learn; got a regressor's labels"):
        method(network=NET).fit(X[:8], X[:8, 0] * 0.7, source=Domain(X, X[:, 0] * 0.7))


@pytest.mark.parametrize("method", [L2SP, LwF, Rehearsal])
def test_the_targets_classes_may_be_others(method):
    X, y = rows()
    names = np.array(["ape", "bee", "cat", "dog"])
    model = method(network=NET, recipe=LONG).fit(X[:20], names[y[:20]], source=Domain(X, y))
    assert model.score(X, names[y]) > 0.8


@pytest.mark.parametrize("method", DISTILLING)
@pytest.mark.parametrize("kind", ["numbers", "answers"])
def test_other_tasks_than_classes(method, kind):
    X, _ = rows()
    labels = X[:, :2] * [2.0, 0.3] if kind == "numbers" else (X[:, :2] > 0).astype(int)
    recipe = clone(LONG).set_params(steps=200)
    model = method(network=NET, recipe=recipe).fit(X[:20], labels[:20], source=Domain(X, labels))
    assert model.score(X, labels) > 0.5


@pytest.mark.parametrize("method", DISTILLING)
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
