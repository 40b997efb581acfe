"""Figures of the benchmark of transcription, from made-up records."""

from __future__ import annotations

import pytest

from benchmarks.speech.figures import figures


def errors(edits: list[int], words: list[int]) -> dict[str, list[float]]:
    """Return errors of utterances of ten letters and two words."""
    n = len(edits)
    return {"edits": edits, "lengths": [10.0] * n, "word_edits": words, "word_lengths": [2.0] * n}


def record(part: str, name: str, seed: int, found: dict[str, object]) -> dict[str, object]:
    return {"part": part, "name": name, "seed": seed, "found": found, "seconds": 1.0}


def test_languages_together_are_compared_with_each_alone():
    worse, better = errors([4, 5, 6], [2, 1, 1]), errors([2, 3, 4], [1, 1, 0])
    records = [
        record("prompts", "together", 0, {"en": {"together": better}, "es": {"together": worse}}),
        record("prompts", "en", 0, {"en": {"alone": worse}}),
        record("prompts", "es", 0, {"es": {"alone": better}}),
        record("synthetic", "together", 0, {"en": {"together": better}}),
        record("synthetic", "en", 0, {"en": {"alone": worse}}),
    ]
    found = figures(records)
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
    records = [
        record("device", name, 0, {name: {**of, "PseudoLabel": of["SourceOnly"]}})
        for name, of in (("it", wide), ("fr", narrow))
    ]
    assert figures(records)["device_gap_closed"] == pytest.approx(0.75)
