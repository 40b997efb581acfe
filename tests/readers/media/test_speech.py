"""Sounds with transcripts: their layouts on disk, groups, and bad input in one sentence."""

from __future__ import annotations

import json
import pickle
import shutil

import numpy as np
import pytest
import soundfile

from fourfold.data.kinds import label_kind
from fourfold.data.schema import Hints
from fourfold.errors import DataError
from fourfold.readers import read_domain, read_domains
from fourfold.readers.media.speech import SpeechRows
from tones import RATE, phrases, whistle, write_tones

TEXTS = ["ae i", "Ou.", "iia"]


@pytest.fixture
def folder(tmp_path):
    return write_tones(tmp_path / "spoken", TEXTS)


def test_utterances_end_in_zeros_and_have_normalized_bands(folder):
    domain = read_domain(folder)
    assert isinstance(domain.rows, SpeechRows)
    assert label_kind(domain) == "transcripts"
    assert domain.known.tolist() == TEXTS
    block = domain.rows.take(np.arange(3)).astype(float)
    for row, length in zip(block, domain.rows.lengths, strict=True):
        assert not row[:, length:].any()
        assert (row[:, :length] != 0).any(axis=0).all()
        np.testing.assert_allclose(row[:, :length].mean(axis=1), 0, atol=0.01)
        np.testing.assert_allclose(row[:, :length].std(axis=1), 1, atol=0.01)


def test_a_row_does_not_depend_on_the_others(folder):
    rows = read_domain(folder).rows
    alone = rows.subset(np.array([1])).take(np.array([0]))
    np.testing.assert_array_equal(alone, rows.take(np.arange(3))[1:2])


def test_utterances_go_to_another_process(folder):
    rows = read_domain(folder).rows
    again = pickle.loads(pickle.dumps(rows))  # noqa: S301  our own
    np.testing.assert_array_equal(again.take(np.arange(3)), rows.take(np.arange(3)))
    assert again.digest == rows.digest


def test_domains_that_are_read_together_have_one_size(folder, tmp_path):
    long = write_tones(tmp_path / "long", ["aeiou aeiou aeiou"])
    one, other = read_domains([folder, long])
    assert one.rows.shape == other.rows.shape
    like = read_domain(folder, like=other)
    assert like.rows.kind == "speech"
    assert like.rows.shape[0] == other.rows.shape[0]


def test_a_column_of_speakers_is_a_group_and_equal_prompts_are_else(tmp_path):
    spoken = write_tones(tmp_path / "two", ["ae", "ae", "ou"], speakers=["x", "y", "x"])
    assert read_domain(spoken).annotations.groups.tolist() == ["x", "y", "x"]
    single = write_tones(tmp_path / "one", ["ae", "Ae!", "ou"], speakers=["x"] * 3)
    assert read_domain(single).annotations.groups.tolist() == ["ae", "ae", "ou"]
    assert read_domain(write_tones(tmp_path / "all", TEXTS)).annotations.groups is None


def test_an_empty_cell_is_a_missing_transcript(tmp_path):
    domain = read_domain(write_tones(tmp_path / "some", ["ae", "", "ou"]))
    assert domain.labelled.tolist() == [True, False, True]


def test_ljspeech_is_read_without_a_header(tmp_path):
    (tmp_path / "lj" / "wavs").mkdir(parents=True)
    for name, text in (("LJ1", "ae"), ("LJ2", "ou")):
        soundfile.write(tmp_path / "lj" / "wavs" / f"{name}.wav", whistle(text), RATE)
    (tmp_path / "lj" / "metadata.csv").write_text("LJ1|A&E|ae\nLJ2|Ou|ou\n", "utf-8")
    domain = read_domain(tmp_path / "lj")
    assert domain.known.tolist() == ["ae", "ou"]
    assert domain.annotations.ids.tolist() == ["wavs/LJ1.wav", "wavs/LJ2.wav"]
    (tmp_path / "lj" / "metadata.csv").write_text("LJ1|A|ae\nLJ3|Ou|ou\nLJ4|o|o\n", "utf-8")
    with pytest.raises(DataError, match=r"2 listed files in .* must be there; .* LJ3.wav, LJ4.wav"):
        read_domain(tmp_path / "lj")


def test_a_manifest_of_nemo_names_sounds_and_text(folder, tmp_path):
    lines = [
        {"audio_filepath": str(folder / f"{at:03}.wav"), "duration": 1.0, "text": text}
        for at, text in enumerate(TEXTS)
    ]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)), "utf-8")
    domain = read_domain(tmp_path / "manifest.jsonl")
    assert domain.rows.kind == "speech"
    assert domain.known.tolist() == TEXTS


def test_a_label_says_which_column_and_a_type_that_it_is_heard(folder):
    table = (folder / "metadata.csv").read_text("utf-8").replace("transcription", "said")
    (folder / "metadata.csv").write_text(table, "utf-8")
    assert read_domain(folder, label="said").rows.kind == "sounds"
    heard = read_domain(folder, label="said", hints=Hints(label_type="transcripts"))
    assert heard.rows.kind == "speech"
    classes = read_domain(folder, label="said", hints=Hints(label_type="classes"))
    assert classes.rows.kind == "sounds"
    assert len(classes.counts) == 3


def test_all_that_are_too_short_for_their_transcripts_are_named(folder):
    for name in ("000.wav", "002.wav"):
        soundfile.write(folder / name, whistle("a")[: RATE // 50], RATE)
    with pytest.raises(DataError, match=r"2 sounds .* 30 ms a symbol .* 000.wav, 002.wav"):
        read_domain(folder)


def test_a_low_rate_is_refused(folder):
    for name in ("000.wav", "001.wav"):
        soundfile.write(folder / name, whistle("ae")[::2], RATE // 2)
    with pytest.raises(DataError, match=r"2 sounds in .* 000.wav, 001.wav.*at least 8,000 samples"):
        read_domain(folder)


def test_a_long_sound_is_refused(folder):
    soundfile.write(folder / "000.wav", np.tile(whistle("ae"), 120), RATE)
    with pytest.raises(DataError, match=r"000.wav must last at most 30 s .* cut it; got 4\d s"):
        read_domain(folder)


def test_silence_is_refused_before_anything_is_trained(folder):
    soundfile.write(folder / "001.wav", np.zeros(RATE), RATE)
    with pytest.raises(DataError, match=r"001.wav must not be silent"):
        read_domain(folder).rows.take(np.arange(1))


def test_a_missing_file_is_named(folder):
    shutil.move(folder / "001.wav", folder / "other.wav")
    with pytest.raises(DataError, match=r"1 listed file.* must be there; .*001.wav"):
        read_domain(folder)


def test_sub_folders_are_no_transcripts(tmp_path):
    for name in "ab":
        write_tones(tmp_path / "classes" / name, phrases(1, 0))
        (tmp_path / "classes" / name / "metadata.csv").unlink()
    with pytest.raises(DataError, match="must stand in a table beside them; got sub-folders"):
        read_domain(tmp_path / "classes", hints=Hints(label_type="transcripts"))
