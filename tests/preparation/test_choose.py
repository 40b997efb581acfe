"""The preparation follows the kind of rows, and damaged files are refused."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import skops.io
from scipy import sparse

from fourfold.data.rows import FrameRows, TextRows, as_rows
from fourfold.errors import BundleError
from fourfold.preparation.choose import (
    AsIs,
    Standardize,
    TablePreparation,
    WordCounts,
    default_preparation,
    load_preparation,
)
from preparation_samples import TEXTS, fitted, table


@pytest.mark.parametrize(
    ("inputs", "kind"),
    [
        (table(), TablePreparation),
        (sparse.csr_array(np.eye(3)), AsIs),
        (np.zeros((2, 3)), Standardize),
        (np.zeros((2, 4, 4, 3), np.uint8), Standardize),
        (np.zeros((2, 2, 2, 2, 2)), AsIs),
    ],
)
def test_the_default_follows_the_kind_of_rows(inputs, kind):
    rows = as_rows(inputs)
    prepare = default_preparation(rows, rows)
    assert isinstance(prepare, kind)
    assert prepare.fit(rows).transform(rows).n == rows.n


def test_the_default_is_words_whatever_is_installed():
    assert isinstance(default_preparation(as_rows(TEXTS)), WordCounts)
    one = FrameRows(pd.DataFrame({"t": TEXTS}))
    assert isinstance(default_preparation(one, TextRows(TEXTS)), WordCounts)
    assert isinstance(default_preparation(one), TablePreparation)


def edit(folder, **changes):
    path = folder / "preparation.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_damaged_newer_and_foreign_files_are_refused(tmp_path):
    prepare, _ = fitted("standardize")
    with pytest.raises(BundleError, match="whole preparation"):
        load_preparation(tmp_path)
    for name, says, change in [
        ("newer", "newer fourfold", {"format": 99}),
        ("foreign", "must be one of AsIs", {"class": "os.system"}),
        ("changed", "its content was changed", {"digest": "0"}),
        ("shape", "agree with itself", {"shape": [4]}),
        ("bounds", "whole preparation", {"parameters": {"layout": "middle"}}),
        ("unknown", "whole preparation", {"parameters": {"color": "red"}}),
    ]:
        folder = tmp_path / name
        folder.mkdir()
        prepare.save(folder)
        edit(folder, **change)
        with pytest.raises(BundleError, match=says):
            load_preparation(folder)
    torn = tmp_path / "torn"
    torn.mkdir()
    prepare.save(torn)
    path = torn / "standardize.safetensors"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(BundleError, match="whole preparation"):
        load_preparation(torn)


class Foreign:
    """A type that no saved preparation may hold."""


def test_foreign_types_are_never_built(tmp_path):
    prepare, _ = fitted("table")
    prepare.save(tmp_path)
    skops.io.dump(Foreign(), tmp_path / "tables.skops")
    with pytest.raises(BundleError, match=r"scikit-learn's types only; got .*Foreign"):
        load_preparation(tmp_path)
    other = tmp_path / "other"
    other.mkdir()
    TablePreparation().fit(as_rows(table(seed=3).drop(columns="note"))).save(other)
    shutil.copy(other / "tables.skops", tmp_path)
    with pytest.raises(BundleError, match="its content was changed"):
        load_preparation(tmp_path)
