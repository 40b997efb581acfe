"""Figures of pretrained networks: the best peer on the cases that all sides have."""

from __future__ import annotations

import pytest

from benchmarks.pretrained.cases import CASES, group_of
from benchmarks.pretrained.figures import figures, groups
from benchmarks.pretrained.sides import PEERS, SIDES, sides_of


def record(**scores):
    return {name.replace("_", " "): {"score": score} for name, score in scores.items()}


def test_the_first_draws_of_everything_come_first():
    seeds = [name.rsplit("/", 1)[1] for name in CASES]
    assert seeds == sorted(seeds)
    assert {group_of(name).split("/")[0] for name in CASES} == PEERS.keys()
    assert all(set(sides_of(name)) <= SIDES.keys() for name in CASES)


def test_the_shipped_model_is_compared_with_the_best_mean_of_a_peer():
    whole = {"logistic_regression": 0.5, "script": 0.7, "peft": 0.6}
    cases = {
        "emoji/5/styles/0": record(ships=0.8, **whole),
        "emoji/5/styles/1": record(ships=0.6, **{**whole, "peft": 0.9}),
        "emoji/5/styles/2": record(ships=0.1, script=1.0),  # peers that are not there yet
    }
    found = figures(cases, {})
    assert found["emoji_5_vs_peer"] == pytest.approx(0.7 - 0.75)
    assert found["emoji_5_vs_peer_low"] < found["emoji_5_vs_peer"] < found["emoji_5_vs_peer_high"]
    assert groups(cases)["emoji/5"]["ships"] == {"mean": pytest.approx(0.5), "cases": 3}


def test_texts_are_judged_by_the_worst_number_of_labels():
    peers = {"logistic_regression": 0.5, "script": 0.5, "setfit": 0.5, "peft": 0.5}
    cases = {
        "texts/8/amazon-movies/0": record(ships=0.6, **peers),
        "texts/32/amazon-movies/0": record(ships=0.4, **peers),
    }
    assert figures(cases, {})["texts_vs_peer"] == pytest.approx(-0.1)


def test_costs_are_ratios():
    costs = {"study seconds": {"value": 6.0}, "script seconds": {"value": 3.0}}
    assert figures({}, costs) == {"seconds_vs_lr": 2.0}
