"""From records of errors to figures, with intervals over utterances and seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Pair = tuple[Mapping[str, list[float]], Mapping[str, list[float]]]

__all__ = ["curves", "figures"]

DRAWS: Final = 2000
GAP: Final = 0.02
"""Least gap of character errors between devices that is judged."""
ADAPTED: Final = ("AdaBN", "PseudoLabel")
"""Methods that see the new device without transcripts; the better one over all is reported."""


def figures(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the figures of all parts that have records."""
    found: dict[str, Any] = {}
    for part in ("synthetic", "prompts", "all_prompts"):
        found |= _languages(records, part)
    for part, name in (
        ("fifth", "wer_reduction_new_language"),
        ("few", "cer_reduction_new_language"),
    ):
        pairs = _pairs(records, part, "TargetOnly", "FineTune")
        if pairs:
            found |= _interval(name, pairs, "word_" if part == "fifth" else "", _reduction)
            found[f"{part}_rates"] = _rates(records, part)
    found |= _devices(records) | _voice(records)
    for record in _of(records, "speed"):
        found |= record["found"]
    return found


def curves(records: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[float]]]:
    """Average the curves of kept layers over seeds: of a new voice, and of a new language."""
    of: dict[str, list[Mapping[str, Any]]] = {}
    for record in _of(records, "layers"):
        of.setdefault(record["name"], []).append(record["found"]["curve"]["lines"])
    return {
        name: {k: np.mean([one[k] for one in each], axis=0).tolist() for k in each[0]}
        for name, each in of.items()
    }


def _of(records: Sequence[Mapping[str, Any]], part: str) -> list[Mapping[str, Any]]:
    return [record for record in records if record["part"] == part]


def _gathered(
    records: Sequence[Mapping[str, Any]], part: str
) -> dict[tuple[str, int], dict[str, Mapping[str, list[float]]]]:
    """Return language and seed → model → its errors."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for record in _of(records, part):
        for language, of in record["found"].items():
            if language != "curve":
                lengths = {unit: of[unit] for unit in ("lengths", "word_lengths")}
                models = {name: edits | lengths for name, edits in of["models"].items()}
                found.setdefault((language, record["seed"]), {}).update(models)
    return found


def _pairs(records: Sequence[Mapping[str, Any]], part: str, old: str, new: str) -> dict[Any, Pair]:
    models = _gathered(records, part)
    return {key: (of[old], of[new]) for key, of in models.items() if old in of and new in of}


def _rates(records: Sequence[Mapping[str, Any]], part: str) -> dict[str, dict[str, float]]:
    """Return the mean character and word error rates of each model over languages and seeds."""
    sums: dict[str, list[tuple[float, float]]] = {}
    for models in _gathered(records, part).values():
        for name, of in models.items():
            cer = sum(of["edits"]) / sum(of["lengths"])
            wer = sum(of["word_edits"]) / sum(of["word_lengths"])
            sums.setdefault(name, []).append((cer, wer))
    return {
        name: dict(zip(("cer", "wer"), np.mean(each, axis=0).tolist(), strict=True))
        | {"models": len(each)}
        for name, each in sums.items()
    }


def _languages(records: Sequence[Mapping[str, Any]], part: str) -> dict[str, Any]:
    """Compare languages together with each alone, and both after another training by itself."""
    unit = "word_" if part == "synthetic" else ""
    label = {
        "synthetic": "wer_reduction_multilingual",
        "prompts": "cer_gain_prompts",
        "all_prompts": "cer_gain_all_prompts",
    }[part]
    found: dict[str, Any] = {}
    for end in ("", "_again"):
        pairs = _pairs(records, part, f"alone{end}", f"together{end}")
        if not pairs:
            continue
        found |= _interval(f"{label}{end}", pairs, unit, _reduction if unit else _difference)
        better = {}
        for language in sorted({key[0] for key in pairs}):
            own = {key: pair for key, pair in pairs.items() if key[0] == language}
            better[language] = _interval("gain", own, "", _difference)
        found[f"{part}_by_language{end}"] = better
        if part == "prompts":
            found[f"cer_languages_better{end}"] = sum(of["gain"] > 0 for of in better.values())
    return found | ({f"{part}_rates": _rates(records, part)} if found else {})


def _devices(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the share of the gap between devices that adaptation closes."""
    rates, closed = {}, []
    for key, of in _gathered(records, "device").items():
        cer = {name: sum(one["edits"]) / sum(one["lengths"]) for name, one in of.items()}
        gap = cer["SourceOnly"] - cer["gsm"]
        rates["-".join(map(str, key))] = {**cer, "gap": gap}
        if gap > GAP:
            closed.append([(cer["SourceOnly"] - cer[name]) / gap for name in ADAPTED])
    found: dict[str, Any] = {"device_rates": rates} if rates else {}
    if closed:
        each = np.mean(closed, axis=0).tolist()
        by_method = dict(zip(ADAPTED, each, strict=True))
        found |= {"device_gap_closed_by_method": by_method, "device_gap_closed": max(each)}
    return found


def _voice(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Compare the better of the conservative methods with the better of the plain ways."""
    if not _gathered(records, "voice"):
        return {}
    rates = _rates(records, "voice")
    new = min(("KLAdaptation", "L2SP"), key=lambda name: rates[name]["cer"])
    found: dict[str, Any] = {"voice_rates": rates}
    for old in ("SourceOnly", "FineTune"):
        pairs = _pairs(records, "voice", old, new)
        found |= _interval(f"voice_gain_over_{old}", pairs, "", _difference)
    gains = (found["voice_gain_over_SourceOnly"], found["voice_gain_over_FineTune"])
    return found | {"voice_gain": min(gains)}


def _reduction(old: Floats, new: Floats) -> Floats:
    return 1 - new / old


def _difference(old: Floats, new: Floats) -> Floats:
    return old - new


def _interval(
    name: str, pairs: Mapping[Any, Pair], unit: str, compare: Callable[[Floats, Floats], Floats]
) -> dict[str, float]:
    """Compare models, averaged over languages and seeds, by a paired bootstrap over utterances."""
    random = np.random.default_rng(0)
    seeds = sorted({key[1] for key in pairs})
    values, drawn = {}, {}
    for key, (old, new) in pairs.items():
        errors = np.array([old[f"{unit}edits"], new[f"{unit}edits"]])
        lengths = np.array(old[f"{unit}lengths"])
        n = len(lengths)
        counts = random.multinomial(n, np.full(n, 1 / n), DRAWS).T  # (n, draws)
        of = (errors @ counts) / (lengths @ counts)
        drawn[key] = compare(of[0], of[1])
        values[key] = float(compare(*(errors.sum(axis=1)[:, None] / lengths.sum()))[0])
    by_seed = {s: np.mean([v for k, v in drawn.items() if k[1] == s], axis=0) for s in seeds}
    chosen = random.integers(0, len(seeds), (len(seeds), DRAWS))
    table = np.array([by_seed[s] for s in seeds])
    means = np.take_along_axis(table, chosen, axis=0).mean(axis=0)
    low, high = np.quantile(means, (0.025, 0.975))
    mean = float(np.mean(list(values.values())))
    return {name: mean, f"{name}_low": float(low), f"{name}_high": float(high)}
