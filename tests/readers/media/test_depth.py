"""Pictures of more than 8 bits keep their content."""

from __future__ import annotations

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from fourfold.data.pooling import pool
from fourfold.errors import DataError
from fourfold.preparation.choose import Standardize, load_preparation
from fourfold.readers import read_domain, read_domains
from fourfold.readers.media import pictures

FORMS = {"png": np.uint16, "tif": np.uint16, "i.tif": np.int32, "f.tif": np.float32}


def draw(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)
    return path


def camera(seed, top=4095, shape=(6, 8)):
    """Return pixels of 12 bits, of which the lowest four count, too."""
    pixels = np.random.default_rng(seed).integers(0, top // 4, shape)
    pixels[0, 0] = top
    return pixels


def everything(domain):
    return domain.rows.take(np.arange(domain.n_rows))


@pytest.mark.parametrize("form", list(FORMS))
def test_the_range_of_the_pile_is_kept_whole(tmp_path, form):
    drawn = [camera(0), camera(1, top=900)]
    for i, pixels in enumerate(drawn):
        draw(tmp_path / f"{i}.{form}", pixels.astype(FORMS[form]))
    domain = read_domain(tmp_path)
    assert (domain.rows.white, domain.rows.dtype) == (4095, np.float32)
    scaled = np.stack(drawn)[..., None] * (255 / 4095)
    np.testing.assert_allclose(everything(domain), scaled, rtol=1e-6)


def test_one_alone_is_read_as_among_others(tmp_path):
    draw(tmp_path / "all" / "a.png", camera(0).astype(np.uint16))
    draw(tmp_path / "all" / "b.png", camera(1, top=900).astype(np.uint16))
    draw(tmp_path / "one" / "b.png", camera(1, top=900).astype(np.uint16))
    both, alone = read_domain(tmp_path / "all"), read_domain(tmp_path / "one")
    assert alone.rows.white == 1023
    like = read_domain(tmp_path / "one", like=both)
    np.testing.assert_array_equal(everything(like)[0], everything(both)[1])
    assert like.rows.keys[0] == both.rows.keys[1]
    assert like.rows.keys[0] != alone.rows.keys[0]


def test_the_model_keeps_the_range(tmp_path):
    draw(tmp_path / "all" / "a.png", camera(0).astype(np.uint16))
    prepared = Standardize().fit(read_domain(tmp_path / "all").rows)
    (tmp_path / "saved").mkdir()
    prepared.save(tmp_path / "saved")
    assert load_preparation(tmp_path / "saved").white_ == 4095


def test_piles_get_one_white_and_8_bits_their_own(tmp_path):
    draw(tmp_path / "one" / "a.png", camera(0).astype(np.uint16))
    draw(tmp_path / "two" / "a.png", camera(0, top=900).astype(np.uint16))
    draw(tmp_path / "two" / "b.png", np.full((6, 8), 200, np.uint8))
    draw(tmp_path / "three" / "a.png", np.full((6, 8, 3), 100, np.uint8))
    domains = read_domains([tmp_path / name for name in ("one", "two", "three")])
    assert [d.rows.white for d in domains] == [4095] * 3
    assert {(d.rows.shape, d.rows.dtype.str) for d in domains} == {((6, 8, 3), "<f4")}
    assert (everything(domains[1])[1] == 200).all()
    assert (everything(domains[2]) == 100).all()
    np.testing.assert_allclose(everything(domains[1])[0].max(), 900 * 255 / 4095, rtol=1e-6)
    assert pool(domains).rows.white == 4095
    assert pool(domains).rows.subset(np.array([0])).white == 4095


def test_piles_that_were_read_apart_are_refused(tmp_path):
    one = draw(tmp_path / "one" / "a.png", camera(0).astype(np.uint16)).parent
    two = draw(tmp_path / "two" / "a.png", camera(0, top=900).astype(np.uint16)).parent
    apart = [read_domain(folder).rows for folder in (one, two)]
    with pytest.raises(DataError, match=r"one value of white; got \[1023\.0, 4095\.0\]: read"):
        Standardize().fit(*apart)


def test_a_brighter_pixel_outside_the_sample_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(pictures, "LOOKED_AT", 1)
    draw(tmp_path / "a.png", camera(0, top=900).astype(np.uint16))
    draw(tmp_path / "b.png", camera(1, top=4000).astype(np.uint16))
    domain = read_domain(tmp_path)
    assert domain.rows.white == 1023
    np.testing.assert_allclose(everything(domain)[1].max(), 4000 * 255 / 1023, rtol=1e-6)


def test_deep_pictures_are_resized_and_turned(tmp_path):
    tall = np.repeat(np.arange(8, dtype=np.uint16)[:, None] * 500, 4, axis=1)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.fromarray(tall).save(tmp_path / "a.png", exif=turned)
    assert read_domain(tmp_path).rows.shape == (4, 8, 1)
    small = everything(read_domain(tmp_path, size=(2, 4)))
    assert small.shape == (1, 2, 4, 1)
    assert small[0, 0, 0, 0] > small[0, 0, 3, 0]


def deep_colour(top):
    """Return a PNG of 16 bits a channel in colour; Pillow writes none."""
    pixels = np.random.default_rng(0).integers(0, top + 1, (5, 5, 3)).astype(">u2")
    pixels[0, 0] = top
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    content = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    content.seek(0, io.SEEK_END)
    header = struct.pack(">2I5B", 5, 5, 16, 2, 0, 0, 0)
    for kind, part in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
        checked = struct.pack(">I", zlib.crc32(kind + part))
        content.write(struct.pack(">I", len(part)) + kind + part + checked)
    return content.getvalue()


def test_colour_of_which_half_the_bits_are_read_must_use_them(tmp_path):
    (tmp_path / "a.png").write_bytes(deep_colour(65535))
    assert everything(read_domain(tmp_path)).max() == 255
    (tmp_path / "a.png").write_bytes(deep_colour(4095))
    with pytest.raises(DataError, match=r"whole range.*got values up to 4095 of 65535: scale"):
        read_domain(tmp_path)


def test_pixels_that_are_no_numbers(tmp_path):
    draw(tmp_path / "a.tif", np.full((3, 3), np.nan, np.float32))
    with pytest.raises(DataError, match=r"a\.tif: pixels must be finite numbers"):
        read_domain(tmp_path)


def test_the_range_is_said(tmp_path):
    for part, at in itertools.product("ab", range(3)):
        draw(tmp_path / part / f"{at}.png", camera(at).astype(np.uint16))
        draw(tmp_path / "c" / f"{at}.png", camera(at, 255).astype(np.uint8))
    a, b, c = (read_domain(tmp_path / part).rows for part in "abc")
    assert pictures.describe_sizes([a, b]) == "16 bits or more, 0 to 4095 as black to white"
    assert pictures.describe_sizes([c]) == ""
