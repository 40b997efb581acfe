"""Figures of the benchmark of transcription, from made-up records."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.speech import records
from benchmarks.speech.figures import figures

Errors = dict[str, list[int]]


def errors(edits: list[int], words: list[int]) -> Errors:
    return {"edits": edits, "word_edits": words}


def record(part: str, name: str, seed: int, found: dict[str, dict[str, Errors]]) -> dict[str, Any]:
    """Return a record of utterances of ten letters and two words."""
    judged: dict[str, Any] = {}
    for language, models in found.items():
        n = len(next(iter(models.values()))["edits"])
        judged[language] = {"models": models, "lengths": [10.0] * n, "word_lengths": [2.0] * n}
    return {"part": part, "name": name, "seed": seed, "found": judged, "seconds": 1.0}


def test_records_are_read_as_they_were_written(tmp_path):
    models = {"en": {"alone": errors([1, 2], [0, 1])}}
    written = [record("prompts", "en", seed, models) for seed in (1, 0)]
    records.write(written, tmp_path / "records.jsonl")
    read = records.read(tmp_path / "records.jsonl")
    assert list(read) == ["prompts-en-0", "prompts-en-1"]
    assert read["prompts-en-1"] == written[0]
    assert records.read(tmp_path / "none.jsonl") == {}


def test_languages_together_are_compared_with_each_alone():
    worse, better = errors([4, 5, 6], [2, 1, 1]), errors([2, 3, 4], [1, 1, 0])
    measured = [
        record("prompts", "together", 0, {"en": {"together": better}, "es": {"together": worse}}),
        record("prompts", "en", 0, {"en": {"alone": worse}}),
        record("prompts", "es", 0, {"es": {"alone": better}}),
        record("synthetic", "together", 0, {"en": {"together": better}}),
        record("synthetic", "en", 0, {"en": {"alone": worse}}),
    ]
    found = figures(measured)
    assert found["cer_languages_better"] == 1
    assert found["cer_gain_prompts"] == pytest.approx(0)
    assert found["wer_reduction_multilingual"] == pytest.approx(0.5)
    low, high = (found[f"wer_reduction_multilingual_{end}"] for end in ("low", "high"))
    assert low < 0.5 < high


def test_a_voice_gains_over_both_plain_ways():
    models = {
        "SourceOnly": errors([5, 5], [2, 2]),
        "FineTune": errors([4, 4], [2, 2]),
        "KLAdaptation": errors([3, 3], [1, 1]),
        "L2SP": errors([4, 5], [1, 1]),
    }
    found = figures([record("voice", "en", seed, {"en": models}) for seed in range(2)])
    assert found["voice_gain"] == pytest.approx(0.1)
    assert found["voice_rates"]["KLAdaptation"]["cer"] == pytest.approx(0.3)


def test_only_wide_gaps_between_devices_are_judged():
    wide = {"gsm": errors([2], [1]), "SourceOnly": errors([6], [1]), "AdaBN": errors([3], [1])}
    narrow = {"gsm": errors([2], [1]), "SourceOnly": errors([2], [1]), "AdaBN": errors([9], [1])}
    measured = [
        record("device", name, 0, {name: {**of, "PseudoLabel": of["SourceOnly"]}})
        for name, of in (("it", wide), ("fr", narrow))
    ]
    assert figures(measured)["device_gap_closed"] == pytest.approx(0.75)
