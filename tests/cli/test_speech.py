"""Speech from the command line: the map, a study of languages, transcripts, bad input."""

from __future__ import annotations

import csv

import pytest

from fourfold import SourceOnly, save
from fourfold.networks import Listener
from fourfold.readers import read_domain
from fourfold.training.recipe import SPEECH
from tones import phrases, write_tones

NET = Listener(width=32, blocks=3, kernel=7, dropout=0.0, time_masks=0, band_masks=0)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    root = tmp_path_factory.mktemp("spoken")
    write_tones(root / "many", phrases(40, 0), speakers=["x", "y"] * 20)
    write_tones(root / "few", phrases(8, 1), speakers=[*"aabbccdd"])
    write_tones(root / "strange", ["äa", "äe", "äi", "äo"] * 2)
    write_tones(root / "none", [""] * 3)
    write_tones(root / "pile", phrases(3, 5))
    (root / "pile" / "metadata.csv").unlink()
    return root


def test_the_map_says_symbols_length_and_groups(here, fourfold):
    found = fourfold("map", "--source", here / "many", "--target", here / "few")
    assert found.code == 0
    said = " ".join(found.out.split())
    assert "48 transcripts, compared in lower case and without punctuation" in said
    assert "2 speakers, whose utterances stay together; few: 6 symbols" in said
    assert "minutes, 4 speakers, whose utterances stay together" in said
    assert "FineTune, KLAdaptation, L2SP, LayerTransfer, ProgressiveNetwork" in said
    assert "baselines: TargetOnly, RandomColumn" in said


def test_a_type_of_labels_makes_sounds_speech(here, fourfold):
    heard = fourfold("map", "--source", here / "many", "--target", here / "few",
                     "--label", "transcription", "--label-type", "transcripts")  # fmt: skip
    assert "48 transcripts" in heard.out
    classes = fourfold("map", "--source", here / "many", "--target", here / "few",
                       "--label", "transcription", "--label-type", "classes")  # fmt: skip
    assert "transcripts" not in classes.out


def test_languages_are_tasks_of_a_map(here, fourfold):
    found = fourfold("map", "--task", f"one={here / 'many'}", "--task", f"two={here / 'strange'}")
    assert "A study runs MultiTask; baselines: TargetOnly" in " ".join(found.out.split())


def test_two_languages_of_one_name_are_refused(here, fourfold):
    found = fourfold("map", "--task", f"one={here / 'many'}", "--task", f"one={here / 'few'}")
    found.refused("--task must name each task once; got 'one' twice")


def test_a_language_without_transcripts_is_refused(here, fourfold):
    found = fourfold("map", "--task", f"one={here / 'many'}", "--task", f"two={here / 'none'}")
    found.refused("'two' must have labels")


def test_predictions_are_transcripts_with_confidences(here, fourfold, tmp_path):
    many = read_domain(here / "many")
    recipe = SPEECH.but(epochs=1, min_steps=120, learning_rate=1e-2)
    model = SourceOnly(network=NET, recipe=recipe).fit(many.unlabelled(), source=many)
    save(model, tmp_path / "model")
    output = tmp_path / "out.csv"
    assert fourfold("predict", tmp_path / "model", here / "pile", "-o", output).code == 0
    with output.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["000.wav", "001.wav", "002.wav"]
    words = [" ".join(w.rpartition(":")[0] for w in row["words"].split()) for row in rows]
    assert words == [row["prediction"] for row in rows]
    assert [row["prediction"] for row in rows] == phrases(3, 5)
    assert all(0 < float(row["confidence"]) <= 1 for row in rows)
