"""Data sets are the public ones, or one sentence says what is missing."""

from __future__ import annotations

import gzip
import os

import numpy as np
import pytest

from benchmarks import data
from fourfold.errors import FourfoldError


def need_data() -> None:
    """Skip where there is no folder of data sets; in CI there must be one."""
    if data.VARIABLE in os.environ:
        return
    if os.environ.get("CI") == "true":
        pytest.fail(f"in CI {data.VARIABLE} must be set")
    pytest.skip(f"{data.VARIABLE} is not set")


def need_photographs() -> None:
    pytest.importorskip("skimage", reason="needs the extra bench, for scikit-image's photographs")


def test_mnist_is_whole():
    need_data()
    for part, n in (("train", 60000), ("t10k", 10000)):
        pictures, y = data.mnist(part)
        assert (pictures.shape, pictures.dtype) == ((n, 28, 28), np.uint8)
        assert (np.bincount(y) > n // 12).all()
    assert data.mnist()[1][:5].tolist() == [5, 0, 4, 1, 9]


def test_usps_is_whole():
    need_data()
    pytest.importorskip("h5py", reason="needs the extra bench")
    for part, n in (("train", 7291), ("test", 2007)):
        pictures, y = data.usps(part)
        assert (pictures.shape, pictures.dtype) == ((n, 16, 16), np.uint8)
        assert pictures.max() == 255
        assert set(y.tolist()) == set(range(10))


def test_the_spoken_digits_are_whole():
    need_data()
    paths, digits, speakers = data.spoken_digits()
    assert len(paths) == len(digits) == len(speakers) == 3000
    counts = {(d, s): 0 for d in range(10) for s in set(speakers.tolist())}
    for digit, speaker in zip(digits.tolist(), speakers.tolist(), strict=True):
        counts[digit, speaker] += 1
    assert list(counts.values()) == [50] * 60
    assert (paths[0].name, digits[0], speakers[0]) == ("0_george_0.wav", 0, "george")


def test_a_sound_that_is_lacking_or_changed_is_noticed(monkeypatch, tmp_path):
    need_data()
    folder = tmp_path / "fsdd" / "recordings"
    folder.mkdir(parents=True)
    originals, _, _ = data.spoken_digits()
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    for path in originals:
        folder.joinpath(path.name).symlink_to(path)
    assert len(data.spoken_digits()[0]) == 3000
    folder.joinpath(originals[7].name).unlink()
    with pytest.raises(FourfoldError, match=r"recordings must be the public file, sha256 ddb17"):
        data.spoken_digits()


@pytest.mark.parametrize("name", list(data.SETS))
def test_a_missing_set_is_named_with_its_origin_and_the_variable(monkeypatch, tmp_path, name):
    file = next(iter(data.SETS[name].checksums))
    for folder in (None, str(tmp_path)):
        if folder is None:
            monkeypatch.delenv(data.VARIABLE, raising=False)
        else:
            monkeypatch.setenv(data.VARIABLE, folder)
        with pytest.raises(FourfoldError) as caught:
            data.read(name, file)
        said = str(caught.value)
        for part in (name, data.SETS[name].url, data.VARIABLE, f"{name}/{file}"):
            assert part in said
        assert "\n" not in said


def test_another_file_of_that_name_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv(data.VARIABLE, str(tmp_path))
    path = tmp_path / "mnist" / "t10k-labels-idx1-ubyte.gz"
    path.parent.mkdir()
    path.write_bytes(gzip.compress(bytes(10008)))
    with pytest.raises(FourfoldError, match=r"must be the public file, sha256 ff7bcf.*; got "):
        data.read("mnist", path.name)
    path.write_bytes(path.read_bytes()[:-12])
    with pytest.raises(FourfoldError, match="must be at hand; got: "):
        data.read("mnist", path.name)


def test_mnist_m_shows_the_digit_as_a_negative_of_the_photograph():
    need_photographs()
    digits = np.zeros((2, 28, 28), np.uint8)
    digits[1] = 255
    pictures = data.mnist_m(digits, seed=0)
    again = data.mnist_m(np.zeros_like(digits), seed=0)
    assert (pictures.shape, pictures.dtype) == ((2, 28, 28, 3), np.uint8)
    assert np.array_equal(pictures[0], again[0])
    assert np.array_equal(pictures[1], 255 - again[1])
    assert not np.array_equal(pictures[0], data.mnist_m(digits, seed=1)[0])


def test_crops_of_both_domains_show_the_same_photographs_in_another_light():
    need_photographs()
    day, y = data.crops(24, night=False, seed=0, side=64)
    night, night_y = data.crops(24, night=True, seed=0, side=64)
    assert (day.shape, day.dtype) == ((24, 3, 64, 64), np.float32)
    assert np.array_equal(y, night_y)
    assert np.bincount(y).tolist() == [2] * len(data.photographs())
    assert day.min() >= -1
    assert day.max() <= 1.01
    assert (night.mean((1, 2, 3)) < day.mean((1, 2, 3))).mean() > 0.8
    assert night.std((1, 2, 3)).mean() < day.std((1, 2, 3)).mean() / 2
