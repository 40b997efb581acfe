"""A saved transformer is made of a short list of types, and is not larger than its file."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from fourfold.errors import BundleError
from fourfold.preparation.tables.transformer_file import load_transformer, save_transformer


def fitted(step):
    return ColumnTransformer([("numbers", step, [0, 1])]).fit(np.arange(18.0).reshape(9, 2))


def test_it_comes_back(tmp_path):
    save_transformer(fitted(StandardScaler()), "", tmp_path / "a.skops")
    found = load_transformer(tmp_path / "a.skops").named_transformers_["numbers"]
    assert (
        found.mean_.tolist()
        == fitted(StandardScaler()).named_transformers_["numbers"].mean_.tolist()
    )


@pytest.mark.parametrize("step", [MinMaxScaler(), FunctionTransformer(abs)])
def test_types_that_skops_trusts_are_refused_where_no_preparation_has_them(tmp_path, step):
    skops.io.dump(fitted(step), tmp_path / "a.skops")
    with pytest.raises(
        BundleError, match=r"must hold scikit-learn's types only; got \S+ by \w+Node"
    ):
        load_transformer(tmp_path / "a.skops")


def test_compressed_ones_are_refused(tmp_path):
    skops.io.dump(fitted(StandardScaler()), tmp_path / "a.skops", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(BundleError, match="must not be compressed"):
        load_transformer(tmp_path / "a.skops")


def test_parts_that_lie_on_each_other_are_refused(tmp_path):
    path = tmp_path / "a.skops"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("schema.json", "{}" + " " * 9000)
        first = file.infolist()[0]
        for i in range(9):  # nine names for the same bytes
            twin = zipfile.ZipInfo(f"{i}.npy")
            for name in ("CRC", "compress_size", "file_size", "header_offset"):
                setattr(twin, name, getattr(first, name))
            file.filelist.append(twin)
    with pytest.raises(BundleError, match="must hold each part once"):
        load_transformer(path)
