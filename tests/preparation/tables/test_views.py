"""Both views of a table: missing cells and categories as such for trees, and all for lines."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, FineTune, Pooled
from fourfold.data.rows import FrameRows
from fourfold.errors import ParameterError
from fourfold.preparation.choose import TablePreparation, TableViews, load_preparation
from fourfold.preparation.tables.memory import prepared_once
from fourfold.preparation.tables.target_encoding import LabelledRows

TABLE = pd.DataFrame({
    "age": [20.0, None, 40.0, 30.0] * 10,
    "town": ["Ulm", "Bonn", None, "Ulm"] * 10,
    "day": pd.to_datetime(["2024-02-03", "2025-01-01", None, "2024-02-03"] * 10),
})  # fmt: skip
ROWS = FrameRows(TABLE)
RANDOM = np.random.default_rng(0).normal(size=60)


def values(rows):
    return rows.take(np.arange(rows.n))


def test_trees_get_cells_as_they_are_and_lines_as_before():
    views, lines = TableViews().fit(ROWS), TablePreparation().fit(ROWS)
    both = values(views.transform(ROWS))
    assert both.dtype == np.float32
    assert (views.start, [*views.categories]) == (6, [5])
    np.testing.assert_array_equal(both[:, views.start :], values(lines.transform(ROWS)))
    trees = both[:4, : views.start]
    np.testing.assert_array_equal(trees[:, 0], [20, np.nan, 40, 30])
    np.testing.assert_array_equal(trees[:, 1], [2024, 2025, np.nan, 2024])
    assert len({*trees[:, 5]}) == 3  # a missing category is one, too
    assert views.shape_ == (both.shape[1],)


def test_categories_without_a_feature_of_their_own_are_missing():
    rare = TABLE.assign(town=["Rom", *TABLE["town"][1:]])
    views = TableViews(min_frequency=2).fit(FrameRows(rare))
    new = FrameRows(TABLE.assign(town="Oslo")[:1])
    code = views.categories[0]
    assert np.isnan(values(views.transform(FrameRows(rare)))[0, code])
    with pytest.warns(UserWarning, match="never seen"):
        assert np.isnan(values(views.transform(new))[0, code])


def test_mean_labels_of_wide_columns_are_for_both():
    shops = FrameRows(pd.DataFrame({"shop": [f"s{i % 12}" for i in range(60)], "x": RANDOM}))
    labels = LabelledRows(shops, np.arange(60) % 12 % 2)
    views = TableViews(max_categories=4).fit(shops, labels=labels)
    assert views.learns_labels
    both = values(views.out_of_fold(labels))
    assert both.shape[1] == views.shape_[0]
    np.testing.assert_array_equal(both[:, views.start - 1], both[:, -1])
    assert np.corrcoef(both[:, -1], labels.y)[0, 1] > 0.9


def test_the_views_of_a_fitted_preparation_are_those_of_a_fit():
    lines = TablePreparation().fit(ROWS)
    over, fitted = TableViews.over(lines), TableViews().fit(ROWS)
    assert over.digest == fitted.digest
    assert over.lines_ is lines


def test_saved_views_are_the_same(tmp_path):
    views = TableViews().fit(ROWS)
    views.save(tmp_path)
    loaded = load_preparation(tmp_path)
    assert loaded.digest == views.digest
    np.testing.assert_array_equal(values(loaded.transform(ROWS)), values(views.transform(ROWS)))


def test_a_fold_is_rows_of_the_prepared_table():
    views, index = TableViews().fit(ROWS), np.array([7, 3, 12])
    part = ROWS.subset(np.arange(20)).subset(index)
    found = prepared_once(views, part, "")
    np.testing.assert_array_equal(values(found), values(views.transform(part)))
    whole = prepared_once(views, ROWS, "")
    assert found.array is whole.array  # nothing is prepared again


def test_words_stay_sparse_beside_features_for_trees():
    rows = FrameRows(TABLE.assign(note=[f"a good red phone of {at}" for at in range(40)]))
    views, lines = TableViews().fit(rows), TablePreparation().fit(rows)
    both = views.transform(rows)
    assert both.kind == "sparse"
    np.testing.assert_array_equal(values(both)[:, views.start :], values(lines.transform(rows)))
    np.testing.assert_array_equal(values(both)[:, 0], values(views.transform(rows))[:, 0])
    assert np.isnan(values(both)[1, 0])


def test_trees_learn_from_the_numbers_of_a_table_with_texts():
    size = np.random.default_rng(0).normal(size=90)
    table = pd.DataFrame({"size": size, "note": [f"a good red phone of {i}" for i in range(90)]})
    source = Domain(table[:40], size[:40] > 0)
    model = Pooled(base="boosting").fit(table[40:60], size[40:60] > 0, source=source)
    assert model.score(table[60:], size[60:] > 0) > 0.8


def test_a_network_refuses_cells_that_may_be_missing():
    source = Domain(TABLE, np.arange(40) % 2)
    with pytest.raises(ParameterError, match="must give a number for every cell; got TableViews"):
        FineTune(prepare=TableViews()).fit(TABLE[:8], np.arange(8) % 2, source=source)
