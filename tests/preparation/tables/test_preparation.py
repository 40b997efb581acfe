"""Tables become numbers, whatever their columns hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold.data.rows import ArrayRows, FrameRows, SparseRows, TextRows, as_rows
from fourfold.errors import DataError, FourfoldWarning
from fourfold.preparation.choose import TablePreparation, load_preparation
from fourfold.preparation.tables.target_encoding import LabelledRows
from preparation_samples import TEXTS, every, fitted, numbers, same, table


def test_text_without_spaces_is_read_by_letters():
    said = [
        "这个手机的电池很好用",
        "屏幕太小了我不喜欢它",
        "价格便宜质量也非常好",
        "电池不好用屏幕也太小",
    ]
    rows = as_rows(pd.DataFrame({"said": said}))
    prepare = TablePreparation().fit(rows)
    assert "电池" in prepare.transformer_.named_transformers_["text"].get_feature_names_out()


def test_missing_numbers_become_the_median_and_say_so():
    frame = pd.DataFrame({"a": [1.0, 2.0, np.nan, 9.0], "b": [1.0, 2.0, 3.0, 4.0]})
    rows = as_rows(frame)
    ready = every(TablePreparation().fit(rows).transform(rows))
    assert ready.shape == (4, 3)
    assert ready[2, 0] == ready[1, 0]
    assert (ready[:, 2] > 0).tolist() == [False, False, True, False]
    np.testing.assert_allclose(ready.mean(axis=0), 0, atol=1e-6)


def test_dates_become_their_parts():
    frame = pd.DataFrame({"d": pd.to_datetime(["2020-01-06", "2021-03-06", None])})
    rows = as_rows(frame)
    prepare = TablePreparation().fit(rows)
    scaler = prepare.transformer_.named_transformers_["numbers"].steps[1][1]
    imputed = scaler.mean_[:4] + scaler.scale_[:4] * every(prepare.transform(rows))[:2, :4]
    want = [[2020, 1, 0, 18267], [2021, 3, 5, 18692]]  # days since 1970
    np.testing.assert_allclose(imputed, want, atol=1e-3)


def test_rare_categories_are_one_and_unknown_ones_are_zeros():
    rows = as_rows(pd.DataFrame({"c": ["a", "a", "b", "b", "once", "twice?", None, None]}))
    prepare = TablePreparation().fit(rows)
    ready = every(prepare.transform(rows))
    assert ready.shape == (8, 4)  # a, b, missing, rare
    np.testing.assert_array_equal(ready[4], ready[5])
    np.testing.assert_array_equal(ready.sum(axis=1), 1)
    with pytest.warns(FourfoldWarning, match=r"column c: 1 of 1 cells .* never seen: 'new' \(row"):
        unknown = prepare.transform(as_rows(pd.DataFrame({"c": ["new"]})))
    assert not every(unknown).any()


def shops(n, kinds, seed=0):
    """Draw rows of many shops, each with labels of one class alone."""
    rng = np.random.default_rng(seed)
    shop = rng.integers(0, kinds, n)
    frame = pd.DataFrame({"shop": [f"shop {i}" for i in shop], "x": rng.normal(size=n)})
    return as_rows(frame), shop * 7919 % kinds % 2


def test_a_column_of_many_categories_has_a_feature_for_each():
    rows, _ = shops(900, 120)
    prepare = TablePreparation().fit(rows)
    assert prepare.shape_ == (121,)
    assert prepare.notes() == []
    assert not prepare.learns_labels


def test_the_most_frequent_categories_are_kept_and_the_cap_is_noted():
    often = ["a"] * 9 + ["b"] * 8 + ["c"] * 7 + ["d"] * 2 + ["once"]
    prepare = TablePreparation(max_categories=3).fit(as_rows(pd.DataFrame({"c": often})))
    names = prepare.transformer_.get_feature_names_out()
    assert [name.rpartition("_")[2] for name in names] == ["a", "b", "sklearn"]
    (note,) = prepare.notes()
    assert note.startswith("Column 'c' has 5 categories: the 2 most frequent have a feature each")
    assert "(max_categories=3)" in note
    assert TablePreparation(max_categories=4).fit(as_rows(pd.DataFrame({"c": often}))).notes() == []


def test_columns_beyond_the_cap_are_also_encoded_by_mean_labels():
    rows, y = shops(600, 40)
    labels, capped = LabelledRows(rows, y), TablePreparation(max_categories=5)
    plain = capped.fit(rows).shape_[0]
    assert capped.learns_labels
    assert capped.fit(rows, labels=labels).shape_ == (plain + 1,)
    assert "mean labels" in capped.notes()[0]
    new, truth = shops(200, 40, seed=1)
    said = every(capped.transform(new))[:, -1]
    assert ((said > 0) == truth).all()
    learnt_from = every(capped.out_of_fold(labels))
    assert np.array_equal(learnt_from[:, :-1], every(capped.transform(rows))[:, :-1])
    assert not np.array_equal(learnt_from, every(capped.transform(rows)))
    assert capped.fit(rows).shape_ == (plain,)  # forgotten


def test_labels_of_columns_within_the_cap_are_not_looked_at():
    rows, y = shops(600, 40)
    given = [LabelledRows(rows, labels) for labels in (y, 1 - y)]
    ones, others = (TablePreparation().fit(rows, labels=labels) for labels in given)
    assert ones.digest == others.digest == TablePreparation().fit(rows).digest
    capped = TablePreparation(max_categories=5)
    assert len({capped.fit(rows, labels=labels).digest for labels in given}) == 2


def test_labels_may_be_of_one_of_several_domains():
    (source, y), (target, truth) = shops(600, 40), shops(90, 40, seed=1)
    prepare = TablePreparation(max_categories=5).fit(source, target, labels=LabelledRows(source, y))
    assert ((every(prepare.transform(target))[:, -1] > 0) == truth).all()


def test_both_domains_are_seen():
    source = as_rows(pd.DataFrame({"c": ["a"] * 4, "n": [0.0] * 4}))
    target = as_rows(pd.DataFrame({"c": ["b"] * 4, "n": [1.0] * 4}))
    prepare = TablePreparation().fit(source, target)
    assert every(prepare.transform(target))[0].tolist() == [1, 0, 1]
    assert every(prepare.transform(source))[0].tolist() == [-1, 1, 0]


def test_whole_numbers_are_one_category_with_and_without_missing_cells():
    whole = as_rows(pd.DataFrame({"c": pd.Categorical([1, 2, 1, 2])}))
    holes = as_rows(pd.DataFrame({"c": pd.Categorical([1.0, None, 2.0, 0.0])}))
    prepare = TablePreparation(min_frequency=1).fit(whole, holes)
    (known,) = prepare.transformer_.named_transformers_["categories"].categories_
    assert sorted(known) == ["0", "1", "2", "missing"]


def test_text_is_kept_sparse_and_weighs_words():
    rows = as_rows(table())
    prepare = TablePreparation(max_words=6).fit(rows)
    ready = prepare.transform(rows)
    assert isinstance(ready, SparseRows)
    assert len(prepare.transformer_.named_transformers_["text"].vocabulary_) == 6
    dense = TablePreparation().fit(as_rows(table().drop(columns="note")))
    assert isinstance(dense.transform(rows), ArrayRows)


def test_several_columns_of_text_are_one_document():
    frame = table().assign(more=table(seed=5)["note"].str.replace("good", "splendid"))
    prepare = TablePreparation().fit(as_rows(frame))
    words = prepare.transformer_.named_transformers_["text"].vocabulary_
    assert {"good", "splendid"} <= set(words)


def test_order_and_further_columns_do_not_matter_but_missing_ones_do():
    prepare, rows = fitted("text")
    other = rows.frame[rows.frame.columns[::-1]].assign(further=1)
    np.testing.assert_array_equal(
        every(prepare.transform(as_rows(other))), every(prepare.transform(rows))
    )
    with pytest.raises(DataError, match="columns that L2SP was fitted on; missing: age, town"):
        prepare.transform(as_rows(rows.frame.drop(columns=["town", "age"])), who="L2SP")
    with pytest.raises(DataError, match="missing: age"):
        prepare.check_rows(as_rows(rows.frame.drop(columns="age")))


@pytest.mark.parametrize(
    ("frames", "says"),
    [
        ([{"a": [1.0]}, {"a": [pd.Timestamp(0)]}], "column 'a' must hold the same"),
        ([{"a": [1.0]}, {"b": [1.0]}], "same columns; table 2 lacks a; table 1 lacks b"),
        ([{"a": [[1], [2]]}], "column 'a' must hold numbers, dates"),
        ([{(1, 2): [1.0]}], "names must be strings"),
    ],
)
def test_tables_that_cannot_be_prepared_are_refused(frames, says):
    with pytest.raises(DataError, match=says):
        TablePreparation().fit(*(as_rows(pd.DataFrame(frame)) for frame in frames))


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"age": ["x"] * 40}, "column 'age' must hold numbers"),
        ({"joined": [1.0] * 40}, "column 'joined' must hold dates"),
    ],
)
def test_a_column_that_changed_its_kind_is_refused(cells, says):
    prepare, rows = fitted("table")
    with pytest.raises(DataError, match=says):
        prepare.transform(as_rows(rows.frame.assign(**cells)))


def test_a_table_cannot_be_replaced_by_an_array():
    prepare, _ = fitted("table")
    with pytest.raises(DataError, match="L2SP must be given a table"):
        prepare.transform(as_rows(numbers(4, 4)), who="L2SP")


def test_columns_may_have_numbers_for_names(tmp_path):
    rows = as_rows(pd.DataFrame(numbers(4, 3)))
    prepare = TablePreparation().fit(rows)
    prepare.save(tmp_path)
    assert every(load_preparation(tmp_path).transform(rows)).shape == (4, 3)


def test_a_table_of_one_column_may_come_as_texts_later():
    table = pd.DataFrame({"t": TEXTS})
    prepared = TablePreparation().fit(FrameRows(table))
    assert same(
        every(prepared.transform(FrameRows(table))), every(prepared.transform(TextRows(TEXTS, "t")))
    )
    with pytest.raises(DataError, match="must be given a table"):
        prepared.transform(TextRows(TEXTS))
