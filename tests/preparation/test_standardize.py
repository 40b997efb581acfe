"""Features and channels get mean 0 and standard deviation 1, in a network as outside it."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from fourfold.data.rows import ArrayRows, as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.preparation import standardize
from fourfold.preparation.choose import Standardize
from preparation_samples import every, numbers

SHAPES = {
    "features": (5,), "plane": (4, 6), "first": (3, 5, 6), "last": (5, 6, 3),
    "series": (3, 20), "steps": (20, 3),
}  # fmt: skip
AXES = {"features": (0,), "series": (0, 2), "steps": (0, 2)}


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64, np.int64, np.uint16, ">f4"])
def test_each_feature_or_channel_gets_mean_0_and_spread_1(layout, dtype):
    rows = as_rows(numbers(200, *SHAPES[layout], dtype=dtype))
    prepare = Standardize().fit(rows)
    assert prepare.layout_ == layout
    ready = every(prepare.transform(rows)).astype(np.float64)
    axes = AXES.get(layout, (0, 2, 3))
    np.testing.assert_allclose(ready.mean(axis=axes), 0, atol=1e-5)
    np.testing.assert_allclose(ready.std(axis=axes), 1, atol=1e-5)


def test_every_domain_weighs_the_same_however_large_it_is():
    many, few = numbers(5000, 3, loc=0), numbers(50, 3, loc=10, scale=1)
    prepare = Standardize().fit(as_rows(many), as_rows(few))
    mean = (many.mean(axis=0, dtype=float) + few.mean(axis=0, dtype=float)) / 2
    second = ((many.astype(float) ** 2).mean(axis=0) + (few.astype(float) ** 2).mean(axis=0)) / 2
    np.testing.assert_allclose(prepare.mean_, mean)
    np.testing.assert_allclose(prepare.scale_, np.sqrt(second - mean**2))
    swapped = Standardize().fit(as_rows(few), as_rows(many))
    np.testing.assert_allclose(swapped.scale_, prepare.scale_)


def test_moments_do_not_depend_on_blocks_and_survive_large_offsets(monkeypatch):
    x = numbers(300, 4, dtype=np.float64, loc=1e9, scale=1e-1)
    whole = Standardize().fit(as_rows(x))
    np.testing.assert_allclose(whole.scale_, x.std(axis=0), rtol=1e-6)
    ready = every(whole.transform(as_rows(x)))
    np.testing.assert_allclose(ready, (x - x.mean(axis=0)) / x.std(axis=0), atol=1e-4)
    monkeypatch.setattr(standardize, "BLOCK_NUMBERS", 28)
    np.testing.assert_allclose(Standardize().fit(as_rows(x)).scale_, whole.scale_, rtol=1e-6)


def test_constant_features_are_only_centred():
    x = np.array([[0.1, 1.0], [0.1, 2.0], [0.1, 3.0]])
    prepare = Standardize().fit(as_rows(x))
    assert prepare.scale_[0] == 1
    np.testing.assert_allclose(every(prepare.transform(as_rows(x)))[:, 0], 0, atol=1e-7)
    black = np.zeros((3, 5, 5, 3), np.uint8)
    assert Standardize().fit(as_rows(black)).scale_.tolist() == [255] * 3


@pytest.mark.parametrize("layout", SHAPES)
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_the_module_fed_raw_rows_is_the_transform(layout, dtype):
    x = numbers(8, *SHAPES[layout], dtype=dtype)
    prepare = Standardize().fit(as_rows(x))
    out = prepare.module()(torch.as_tensor(x))
    assert out.dtype == torch.float32
    np.testing.assert_array_equal(out.numpy(), every(prepare.transform(as_rows(x))))
    assert out.shape[1:] == prepare.shape_


@pytest.mark.parametrize("layout", ["features", "last", "steps"])
def test_the_module_goes_through_onnx(tmp_path, layout):
    x = numbers(3, *SHAPES[layout], dtype=np.float32)
    module = Standardize().fit(as_rows(x)).module().eval()
    path = tmp_path / "m.onnx"
    torch.onnx.export(module, (torch.as_tensor(x),), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (out,) = session.run(None, {session.get_inputs()[0].name: x})
    np.testing.assert_allclose(out, module(torch.as_tensor(x)).numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "wish", "prepared"),
    [
        ((3, 32, 32), "auto", (3, 32, 32)),
        ((32, 32, 3), "auto", (3, 32, 32)),
        ((1, 8, 1), "auto", (1, 8, 1)),
        ((16, 8, 8), "auto", (16, 8, 8)),
        ((16, 8, 8), "last", (8, 16, 8)),
        ((32, 32, 3), "first", (32, 32, 3)),
        ((8, 9), "auto", (1, 8, 9)),
        ((3, 40), "auto", (3, 40)),
        ((40, 3), "auto", (3, 40)),
        ((3, 40), "pictures", (1, 3, 40)),
        ((20, 25), "series", (20, 25)),
        ((25, 20), "series", (20, 25)),
        ((3, 40), "last", (40, 3)),
        ((40, 3), "first", (40, 3)),
        ((32, 32, 3), "pictures", (3, 32, 32)),
    ],
)
def test_where_the_channels_are(shape, wish, prepared):
    assert Standardize(layout=wish).fit(as_rows(numbers(3, *shape))).shape_ == prepared


def test_what_standardize_cannot_do_is_said():
    with pytest.raises(DataError, match="use AsIs"):
        Standardize().fit(as_rows(numbers(2, 2, 2, 2, 2)))
    with pytest.raises(DataError, match="small enough"):
        Standardize().fit(as_rows(np.array([[1e200], [-1e200]])))
    with pytest.raises(ParameterError, match="layout"):
        Standardize(layout="middle").fit(as_rows(numbers(2, 2)))


def test_fitting_reads_small_blocks_of_at_most_20000_rows(monkeypatch):
    monkeypatch.setattr(standardize, "MOST_ROWS", 100)
    monkeypatch.setattr(standardize, "BLOCK_NUMBERS", 50)
    read: list[np.ndarray] = []
    real = ArrayRows.take
    rows = as_rows(numbers(1000, 5))
    assert len(rows.keys) == 1000  # read once, to draw by them
    monkeypatch.setattr(
        ArrayRows, "take", lambda self, i: read.append(self.index[i]) or real(self, i)
    )
    Standardize().fit(rows)
    assert {len(index) for index in read} == {10}
    assert len(np.unique(np.concatenate(read))) == 100
