"""Folders of sounds: spectrograms, sizes, keys and errors."""

from __future__ import annotations

import pickle
import sys
from math import log

import numpy as np
import pytest
import soundfile
from PIL import Image

from fourfold.errors import DataError, FileError, MissingExtraError, ParameterError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.media import sounds
from fourfold.readers.media.sounds import SoundRows

RATES = (8000, 16_000, 44_100)


def noise(seconds, rate=8000, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate))


def tone(hertz, seconds, rate=8000):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def record(path, samples, rate=8000, **how):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, **how)


def heard(folder, **options):
    """Read a folder: (n, bands, frames)."""
    rows = read_domain(folder, **options).rows
    return rows.take(np.arange(rows.n))


def hear(folder, samples, rate=8000, *, size, **how):
    """Write one sound and read it: (bands, frames)."""
    record(folder / "one.wav", samples, rate, **how)
    (picture,) = heard(folder, size=size)
    return picture


def band_of(hertz):
    """The band whose centre is nearest; bands lie 50 mel apart from 20 Hz on."""
    return round(1127 * (log(1 + hertz / 700) - log(1 + 20 / 700)) / 50) - 1


@pytest.fixture
def decodes(monkeypatch):
    """Count sounds that are decoded."""
    count: list[int] = []
    real = sounds._spectrogram

    def counting(source, at, **given):
        count.append(at)
        return real(source, at, **given)

    monkeypatch.setattr(sounds, "_spectrogram", counting)
    return count


# --- folders --------------------------------------------------------------------------------------


def test_a_sub_folder_is_a_class_and_every_format_is_read(tmp_path):
    low, high = tone(300, 0.5), tone(2500, 0.5)
    record(tmp_path / "high" / "a.ogg", high)
    record(tmp_path / "high" / "deeper" / "b.MP3", high, format="MP3")
    record(tmp_path / "low" / "a.flac", low)
    record(tmp_path / "low" / "b.wav", low)
    record(tmp_path / "z.wav", low)
    record(tmp_path / "low" / ".hidden.wav", low)
    (tmp_path / "low" / "notes.txt").write_text("no sound")
    domain = read_domain(tmp_path)
    assert domain.known.tolist() == ["high", "high", "low", "low"]
    assert domain.labelled.tolist() == [True] * 4 + [False]
    rows = domain.rows
    assert (rows.kind, rows.dtype, rows.shape) == ("sounds", np.float32, (40, 50))
    loudest = rows.take(np.arange(5))[:, :, 10:40].mean(axis=2).argmax(axis=1)
    assert loudest.tolist() == [band_of(2500)] * 2 + [band_of(300)] * 3


def test_pictures_and_sounds_in_one_folder_are_refused(tmp_path):
    record(tmp_path / "a.wav", noise(0.1))
    Image.new("L", (8, 8)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r"all pictures or all sounds; got .*b\.png and .*a\.wav"):
        read_domain(tmp_path)


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    record(tmp_path / "a.wav", noise(0.1))
    for package in ("kaldi_native_fbank", "soundfile", "soxr"):
        with monkeypatch.context() as patch:
            for name in ("sounds", "samples"):  # both are imported anew
                patch.delitem(sys.modules, f"fourfold.readers.media.{name}")
                patch.delattr(f"fourfold.readers.media.{name}")
            patch.setitem(sys.modules, package, None)
            with pytest.raises(MissingExtraError, match=rf"{package} is needed.*fourfold\[audio\]"):
                read_domain(tmp_path)


# --- what is heard --------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [150, 440, 1000, 3000])
def test_a_tone_lies_in_its_band_whatever_the_rate(tmp_path, rate, hertz):
    picture = hear(tmp_path, tone(hertz, 0.6, rate), rate, size=(40, 60))
    assert (picture[:, 5:55].argmax(axis=0) == band_of(hertz)).all()
    far = np.abs(np.arange(40) - band_of(hertz)) > 8
    assert picture[far, 10:50].max() < -20


def test_one_sound_recorded_at_several_rates_is_one_picture(tmp_path):
    def chord(rate):
        return sum(tone(hertz, 0.6, rate) for hertz in (200, 450, 1000, 2000, 3000)) / 5

    pictures = [hear(tmp_path, chord(rate), rate, size=(40, 60)) for rate in RATES]
    for other in pictures[1:]:
        difference, loud = np.abs(other - pictures[0])[:, 5:55], pictures[0][:, 5:55] > -50
        assert difference[loud].max() < 1
    higher = hear(tmp_path, chord(16_000), 16_000, size=(54, 60))
    np.testing.assert_allclose(higher[:40], pictures[1], atol=0.01)


