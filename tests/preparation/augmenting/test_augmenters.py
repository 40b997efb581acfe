"""Random changes keep shape, type and range, each row has its own, and views stay as drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold.data.rows import as_rows
from fourfold.preparation.augmenting.binding import bound, drawn_views
from fourfold.training.augmentation import Augmentation

pytest.importorskip("torchvision", reason="torchvision comes with the extra 'image'")

NAMES = ["cat", "dog"]
OFF = {"crop": 1.0, "flip": False, "operations": 0}


def augmenter(x, classes=NAMES, **settings):
    rows = as_rows(x)
    return bound(Augmentation(**settings), rows, classes, rows.shape)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def pictures(shape, dtype):
    drawn = np.random.default_rng(0).integers(0, 256, (6, *shape))
    return (drawn if dtype == np.uint8 else drawn / (255 if dtype == np.float32 else 1)).astype(
        dtype
    )


@pytest.mark.parametrize("shape", [(12, 10, 3), (3, 12, 10), (12, 12)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pictures_keep_their_shape_and_range(shape, dtype):
    x = pictures(shape, dtype)
    changed = augmenter(x, operations=2)(torch.from_numpy(x))
    assert changed.shape == x.shape
    most = 1 if dtype == np.float32 else 255
    assert 0 <= float(changed.min()) <= float(changed.max()) <= most
    assert len({float(row.double().sum()) for row in changed}) == 6
    if dtype == np.uint8:
        assert changed.dtype == torch.uint8


def test_nothing_asked_changes_nothing():
    x = torch.from_numpy(pictures((12, 10, 3), np.uint8))
    assert torch.equal(augmenter(x.numpy(), **OFF)(x), x)


def test_flips_mirror_half_of_the_pictures_unless_classes_are_digits():
    x = torch.arange(12, dtype=torch.uint8).reshape(1, 1, 12).repeat(64, 4, 1)
    flips = augmenter(x.numpy(), crop=1.0, operations=0)
    mirrored = [torch.equal(row, x[0].flip(1)) for row in flips(x)]
    assert 16 < sum(mirrored) < 48
    digits = augmenter(x.numpy(), [1, 2], crop=1.0, operations=0)
    assert not any(torch.equal(row, x[0].flip(1)) for row in digits(x))


def test_colours_stay_where_they_are_classes():
    x = np.full((8, 16, 16, 3), (200, 100, 50), np.uint8)
    changed = augmenter(x, ["red", "green"], operations=2, magnitude=30)(torch.from_numpy(x))
    seen = {tuple(pixel) for pixel in changed.reshape(-1, 3).tolist()}
    assert seen <= {(200, 100, 50)}  # which is also the colour outside of turned pictures


def sounds(n=4):
    x = np.random.default_rng(0).uniform(-60, -20, (n, 40, 60)).astype(np.float32)
    x[:, 10, 30] = 0
    rows = as_rows(x)
    rows.kind = "sounds"
    return torch.from_numpy(x), rows


def test_noise_fills_silence_of_half_of_the_sounds_and_leaves_what_is_loud():
    x, rows = sounds(32)
    about = Augmentation(speed=0.0, masks=0, noise=20.0)
    changed = bound(about, rows, NAMES, rows.shape)(x)
    assert (changed >= x - 1e-3).all()
    assert 8 < (changed.mean((1, 2)) > x.mean((1, 2)) + 1e-3).sum() < 24
    torch.testing.assert_close(changed[:, 10, 30], x[:, 10, 30], atol=0.5, rtol=0)


def test_masks_hide_bands_and_times_and_speed_moves_sounds():
    x, rows = sounds(16)
    masked = bound(Augmentation(speed=0.0, noise=None, masks=1), rows, NAMES, rows.shape)(x)
    hidden = (masked != x).float().mean((1, 2))
    assert 0 < hidden.max() < 0.35
    faster = bound(Augmentation(speed=0.2, noise=None, masks=0), rows, NAMES, rows.shape)(x)
    peaks = faster[:, 10].argmax(1)
    assert faster.shape == x.shape
    assert 22 <= peaks.min() < 30 < peaks.max() <= 37


def test_waves_keep_their_length():
    x, rows = torch.randn(3, 4000), sounds()[1]
    changed = bound(Augmentation(), rows, NAMES, (4000,))(x)
    assert changed.shape == x.shape
    assert not torch.equal(changed, x)


def test_views_are_drawn_once_whatever_is_read_beside_them():
    rows = as_rows(pictures((12, 10, 3), np.uint8))
    about = bound(Augmentation(views=2), rows, NAMES, rows.shape)
    one, other = drawn_views(rows, about)
    whole = one.take(np.arange(6))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert np.array_equal(one.subset(np.array([4, 2])).take(np.arange(2)), whole[[4, 2]])
    assert torch.equal(torch.get_rng_state(), before)
    assert not np.array_equal(other.take(np.arange(6)), whole)
    assert len({*one.keys.tolist(), *other.keys.tolist(), *rows.keys.tolist()}) == 18
