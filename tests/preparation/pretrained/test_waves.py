"""Sounds as a pretrained network had them: waves by its own feature extractor."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from fourfold import FineTune, Recipe, load, read_domain, save
from fourfold.errors import DataError
from fourfold.networks import Pretrained
from fourfold.preparation.pretrained.waves import Waves
from small_networks import folder

transformers = pytest.importorskip("transformers", reason="transformers come with 'text'")
soundfile = pytest.importorskip("soundfile", reason="sounds need the extra 'audio'")
pytest.importorskip("kaldi_native_fbank", reason="sounds need the extra 'audio'")


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    place = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    for name, hertz in {"low": 300, "high": 1200}.items():
        (place / name).mkdir()
        for i in range(4):
            time = np.arange(3000 + 500 * i) / 8000
            wave = 0.5 * np.sin(2 * np.pi * hertz * time) + rng.normal(0, 0.02, len(time))
            soundfile.write(place / name / f"{i}.wav", wave, 8000)
    return read_domain(place)


@pytest.mark.parametrize("kind", ["wav2vec2", "whisper"])
def test_it_is_the_feature_extractor_of_the_network(kind, sounds):
    prepared = Waves(network=f"hf:{folder(kind)}").fit(sounds.rows).transform(sounds.rows)
    wave = sounds.rows.waves().take(np.array([3]))[0]
    own = transformers.AutoFeatureExtractor.from_pretrained(folder(kind))
    wanted = next(iter(own(wave, sampling_rate=16_000, return_tensors="np").values()))[0]
    np.testing.assert_allclose(prepared.take(np.array([3]))[0], wanted, atol=1e-6)


def test_a_trained_encoder_is_saved_and_loaded(sounds, tmp_path):
    network = Pretrained(name=f"hf:{folder('wav2vec2')}")
    model = FineTune(recipe=Recipe(steps=2, batch_size=4)).fit(sounds, source=network)
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert np.array_equal(again.predict_proba(sounds.rows), model.predict_proba(sounds.rows))


def test_other_rates_and_rows_are_refused(sounds, tmp_path):
    shutil.copytree(folder("wav2vec2"), tmp_path / "other")
    path = tmp_path / "other" / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"sampling_rate": 8000}))
    with pytest.raises(DataError, match=r"must read 16000 samples a second, .*; got 8000"):
        Waves(network=f"hf:{tmp_path / 'other'}").fit(sounds.rows)
    network = Pretrained(name=f"hf:{folder('wav2vec2')}")
    with pytest.raises(DataError, match="must get sounds; got array"):
        FineTune().fit(np.zeros((4, 7)), [0, 1, 0, 1], source=network)
