"""Domains from Hugging Face datasets."""

from __future__ import annotations

import datasets
import numpy as np
import pytest
from PIL import Image

from fourfold.data.rows import as_rows
from fourfold.errors import DataError
from fourfold.readers import read_domain
from fourfold.readers.datasets import from_dataset
from fourfold.readers.media.pictures import PictureRows


def dataset_of(*pixels, **columns):
    kinds = {"image": datasets.Image()}
    kinds |= {"label": datasets.ClassLabel(names=["cat", "dog"])} if "label" in columns else {}
    cells = {"image": [Image.fromarray(p) for p in pixels], **columns}
    return datasets.Dataset.from_dict(cells, features=datasets.Features(kinds))


def test_a_datasets_pictures_of_any_size_and_its_class_names():
    rng = np.random.default_rng(0)
    pixels = [rng.integers(0, 256, (s, s, 3), np.uint8) for s in (4, 6, 6)]
    dataset = dataset_of(*pixels, label=[1, -1, 0])
    domain = from_dataset(dataset, label="label", name="pets")
    assert isinstance(domain.rows, PictureRows)
    assert domain.rows.shape == (6, 6, 3)
    np.testing.assert_array_equal(domain.rows.take(np.array([2, 1])), [pixels[2], pixels[1]])
    assert domain.labelled.tolist() == [True, False, True]
    assert domain.known.tolist() == ["dog", "cat"]
    with pytest.raises(DataError, match="from_dataset"):
        as_rows(dataset.select_columns("image"))


def test_a_datasets_picture_and_the_same_file_have_one_key(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    dataset = datasets.Dataset.from_dict(
        {"image": [{"bytes": (tmp_path / "a.png").read_bytes(), "path": None}]},
        features=datasets.Features({"image": datasets.Image()}),
    )
    rows = from_dataset(dataset).rows
    np.testing.assert_array_equal(rows.take(np.array([0])), [pixels])
    assert rows.digest == read_domain(tmp_path).rows.digest


def test_a_datasets_other_columns_are_a_table_or_an_array():
    dataset = datasets.Dataset.from_dict(
        {"n": [1, 2], "s": ["a", None], "v": [[1.0, 2.0], [3.0, 4.0]], "y": [0.5, None]}
    )
    table = from_dataset(dataset, label="y", inputs=["n", "s"])
    assert list(table.rows.frame.columns) == ["n", "s"]
    assert table.labelled.tolist() == [True, False]
    array = from_dataset(dataset, inputs=["v"])
    assert (array.rows.shape, array.y) == ((2,), None)
    with pytest.raises(DataError, match="must have the column 'z'; it has n, s, v, y"):
        from_dataset(dataset, label="z")
    with pytest.raises(DataError, match="only input"):
        from_dataset(dataset, label="y")


def test_a_missing_picture_of_a_dataset_is_refused():
    dataset = datasets.Dataset.from_dict(
        {"image": [None]}, features=datasets.Features({"image": datasets.Image()})
    )
    with pytest.raises(DataError, match="missing cell"):
        from_dataset(dataset)
