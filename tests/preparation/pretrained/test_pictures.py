"""Pictures as a pretrained network had them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from fourfold.data.rows import as_rows
from fourfold.errors import DataError
from fourfold.preparation.choose import load_preparation
from fourfold.preparation.pretrained.pictures import PictureInput

RNG = np.random.default_rng(0)


def smooth(n, height, width):
    noise = RNG.integers(0, 256, (n, height, width, 3)).astype(np.uint8)
    blurred = ImageFilter.GaussianBlur(3)
    return np.stack([np.asarray(Image.fromarray(one).filter(blurred)) for one in noise])


def prepared(preparation, x):
    return preparation.transform(as_rows(x)).take(np.arange(len(x)))


@pytest.mark.parametrize("size", [(40, 60), (60, 40), (300, 260)])
def test_it_is_the_transform_of_timm(size):
    data = pytest.importorskip("timm.data", reason="timm comes with the extra 'image'")
    settings = {"input_size": (3, 48, 48), "crop_pct": 0.875, "interpolation": "bicubic"}
    own = data.create_transform(**settings, mean=(0.4, 0.5, 0.6), std=(0.2, 0.3, 0.4))
    x = smooth(2, *size)
    ours = PictureInput(size=(48, 48), crop=0.875, mean=(0.4, 0.5, 0.6), scale=(0.2, 0.3, 0.4))
    got = prepared(ours.fit(as_rows(x)), x)
    wanted = np.stack([own(Image.fromarray(one)).numpy() for one in x])
    assert np.abs(got - wanted).max() < 3 / 255 / 0.2  # timm rounds to bytes between two passes


def test_grey_pictures_floats_and_channels_first_are_the_same_picture():
    x = smooth(3, 16, 16)[..., :1]
    whole = prepared(PictureInput(size=(8, 8)).fit(as_rows(x)), x)
    assert np.array_equal(whole[:, 0], whole[:, 2])
    for other in (x / 255, np.moveaxis(x, -1, 1), x[..., 0]):
        again = prepared(PictureInput(size=(8, 8)).fit(as_rows(other)), other)
        np.testing.assert_allclose(again, whole, atol=1e-5)


def test_saved_and_loaded(tmp_path):
    x = smooth(2, 20, 30)
    fitted = PictureInput(size=(8, 8), squash=True, filter="bilinear").fit(as_rows(x))
    fitted.save(tmp_path)
    assert np.array_equal(prepared(load_preparation(tmp_path), x), prepared(fitted, x))


def test_other_rows_are_refused():
    with pytest.raises(DataError, match="pictures of one channel or three"):
        PictureInput().fit(as_rows(np.zeros((2, 7))))
    with pytest.raises(DataError, match=r"must lie in \[0, 1\] or \[0, 255\]; got 900"):
        PictureInput().fit(as_rows(np.full((2, 3, 9, 9), 900.0)))
