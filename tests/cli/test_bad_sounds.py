"""Folders of sounds on the command line: a study and its model, and each bad sound refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile

WORDS = {"low": 300, "mid": 900, "high": 2400}


def say(path, hertz, seed, *, rate=8000):
    """Write a tone that rises a little, in noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(random.uniform(0.2, 0.35) * rate)) / rate
    samples = np.sin(2 * np.pi * hertz * random.uniform(0.9, 1.1) * time * (1 + 0.2 * time))
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.3 * samples + 0.02 * random.standard_normal(len(time)), rate)


@pytest.fixture
def here(tmp_path):
    """Three domains of sounds that are right."""
    for domain, n in {"source": 8, "target": 3, "rest": 4}.items():
        for word, hertz in WORDS.items():
            for i in range(n):
                seed = len(domain) * 1000 + hertz + i
                say(tmp_path / domain / word / f"{i}.wav", hertz, seed)
    return tmp_path


@pytest.fixture
def study(fourfold, here, short):
    domains = [part for domain in ("source", "target") for part in (f"--{domain}", here / domain)]

    def run():
        judged = ("--evaluate", here / "rest")
        return fourfold("study", *domains, *judged, "-o", here / "out", *short)

    return run


def test_a_study_of_sounds_and_its_model(fourfold, study, here):
    domains = ("--source", here / "source", "--target", here / "target")
    said = fourfold("map", *domains)
    assert "24 sounds of 40×40 (bands × 10 ms)" in " ".join(said.out.split())
    assert study().code == 0
    others = here / "others"
    for i, hertz in enumerate(WORDS.values()):  # of another rate than in training
        say(others / f"{i}.flac", hertz, i, rate=44_100)
    said = fourfold("predict", here / "out" / "best", others, "-o", here / "guess.csv")
    assert said.code == 0, said
    guess = pd.read_csv(here / "guess.csv")
    assert guess["prediction"].tolist() == list(WORDS)
    soundfile.write(others / "still.wav", np.zeros(4000), 8000)
    said = fourfold("predict", here / "out" / "best", others, "-o", here / "guess.csv")
    said.refused("others", "still.wav must not be silent")


def still(path):
    soundfile.write(path, np.zeros(2400), 8000)


def void(path):
    soundfile.write(path, np.zeros(0), 8000)


def torn(path):
    path.write_bytes(path.read_bytes()[:-100])


def foreign(path):
    path.write_bytes(b"not a sound")


@pytest.mark.parametrize("domain", ["source", "target", "rest"])
@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (still, "must not be silent"),
        (void, "must last at least 10 ms; got 0 sample(s)"),
        (torn, "must be whole and readable: replace or remove it"),
        (foreign, "must be whole and readable: replace or remove it"),
    ],
)
def test_a_bad_sound_is_named_before_anything_is_trained(study, here, domain, harm, words):
    harm(here / domain / "mid" / "1.wav")
    study().refused(str(here / domain), "1.wav", words)
    assert not (here / "out" / "runs").exists()


def test_pictures_among_sounds(study, here):
    (here / "target" / "low" / "cover.png").write_bytes(b"")
    study().refused("target: files must be all pictures or all sounds", "cover.png", "0.wav")
