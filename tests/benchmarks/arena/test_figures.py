"""Figures of the arena on records whose figures are known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from benchmarks.arena import results
from benchmarks.arena.figures import figures


def bout(pair, draw, shipped, script, baseline, *, group="tables", oracle=0.9, error=0.01):
    study = {
        "task": f"{pair}/50/{draw}", "pair": pair, "budget": 50, "draw": draw, "group": group,
        "family": pair, "metric": "auc", "labels": 50, "verdict": "undecided", "shipped": "Blend",
        "score": shipped, "brier": 0.2, "constant_brier": 0.25, "baseline": "Linear",
        "baseline_score": baseline, "oracle": "Best", "oracle_score": oracle, "gap_error": error,
        "seconds": 20.0, "versions": {"python": "3"}, "code": "a",
    }  # fmt: skip
    side = {"script": "Stack", "score": script, "seconds": 2.0, "versions": {}, "code": "a"}
    return {"default": study, "script": side}


RECORDS = [
    bout("won", 0, shipped=0.80, script=0.70, baseline=0.70),
    bout("won", 1, shipped=0.80, script=0.78, baseline=0.79),
    bout("tied", 0, shipped=0.700, script=0.704, baseline=0.703),
    bout("lost", 0, shipped=0.60, script=0.70, baseline=0.66, group="texts", error=0.02),
    bout("lost", 1, shipped=0.64, script=0.70, baseline=0.66, group="texts", error=0.02),
]


def test_regrets_are_anothers_score_less_that_of_what_ships():
    found = figures(RECORDS)
    assert found["mean_regret_to_script"] == pytest.approx((-0.1 - 0.02 + 0.004 + 0.1 + 0.06) / 5)
    assert found["mean_regret_to_script_texts"] == pytest.approx(0.08)
    assert found["mean_regret_to_baseline_tables"] == pytest.approx((-0.1 - 0.01 + 0.003) / 3)
    assert found["mean_regret_to_oracle"] == pytest.approx(np.mean([0.1, 0.1, 0.2, 0.3, 0.26]))


def test_wins_ties_and_losses_are_told_by_a_margin():
    found = figures(RECORDS)
    assert [found[name] for name in ("wins", "ties", "losses")] == [2, 1, 2]
    assert [found[f"{name}_tables"] for name in ("wins", "ties", "losses")] == [2, 1, 0]


def test_pairs_are_safe_or_harmed_in_the_mean_over_their_draws():
    found = figures(RECORDS)
    assert found["safe_rate"] == pytest.approx(2 / 3)
    assert found["worst_pair"] == pytest.approx(-0.04)
    assert found["harm_rate"] == pytest.approx(1 / 3)  # −.04 ± 1.96·√2·.02/2
    unsure = [*RECORDS[:3], *(bout("lost", d, 0.62, 0.7, 0.66, error=0.05) for d in (0, 1))]
    assert figures(unsure)["harm_rate"] == 0


def test_tables_stand_beside_the_stack_and_its_members():
    stack = [(0.80, 0.79, 0.01), (0.70, 0.72, 0.03), (0.64, 0.643, None)]
    records = []
    for draw, (shipped, peer, error) in enumerate(stack):
        one = bout("a" if draw < 2 else "b", draw, shipped, peer, 0.6)
        one["script"]["scores"] = {"line": 0.7, "trees": 0.6, "Stack": peer}
        one["default"]["calibration"] = error
        records.append(one)
    found = figures(records)
    assert found["mean_regret_to_stack"] == pytest.approx((-0.01 + 0.02 + 0.003) / 3)
    assert found["wins_ties_stack"] == pytest.approx(2 / 3)
    assert found["worst_to_stack"] == pytest.approx(-0.005)
    assert found["mean_regret_to_peers"] == pytest.approx((-0.1 + 0.06) / 3)
    assert found["wins_ties_peers"] == pytest.approx(2 / 3)
    assert found["ece_median"] == pytest.approx(0.02)
    assert (found["median_seconds"], found["seconds_vs_stack"]) == (20, 10)
    assert "mean_regret_to_stack" not in figures(RECORDS)


def test_the_file_holds_the_figures_and_what_was_missed(tmp_path):
    path = results.write(RECORDS, "arena", tmp_path)
    read = json.loads(path.read_text("utf-8"))
    assert read["figures"] == figures(RECORDS)
    assert read["targets"]["worst_pair"] == {"asked": "≥ -0.03", "met": False}
    assert read["tasks"]["won/50/0"]["shipped"] == {"Blend": 0.8}
    assert read["places"]["won/50"]["gain"] == pytest.approx(0.055)
    assert list(tmp_path.iterdir()) == [path]


def test_brier_is_left_out_where_there_are_no_probabilities():
    one = bout("numbers", 0, shipped=0.8, script=0.7, baseline=0.7)
    one["default"] |= {"brier": None, "constant_brier": None}
    assert "brier_excess_max" not in figures([one])
    assert figures(RECORDS)["brier_excess_max"] == pytest.approx(-0.05)


def test_the_table_names_each_task(capsys):
    results.show(RECORDS)
    printed = capsys.readouterr().out
    assert "won/50/0" in printed
    assert "missed" in printed
