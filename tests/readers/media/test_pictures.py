"""Folders of pictures."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from PIL import Image

from fourfold.errors import DataError, FileError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.media import decoded, pictures
from fourfold.readers.media.decoded import EncodedFiles


def draw(path, height=6, width=8, mode="RGB", seed=0, **save):
    shape = (height, width, 3) if mode == "RGB" else (height, width)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **save)
    return pixels


@pytest.fixture
def decodes(monkeypatch):
    """Count pictures that are decoded."""
    count: list[int] = []
    real = pictures._pixels

    def counting(source, at, **given):
        count.append(at)
        return real(source, at, **given)

    monkeypatch.setattr(pictures, "_pixels", counting)
    return count


def everything(domain):
    return domain.rows.take(np.arange(domain.n_rows))


def test_a_sub_folder_is_a_class(tmp_path):
    cat = draw(tmp_path / "cat" / "b.png", seed=1)
    deep = draw(tmp_path / "cat" / "more" / "a.png", seed=2)
    dog = draw(tmp_path / "dog" / "a.png", seed=3)
    draw(tmp_path / "dog" / ".hidden.png")
    draw(tmp_path / ".cache" / "a.png")
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    domain = read_domain(tmp_path)
    np.testing.assert_array_equal(everything(domain), [cat, deep, dog])
    assert domain.known.tolist() == ["cat", "cat", "dog"]
    assert (domain.rows.kind, domain.rows.dtype) == ("pictures", np.uint8)
    assert domain.name == tmp_path.name


def test_a_class_without_an_example_is_refused(tmp_path):
    draw(tmp_path / "cat" / "a.png")
    (tmp_path / "dog" / "puppies").mkdir(parents=True)
    (tmp_path / "dog" / "notes.txt").write_text("no picture")
    with pytest.raises(DataError, match="must hold at least one file of it; got none in dog"):
        read_domain(tmp_path)


def test_a_flat_folder_is_unlabelled_and_both_is_partly_labelled(tmp_path):
    draw(tmp_path / "z.png")
    assert read_domain(tmp_path).y is None
    draw(tmp_path / "cat" / "a.png")
    domain = read_domain(tmp_path)
    assert domain.labelled.tolist() == [True, False]


def test_grey_pictures_have_one_channel_only_if_all_are_grey(tmp_path):
    grey = draw(tmp_path / "a.png", mode="L")
    assert read_domain(tmp_path).rows.shape == (6, 8, 1)
    np.testing.assert_array_equal(everything(read_domain(tmp_path))[0, :, :, 0], grey)
    draw(tmp_path / "b.png")
    both = everything(read_domain(tmp_path))
    assert both.shape == (2, 6, 8, 3)
    np.testing.assert_array_equal(both[0], np.repeat(grey[:, :, None], 3, axis=2))


def test_pictures_are_seen_as_a_person_sees_them(tmp_path):
    clear = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    clear.save(tmp_path / "clear.png")
    assert (everything(read_domain(tmp_path)) == 255).all()
    (tmp_path / "clear.png").unlink()
    turned = Image.Exif()
    turned[0x0112] = 6
    draw(tmp_path / "turned.jpg", height=4, width=9, exif=turned)
    assert read_domain(tmp_path).rows.shape == (9, 4, 3)


def test_pictures_get_one_size(tmp_path):
    draw(tmp_path / "a.png", 10, 10)
    draw(tmp_path / "b.png", 20, 30)
    draw(tmp_path / "c.png", 12, 18)
    assert read_domain(tmp_path).rows.shape == (12, 18, 3)
    assert everything(read_domain(tmp_path, size=(5, 7))).shape == (3, 5, 7, 3)
    draw(tmp_path / "b.png", 500, 30)
    draw(tmp_path / "c.png", 1000, 250)
    assert read_domain(tmp_path).rows.shape == (224, 13, 3)
    plain = Image.new("RGB", (300, 500), (10, 20, 30))
    plain.save(tmp_path / "b.png")
    small = read_domain(tmp_path, size=(8, 8)).rows.take(np.array([1]))
    assert (small == (10, 20, 30)).all()


def test_several_folders_get_one_size_and_as_many_channels(tmp_path):
    draw(tmp_path / "one" / "x" / "a.png", 8, 8, mode="L")
    draw(tmp_path / "two" / "x" / "a.png", 5, 12)
    with pytest.raises(DataError, match="must be a table to have a column 'y'"):
        read_domains([tmp_path / "one", tmp_path / "two"], label="y")
    source, target = read_domains([tmp_path / "one", tmp_path / "two"])
    assert source.rows.shape == target.rows.shape == (8, 12, 3)
    assert everything(source).shape == (1, 8, 12, 3)
    wished = read_domains([tmp_path / "one", tmp_path / "two"], size=(4, 4))
    assert {d.rows.shape for d in wished} == {(4, 4, 3)}


def test_pictures_are_decoded_once_and_not_for_their_keys(tmp_path, decodes):
    for i in range(4):
        draw(tmp_path / f"{i}.png", seed=i)
    rows = read_domain(tmp_path).rows
    part = rows.subset(np.array([3, 1]))
    assert (part.keys == rows.keys[[3, 1]]).all()
    assert len(set(rows.keys.tolist())) == 4
    assert decodes == []
    first = part.take(np.array([0]))
    assert sorted(decodes) == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows.take(np.array([3])), first)
    assert len(decodes) == 4


def test_pictures_too_many_to_keep_are_decoded_at_each_read(tmp_path, decodes, monkeypatch):
    monkeypatch.setattr(decoded, "KEEP_BYTES", 100)
    drawn = [draw(tmp_path / f"{i}.png", seed=i) for i in range(3)]
    rows = read_domain(tmp_path).rows
    np.testing.assert_array_equal(rows.take(np.array([2, 0])), [drawn[2], drawn[0]])
    assert len(decodes) == 3 + 2
    rows.take(np.array([1]))
    assert len(decodes) == 3 + 2 + 1


def test_keys_follow_bytes_size_and_channels_not_paths(tmp_path, monkeypatch):
    draw(tmp_path / "one" / "a.png")
    draw(tmp_path / "two" / "b.png")
    one, two = (read_domain(tmp_path / name).rows for name in ("one", "two"))
    assert one.digest == two.digest
    assert one.resized((4, 4), 3).digest != one.digest
    assert one.resized((6, 8), 1).digest != one.digest

    real = EncodedFiles.content
    decoded._digest.cache_clear()
    read = []
    monkeypatch.setattr(decoded, "xxh3_128_digest", lambda b: read.append(b) or bytes(16))
    files = EncodedFiles([tmp_path / "one" / "a.png"], "picture")
    assert real(files, 0) == real(files, 0)
    assert len(read) == 1
    draw(tmp_path / "one" / "a.png", seed=9)
    stat = (tmp_path / "one" / "a.png").stat()
    os.utime(tmp_path / "one" / "a.png", ns=(stat.st_atime_ns, stat.st_mtime_ns + 10))
    real(files, 0)
    assert len(read) == 2
    (tmp_path / "one" / "a.png").unlink()
    with pytest.raises(FileError, match=r"a\.png must be readable"):
        real(files, 0)


def test_rows_survive_pickling_before_and_after_they_are_read(tmp_path):
    drawn = draw(tmp_path / "a.png")
    rows = read_domain(tmp_path).rows
    for _ in range(2):
        copy = pickle.loads(pickle.dumps(rows))  # noqa: S301  our own rows, between processes
        np.testing.assert_array_equal(copy.take(np.array([0])), [drawn])
        assert copy.digest == rows.digest
        rows.take(np.array([0]))


@pytest.mark.parametrize("ending", ["png", "jpg", "gif", "bmp", "webp"])
def test_a_truncated_picture_is_named_at_the_first_read_of_any(tmp_path, ending):
    draw(tmp_path / "fine.png", 64, 64)
    path = tmp_path / f"torn.{ending}"
    draw(path, 64, 64)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"torn\.{ending} must be whole"):
        read_domain(tmp_path).rows.take(np.array([0]))


def test_a_picture_without_a_header_is_named_at_once(tmp_path):
    (tmp_path / "no.png").write_bytes(b"this is not a picture")
    with pytest.raises(DataError, match=r"no\.png must be whole and readable"):
        read_domain(tmp_path)


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("no picture")
    with pytest.raises(DataError, match="must hold pictures"):
        read_domain(tmp_path)