def test_the_lowest_rate_says_how_many_bands_there_are_and_none_is_empty(tmp_path):
    expected = {4000: 27, 8000: 40, 16_000: 54, 44_100: 54}
    for rate, bands in expected.items():
        record(tmp_path / str(rate) / "noise.wav", noise(1, rate), rate)
        (picture,) = heard(tmp_path / str(rate))
        assert picture.shape == (bands, 100)
        assert picture.mean(axis=1).min() > -60
    (empty,) = heard(tmp_path / "8000", size=(54, 100))
    assert empty[44:].mean() < -75
    assert read_domain(tmp_path).rows.shape == (27, 100)


def test_two_equal_channels_are_one(tmp_path):
    samples = noise(0.4)
    mono = hear(tmp_path, samples, size=(40, 40))
    both = hear(tmp_path, np.stack([samples, samples], axis=1), size=(40, 40))
    np.testing.assert_array_equal(mono, both)
    left = hear(tmp_path, np.stack([samples, 0 * samples], axis=1), size=(40, 40), subtype="FLOAT")
    np.testing.assert_allclose(left, mono, atol=0.1)


def test_neither_loudness_nor_an_offset_is_heard(tmp_path):
    samples = noise(0.4)
    loud = hear(tmp_path, samples, size=(40, 40), subtype="FLOAT")
    assert loud.max() == 0
    for other in (samples / 64, samples * 1e-30, samples + 0.25):
        same = hear(tmp_path, other, size=(40, 40), subtype="FLOAT")
        np.testing.assert_allclose(same, loud, atol=0.01)


# --- size -----------------------------------------------------------------------------------------


def test_frames_are_what_most_sounds_need(tmp_path):
    for i in range(40):
        record(tmp_path / f"{i:02}.wav", noise(0.2 + 0.002 * i, seed=i))
    record(tmp_path / "long.wav", noise(3))
    assert read_domain(tmp_path).rows.shape == (40, 30)
    record(tmp_path / "very" / "long.wav", noise(7))
    assert read_domain(tmp_path / "very").rows.shape == (40, 500)


def test_a_short_sound_lies_between_silence(tmp_path):
    picture = hear(tmp_path, noise(0.2), size=(40, 60))
    silent = (picture == -80).all(axis=0)
    assert silent[:18].all()
    assert silent[42:].all()
    assert not silent[20:40].any()
    alone = hear(tmp_path, noise(0.2), size=(40, 20))
    np.testing.assert_allclose(picture[:, 22:38], alone[:, 2:18], atol=0.5)


@pytest.mark.parametrize("before", [0.0, 0.5, 1.0])
def test_of_a_long_sound_the_loudest_stretch_is_kept(tmp_path, before):
    word = tone(1000, 0.3)
    samples = np.concatenate([np.zeros(round(before * 8000)), word, np.zeros(4000)])
    picture = hear(tmp_path, samples + noise(len(samples) / 8000) / 1000, size=(40, 30))
    assert (picture[band_of(1000)] > -10).all()


def test_domains_read_together_get_the_frames_of_the_longest_and_bands_that_all_fill(tmp_path):
    record(tmp_path / "phone" / "yes" / "a.wav", noise(0.3))
    record(tmp_path / "studio" / "yes" / "a.flac", noise(0.6, 44_100), 44_100)
    places = [tmp_path / "phone", tmp_path / "studio"]
    assert [read_domain(place).rows.shape for place in places] == [(40, 30), (54, 60)]
    phone, studio = read_domains(places)
    assert phone.rows.shape == studio.rows.shape == (40, 60)
    assert [d.rows.shape for d in read_domains(places, size=(20, 25))] == [(20, 25)] * 2
    assert read_domain(places[1], like=read_domain(places[0])).rows.shape == (40, 30)


def test_a_size_out_of_bounds_and_another_kind_to_line_up_with_are_refused(tmp_path):
    record(tmp_path / "sounds" / "a.wav", noise(0.3))
    for size in ((0, 10), (55, 10), (40, 0)):
        with pytest.raises(ParameterError, match="from 1 to 54 bands, and at least 1 frame"):
            read_domain(tmp_path / "sounds", size=size)
    (tmp_path / "pictures").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "pictures" / "b.png")
    like = read_domain(tmp_path / "pictures")
    with pytest.raises(DataError, match=r"one kind; got pictures: pictures, .*sounds: sounds"):
        read_domain(tmp_path / "sounds", like=like)
    rows = read_domain(tmp_path / "sounds").rows
    assert rows.fitting((8, 8, 3)) is rows


# --- keys and reading -----------------------------------------------------------------------------


def test_keys_follow_bytes_and_size_and_nothing_is_decoded_for_them(tmp_path, decodes):
    for name in ("one/a.wav", "two/b.wav"):
        record(tmp_path / name, noise(0.3))
    record(tmp_path / "three" / "a.wav", noise(0.3, seed=1))
    one, two, three = (read_domain(tmp_path / name).rows for name in ("one", "two", "three"))
    assert one.digest == two.digest != three.digest
    assert one.resized((40, 31)).digest != one.digest
    assert one.resized((40, 30)) is one
    assert decodes == []


