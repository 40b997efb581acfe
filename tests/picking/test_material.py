"""Material: domains are settled together, and labels are looked at before anything is trained."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain
from fourfold.errors import DataError, ParameterError
from fourfold.picking import material
from fourfold.picking.material import Material
from samples import rows


def test_rows_labelled_elsewhere_are_in_the_pool_but_not_free():
    X, y = rows()
    found = Material.read(X, 5, None, Domain(X[:10], y[:10]))
    pool = found.pool()
    assert len(pool.labelled) == 70
    assert pool.n_free == 50
    assert not pool.free[:10].any()


def test_unlabelled_rows_beside_are_not_picked_either():
    X, y = rows()
    partly = Domain(X[:10], np.where(np.arange(10) < 5, y[:10], -1))
    assert not Material.read(X[10:], 5, None, partly).pool().free[50:].any()


def test_equal_rows_of_tables_are_found():
    table = pd.DataFrame({"size": [1.5, 2.5, 1.5, 4.0], "kind": ["a", "b", "a", "a"]})
    assert Material.read(table, 1, None, None).pool().n_free == 3


def test_of_very_many_rows_some_are_looked_at_and_all_labelled_ones(monkeypatch):
    monkeypatch.setattr(material, "MOST_ROWS", 20)
    X, y = rows(200)
    few = Domain(X, np.where(np.arange(200) < 3, y, -1))
    found = Material.read(few, 2, None, None)
    assert 20 <= len(found.positions) <= 23
    assert {0, 1, 2} <= set(found.positions.tolist())
    assert len(Material.read(few, 10, None, None).positions) >= 100


@pytest.mark.parametrize(
    ("labels", "enough"),
    [
        (None, False),
        ([0, -1, -1, -1], False),
        ([0, 0, -1, -1], False),
        ([0, 1, -1, -1], True),
        ([0.5, np.nan, np.nan, np.nan], False),
        ([0.5, 1.25, np.nan, np.nan], True),
    ],
)
def test_labels_are_enough_for_a_model_or_not(labels, enough):
    assert Material.read(Domain(np.eye(4), labels), 1, None, None).can_teach is enough


def test_sources_must_have_labels_and_be_domains():
    X, y = rows()
    with pytest.raises(DataError, match="old must have labels to learn from; got none"):
        Material.read(X, 1, Domain(X, name="old"), None)
    with pytest.raises(ParameterError, match=r"source must be a Domain, .*; got ndarray"):
        Material.read(X, 1, [X, y], None)


def test_classes_of_all_domains_are_counted():
    X, y = rows()
    assert Material.read(X, 1, [Domain(X, y)], None).classes == 4
    assert Material.read(X, 1, None, None).classes == 0
