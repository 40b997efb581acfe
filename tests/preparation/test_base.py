"""Every preparation prepares each row by itself, and is saved without pickles."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator

from fourfold.data.rows import ArrayRows, FrameRows, as_rows
from fourfold.errors import DataError
from fourfold.preparation.choose import AsIs, load_preparation
from preparation_samples import every, fitted, numbers

KINDS = ["as is", "standardize", "table", "text"]
LABELLED = ["labelled", "labelled text"]


@pytest.mark.parametrize("kind", KINDS + LABELLED)
def test_prepared_rows_are_float32_of_the_promised_shape_and_each_by_itself(kind):
    prepare, rows = fitted(kind)
    ready = prepare.transform(rows)
    whole = every(ready)
    assert whole.dtype == ready.dtype == np.float32
    assert whole.shape == (rows.n, *prepare.shape_) == (ready.n, *ready.shape)
    assert np.isfinite(whole).all()
    alone = every(prepare.transform(rows.subset(np.array([7]))))
    np.testing.assert_array_equal(alone[0], whole[7])
    np.testing.assert_array_equal(every(ready.subset(np.array([3, 1]))), whole[[3, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_fitting_again_gives_the_same_and_clone_forgets(kind):
    prepare, rows = fitted(kind)
    again = clone(prepare)
    assert again.get_params() == prepare.get_params()
    with pytest.raises(NotFittedError):
        again.transform(rows)
    with pytest.raises(NotFittedError):
        _ = again.digest
    again.fit(rows)
    assert again.digest == prepare.digest
    np.testing.assert_array_equal(every(again.transform(rows)), every(prepare.transform(rows)))
    frozen = FrozenEstimator(prepare)
    assert frozen.transform(rows).digest == prepare.transform(rows).digest


@pytest.mark.parametrize("kind", KINDS + LABELLED)
def test_saved_and_loaded_is_the_same_and_no_pickle(tmp_path, kind):
    prepare, rows = fitted(kind)
    prepare.save(tmp_path)
    loaded = load_preparation(tmp_path)
    assert type(loaded) is type(prepare)
    assert loaded.digest == prepare.digest
    assert loaded.describe() == prepare.describe()
    np.testing.assert_array_equal(every(loaded.transform(rows)), every(prepare.transform(rows)))
    assert {path.suffix for path in tmp_path.iterdir()} <= {".json", ".safetensors", ".skops"}


@pytest.mark.parametrize("kind", KINDS)
def test_the_digest_follows_what_was_learned(kind):
    prepare, rows = fitted(kind)
    other = clone(prepare)
    if kind == "as is":
        other.fit(as_rows(numbers(4, 6)))
    else:
        other.fit(rows.subset(np.arange(rows.n // 2)))
    assert other.digest != prepare.digest


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_left_as_they_are(kind):
    prepare, rows = fitted(kind)
    before = rows.digest
    every(prepare.fit(rows, rows).transform(rows))
    fresh = FrameRows(rows.frame) if isinstance(rows, FrameRows) else ArrayRows(rows.array)
    assert fresh.digest == before


def test_a_preparation_needs_rows():
    with pytest.raises(DataError, match="at least one domain"):
        AsIs().fit()


@pytest.mark.parametrize("kind", KINDS)
def test_the_order_of_rows_changes_nothing_but_rounding(kind):
    prepare, rows = fitted(kind)
    turned = rows.subset(np.random.default_rng(0).permutation(rows.n))
    other = clone(prepare).fit(turned)
    np.testing.assert_allclose(
        every(other.transform(rows)), every(prepare.transform(rows)), rtol=0, atol=1e-6
    )
