"""The map promises nothing that a study refuses: both ask the same."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from fourfold import Domain, Mlp, Store, Study
from fourfold.errors import FourfoldError
from fourfold.study.asking.posing import check_tasks, check_transfer

N = 24
X = np.random.default_rng(0).normal(size=(N, 3))
ROW = np.arange(N)
LABELS = {
    "none": None,
    "classes": ROW % 3,
    "fewer classes": ROW % 2,
    "others": ROW % 3 + 7,
    "names": np.array(["a", "b", "c"])[ROW % 3],
    "digits as names": np.array(["0", "1", "2"])[ROW % 3],
    "one class": np.zeros(N, int),
    "numbers": X[:, 0] + 0.5,
    "three numbers": np.where(ROW < 3, X[:, 0] + 0.5, np.nan),
    "answers": np.c_[ROW % 2, ROW % 3 % 2],
    "several numbers": X[:, :2] * 2.5,
}

PILES = (False, True), (True, False)
"""Whether there is an unlabelled pile more, and whether there are rows to evaluate on."""


def refusal(ask, *data, **options):
    """Return the error of a question; nothing if it is accepted."""
    try:
        ask(*data, **options)
    except FourfoldError as error:
        return str(error)
    return ""


def refuses(source, target):
    """Return whether labels are such that a study refuses them."""
    digits = {source, target} & {"classes", "fewer classes", "one class"}
    mixed = "digits as names" in {source, target} and digits
    return bool(mixed) or "one class" in {source, target} or target == "three numbers"


@pytest.mark.parametrize("source", LABELS)
def test_the_map_and_the_study_refuse_the_same(source, tmp_path):
    store = Store(tmp_path / "store")
    for at, (target, (piled, judged)) in enumerate(product(LABELS, PILES)):
        sources = [Domain(X, LABELS[source], name="source")]
        sources += [Domain(X + 3, name="more")] * piled
        goal = Domain(X + 1, LABELS[target], name="target")
        known = LABELS[source] if LABELS[target] is None else LABELS[target]
        evaluate = Domain(X + 2, known, name="judged") if judged and known is not None else None
        said = refusal(check_transfer, sources, goal, evaluate)
        clusters = 2 if source == target == "none" else None
        network = None if clusters else Mlp(hidden_layer_sizes=(4,))
        options = {"clusters": clusters, "network": network, "store": store}
        output = tmp_path / str(at)
        assert said == refusal(Study, sources, goal, evaluate, output=output, **options)
        assert bool(said) == refuses(source, target), (target, said)


@pytest.mark.parametrize("first", ["classes", "numbers", "three numbers", "answers"])
def test_tasks_are_refused_alike(first, tmp_path):
    for second, labels in LABELS.items():
        tasks = {"first": Domain(X, LABELS[first]), "second": Domain(X + 1, labels)}
        said = refusal(check_tasks, tasks)
        assert said == refusal(Study, tasks=tasks, output=tmp_path / second)
        refused = {"three numbers", "one class", "none"} & {first, second}
        assert bool(said) == bool(refused), (second, said)


@pytest.mark.parametrize("odd", [np.nan, np.inf, "equal"])
@pytest.mark.parametrize("role", ["source", "target", "judged"])
def test_rows_are_refused_alike(role, odd, tmp_path):
    rows = {name: X + at for at, name in enumerate(("source", "target", "judged"))}
    rows[role] = np.ones_like(X) if odd == "equal" else np.where(ROW[:, None] == 3, odd, rows[role])
    data = [Domain(values, ROW % 3, name=name) for name, values in rows.items()]
    said = refusal(check_transfer, *data)
    network = Mlp(hidden_layer_sizes=(4,))
    assert said == refusal(Study, *data, output=tmp_path / "out", network=network)
    assert said.startswith(f"{role}: ") or (role, odd) == ("judged", "equal")


def test_rows_of_tasks_are_refused_alike(tmp_path):
    tasks = {"first": Domain(X, ROW % 3), "second": Domain(np.ones_like(X), ROW % 2)}
    said = refusal(check_tasks, tasks)
    assert said == refusal(Study, tasks=tasks, output=tmp_path / "out")
    assert said.startswith("second: rows must differ once they are prepared")


def test_of_very_many_rows_some_of_all_are_looked_at(monkeypatch):
    monkeypatch.setattr("fourfold.study.asking.preparations.ITEMS", 10)
    monkeypatch.setattr("fourfold.study.asking.preparations.LOOKED_AT", 0)
    data = [Domain(X, ROW % 3, name="source"), Domain(np.ones_like(X), ROW % 3, name="target")]
    assert "got 10 equal ones" in refusal(check_transfer, *data)


def test_notes_are_those_of_the_study():
    few = Domain(X + 1, np.where(ROW == 0, 2, ROW % 2), name="target")
    (said,) = check_transfer(Domain(X, ROW % 3), few)
    assert said.startswith("Of class 2 the target has a single label")
    moved = Domain(X + 1, X[:, 0] + 20, name="target")
    (said,) = check_transfer(Domain(X, X[:, 0] + 0.1), moved)
    assert said.startswith("Numbers of the source and of the target seem to be in other units")
