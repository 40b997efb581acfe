"""Categories become mean labels: those of other rows where a row is learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.preprocessing import TargetEncoder

from fourfold.data.rows import as_rows
from fourfold.preparation.tables.target_encoding import (
    FOLDS,
    MOST_CLASSES,
    LabelledRows,
    LabelMeans,
)

RNG = np.random.default_rng(0)
N = 200
CELLS = pd.DataFrame({"a": RNG.integers(0, 9, N), "b": RNG.integers(0, 40, N)}).astype(str)
Y = (RNG.random(N) < 0.2 + 0.07 * CELLS["a"].astype(int)).to_numpy().astype(np.int64)
KINDS = {
    "two classes": Y,
    "five classes": RNG.integers(0, 5, N),
    "numbers": RNG.normal(50, 9, (N, 1)),
    "several numbers": RNG.normal(size=(N, 3)),
}


def given(y, cells=CELLS, groups=None):
    rows = as_rows(cells.assign(row=np.arange(len(cells))))
    return LabelledRows(rows, y, groups)


def hidden(y, at):
    y = y.copy()
    y[at] = -1 if y.ndim == 1 else np.nan
    return y


def test_new_rows_get_what_scikit_learn_gives_of_standardized_labels():
    z = (Y - Y.mean()) / Y.std()
    encoder = TargetEncoder(target_type="continuous").fit(CELLS, z)
    got = LabelMeans.fit(CELLS, given(Y)).encode(CELLS)
    np.testing.assert_allclose(got, encoder.transform(CELLS), atol=1e-12)
    assert np.corrcoef(got[:, 0], CELLS["a"].astype(int))[0, 1] > 0.8


@pytest.mark.parametrize(("kind", "k"), list(zip(KINDS, (1, 5, 1, 3), strict=True)))
def test_there_is_a_feature_for_each_column_and_kind_of_label(kind, k):
    found = LabelMeans.fit(CELLS, given(KINDS[kind]))
    assert found.width == 2 * k
    assert found.encode(CELLS[:7]).shape == (7, 2 * k)
    assert found.out_of_fold(CELLS, given(KINDS[kind])).shape == (N, 2 * k)


def test_the_scale_of_numbers_does_not_matter():
    y = KINDS["numbers"]
    ones, others = (LabelMeans.fit(CELLS, given(each)).encode(CELLS) for each in (y, 7 * y + 1e4))
    np.testing.assert_allclose(ones, others, atol=1e-9)
    assert 0.05 < ones.std() < 1


def test_an_unknown_category_says_nothing():
    strange = pd.DataFrame({"a": ["never seen"], "b": CELLS["b"][:1]})
    got = LabelMeans.fit(CELLS, given(Y)).encode(strange)
    assert got[0, 0] == 0
    assert got[0, 1] == LabelMeans.fit(CELLS, given(Y)).encode(CELLS[:1])[0, 1]


@pytest.mark.parametrize("kind", KINDS)
def test_no_row_is_encoded_by_its_own_label(kind):
    y = KINDS[kind]
    before = LabelMeans.fit(CELLS, given(y)).out_of_fold(CELLS, given(y))
    folds = given(y).folds()
    assert np.bincount(folds).min() > N // FOLDS - 2
    for row in (0, 5, 77):
        other = y.copy()
        other[row] = y[row] + 3 if y.ndim > 1 else (y[row] + 1) % (y.max() + 1)
        alike = folds == given(other).folds()
        after = LabelMeans.fit(CELLS, given(other)).out_of_fold(CELLS, given(other))
        assert alike.all()
        np.testing.assert_array_equal(after[row], before[row])
        assert not np.array_equal(after, before)
        whole = [LabelMeans.fit(CELLS, given(each)).encode(CELLS)[row] for each in (y, other)]
        assert not np.array_equal(*whole)


def test_hidden_labels_change_nothing_and_their_rows_are_encoded_as_new_ones():
    at = np.arange(0, N, 3)
    shuffled = Y.copy()
    shuffled[at] = 1 - shuffled[at]
    ones, others = (given(hidden(each, at)) for each in (Y, shuffled))
    found = LabelMeans.fit(CELLS, ones)
    got = found.out_of_fold(CELLS, ones)
    np.testing.assert_array_equal(got, LabelMeans.fit(CELLS, others).out_of_fold(CELLS, others))
    np.testing.assert_array_equal(got[at], found.encode(CELLS)[at])
    rest = np.setdiff1d(np.arange(N), at)
    kept = LabelMeans.fit(CELLS.iloc[rest], given(Y[rest], CELLS.iloc[rest]))
    np.testing.assert_allclose(kept.encode(CELLS), found.encode(CELLS), atol=1e-12)


def test_the_order_of_rows_does_not_matter():
    order = RNG.permutation(N)
    turned = LabelledRows(given(Y).rows.subset(order), Y[order])
    ones = LabelMeans.fit(CELLS, given(Y)).out_of_fold(CELLS, given(Y))
    others = LabelMeans.fit(CELLS.iloc[order], turned).out_of_fold(CELLS.iloc[order], turned)
    np.testing.assert_allclose(others, ones[order], atol=1e-12)


def test_groups_stay_together():
    groups = RNG.integers(0, 12, N)
    folds = given(Y, groups=groups).folds()
    assert all(len(set(folds[groups == group])) == 1 for group in range(12))
    assert len(set(folds)) == FOLDS
    order = RNG.permutation(N)
    turned = LabelledRows(given(Y).rows.subset(order), Y[order], groups[order])
    np.testing.assert_array_equal(turned.folds(), folds[order])


def test_a_column_that_is_the_group_says_nothing_of_rows_to_learn_from():
    groups = CELLS["b"].astype(int).to_numpy()
    labels = given(Y, groups=groups)
    assert not LabelMeans.fit(CELLS[["b"]], labels).out_of_fold(CELLS[["b"]], labels).any()


def test_some_of_several_labels_may_be_missing():
    y = KINDS["several numbers"].copy()
    y[::2, 1] = np.nan
    y[3] = np.nan
    labels = given(y)
    assert labels.known.sum() == N - 1
    got = LabelMeans.fit(CELLS, labels).out_of_fold(CELLS, labels)
    assert np.isfinite(got).all()
    assert got[:, 1].any()


def test_one_label_and_one_class_say_nothing():
    single = given(hidden(Y, np.arange(1, N)))
    found = LabelMeans.fit(CELLS, single)
    assert not found.encode(CELLS).any()
    assert not found.out_of_fold(CELLS, single).any()
    assert not LabelMeans.fit(CELLS, given(np.zeros(N, np.int64))).encode(CELLS).any()


def test_of_very_many_classes_the_most_frequent_are_encoded():
    y = np.concatenate([np.arange(N // 2), np.repeat([3, 90], N // 4)])
    labels = given(y)
    assert labels.columns().shape == (N, MOST_CLASSES)
    assert (labels.columns().sum(axis=0) > N // 4).sum() == 2