def test_sounds_are_decoded_once(tmp_path, decodes):
    for i in range(4):
        record(tmp_path / f"{i}.wav", noise(0.2, seed=i))
    rows = read_domain(tmp_path).rows
    part = rows.subset(np.array([3, 1]))
    first = part.take(np.array([0]))
    assert sorted(decodes) == [0, 1, 2, 3]
    np.testing.assert_array_equal(rows.take(np.array([3])), first)
    assert len(decodes) == 4


def test_rows_survive_pickling_before_and_after_they_are_read(tmp_path):
    record(tmp_path / "a.wav", noise(0.2))
    rows = read_domain(tmp_path).rows
    copies = [pickle.loads(pickle.dumps(rows))]  # noqa: S301  our own rows, between processes
    picture = rows.take(np.array([0]))
    copies += [pickle.loads(pickle.dumps(rows))]  # noqa: S301
    for copy in copies:
        np.testing.assert_array_equal(copy.take(np.array([0])), picture)
        assert copy.digest == rows.digest


# --- what is refused ------------------------------------------------------------------------------

SILENT = {
    "zeros": np.zeros(4000),
    "offset": np.full(4000, 0.25),
    "opposite": np.stack([noise(0.5), -noise(0.5)], axis=1),
}


@pytest.mark.parametrize("why", list(SILENT))
def test_a_silent_sound_is_named_at_the_first_read_of_any(tmp_path, why):
    record(tmp_path / "fine.wav", noise(0.5))
    record(tmp_path / "still.wav", SILENT[why], subtype="FLOAT")
    rows = read_domain(tmp_path).rows
    with pytest.raises(DataError, match=r"still\.wav must not be silent.* 4000 equal samples"):
        rows.take(np.array([0]))


@pytest.mark.parametrize(("ending", "n"), [("wav", 0), ("wav", 79), ("ogg", 0)])
def test_a_sound_without_samples_is_named_at_once(tmp_path, ending, n):
    record(tmp_path / f"void.{ending}", noise(n / 8000))
    with pytest.raises(DataError, match=rf"void\.{ending} must last .* 10 ms; got {n} sample"):
        read_domain(tmp_path)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_what_is_no_sound_is_named_at_once(tmp_path, ending):
    for content in (b"", b"this is not a sound" * 100):
        (tmp_path / f"no.{ending}").write_bytes(content)
        with pytest.raises(DataError, match=rf"no\.{ending} must be whole and readable"):
            read_domain(tmp_path)


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3"])
def test_a_truncated_sound_is_named(tmp_path, ending, capfd):
    record(tmp_path / "fine.wav", noise(5))
    path = tmp_path / f"torn.{ending}"
    record(path, noise(5))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DataError, match=rf"torn\.{ending} must be whole and readable"):
        heard(tmp_path)
    capfd.readouterr()  # the MP3 decoder says its own to stderr


def test_samples_that_are_no_numbers_are_refused(tmp_path):
    samples = noise(0.5)
    samples[7] = np.nan
    record(tmp_path / "nan.wav", samples, subtype="FLOAT")
    with pytest.raises(DataError, match=r"nan\.wav must be whole.* not finite"):
        heard(tmp_path)


@pytest.mark.parametrize("unknown", [0xFFFFFFFF, 0x7FFFFFFF])
def test_a_wav_whose_writer_did_not_know_its_length_is_read(tmp_path, unknown):
    record(tmp_path / "pipe.wav", noise(0.5))
    before = heard(tmp_path)
    content = bytearray((tmp_path / "pipe.wav").read_bytes())
    assert content[36:40] == b"data"
    content[4:8] = content[40:44] = unknown.to_bytes(4, "little")
    (tmp_path / "pipe.wav").write_bytes(content)
    np.testing.assert_array_equal(heard(tmp_path), before)


def test_a_file_that_went_away_is_named(tmp_path):
    record(tmp_path / "a.wav", noise(0.5))
    rows = read_domain(tmp_path).rows
    assert isinstance(rows, SoundRows)
    (tmp_path / "a.wav").unlink()
    with pytest.raises(FileError, match=r"the sound .*a\.wav must be readable"):
        rows.take(np.array([0]))


@pytest.mark.parametrize("kind", ["PCM_16", "FLOAT"])
def test_aiff_is_heard_as_wav(tmp_path, kind):
    samples = tone(700, 0.3)
    record(tmp_path / "one" / "a.wav", samples, subtype=kind)
    record(tmp_path / "two" / "a.aiff", samples, subtype=kind)
    np.testing.assert_array_equal(heard(tmp_path / "one"), heard(tmp_path / "two"))


def test_a_torn_aiff_is_named_and_prints_nothing(tmp_path, capfd):
    record(tmp_path / "a.aiff", tone(700, 0.3), subtype="FLOAT")
    whole = (tmp_path / "a.aiff").read_bytes()
    for size in (60, 600, len(whole) // 2):
        (tmp_path / "a.aiff").write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"a\.aiff must be whole and readable"):
            heard(tmp_path)
    assert capfd.readouterr().err == ""
