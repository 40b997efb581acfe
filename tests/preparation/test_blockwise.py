"""Preparations of arrays refuse what does not fit, and read rows block by block."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from scipy import sparse

from fourfold.data.rows import ArrayRows, as_rows
from fourfold.errors import DataError
from fourfold.preparation.choose import AsIs, PreparedRows, Standardize
from preparation_samples import every, fitted, numbers, table


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_another_number_of_features_is_refused_in_scikit_learns_words(prepare):
    prepare.fit(as_rows(numbers(4, 5)))
    says = "X has 4 features, but L2SP is expecting 5 features as input"
    with pytest.raises(DataError, match=says):
        prepare.transform(as_rows(numbers(2, 4)), who="L2SP")
    with pytest.raises(DataError, match=says):
        prepare.check_rows(as_rows(numbers(2, 4)), who="L2SP")
    with pytest.raises(DataError, match=r"X has rows of shape \(2, 2\), but \w+ is expecting"):
        prepare.transform(as_rows(numbers(2, 2, 2)))


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
@pytest.mark.parametrize(("bad", "says"), [(np.nan, "NaN"), (np.inf, "inf")])
def test_numbers_that_are_not_finite_are_refused(prepare, bad, says):
    fine, poor = numbers(4, 5), numbers(4, 5)
    poor[3, 2] = bad
    prepare.fit(as_rows(fine))
    ready = prepare.transform(as_rows(poor))
    ready.take(np.arange(3))
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        every(ready)
    with pytest.raises(DataError, match=f"the input X contains {says}"):
        prepare.check_rows(as_rows(poor))
    prepare.check_rows(as_rows(fine))
    if isinstance(prepare, Standardize):
        with pytest.raises(DataError, match=f"the input X contains {says}"):
            prepare.fit(as_rows(fine), as_rows(poor))


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_domains_of_several_shapes_and_tables_are_refused(prepare):
    with pytest.raises(DataError, match=r"one shape; got \(5,\) and \(4,\)"):
        prepare.fit(as_rows(numbers(2, 5)), as_rows(numbers(2, 4)))
    with pytest.raises(DataError, match="got a table"):
        prepare.fit(as_rows(table()))
    with pytest.raises(DataError, match="got a table"):
        prepare.fit(as_rows(numbers(2, 5))).transform(as_rows(table()))


# --- laziness and keys ----------------------------------------------------------------------------


@pytest.mark.parametrize("prepare", [AsIs(), Standardize()])
def test_a_memory_map_is_never_read_whole(tmp_path, prepare):
    np.save(tmp_path / "x.npy", numbers(50, 5))
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    ready = prepare.fit(as_rows(mapped)).transform(as_rows(mapped))
    assert isinstance(ready, PreparedRows)
    assert np.shares_memory(ready.rows.array, mapped)
    assert [len(block) for block in ready.blocks(20)] == [20, 20, 10]
    if isinstance(prepare, AsIs):
        assert np.shares_memory(ready.take(np.arange(4, 9)), mapped)


def test_keys_come_from_the_inputs_keys_and_the_preparation(monkeypatch):
    rows = as_rows(numbers(6, 5))
    ready, as_is = Standardize().fit(rows).transform(rows), AsIs().fit(rows)
    _ = rows.keys  # read once; from here on they are known
    monkeypatch.setattr(ArrayRows, "take", lambda *_: pytest.fail("rows were read"))
    assert len(set(ready.keys.tolist())) == 6
    assert set(ready.keys.tolist()).isdisjoint(rows.keys.tolist())
    assert as_is.transform(rows).digest != ready.digest
    monkeypatch.undo()
    assert (ready.subset(np.array([4, 2])).keys == ready.keys[[4, 2]]).all()


def test_prepared_rows_can_be_sent_to_another_process():
    prepare, rows = fitted("standardize")
    ready = prepare.transform(rows)
    copy = pickle.loads(pickle.dumps(ready))  # noqa: S301  our own rows, between processes
    np.testing.assert_array_equal(every(copy), every(ready))


def test_as_is_keeps_values_and_sparse_rows_sparse():
    x = numbers(4, 3, 2, dtype=np.uint8)
    np.testing.assert_array_equal(every(AsIs().fit(as_rows(x)).transform(as_rows(x))), x)
    matrix = as_rows(sparse.csr_array(np.eye(3)))
    assert AsIs().fit(matrix).transform(matrix) is matrix
    matrix.matrix.data[1] = np.nan
    with pytest.raises(DataError, match="NaN"):
        AsIs().fit(matrix).transform(matrix)
