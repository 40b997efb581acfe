"""Open sets on the command line: the map, a study, predictions, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs


@pytest.fixture(scope="module")
def piles(tmp_path_factory):
    """Two known classes, a third one among the rows to judge on."""
    folder = tmp_path_factory.mktemp("open")
    X, y = make_blobs(120, centers=[(-4, 0), (4, 0), (0, 2)], random_state=0)
    known = y < 2
    np.savez(folder / "a.npz", X=X[known], y=y[known])
    np.savez(folder / "b.npz", X=X[::2] + 0.2)
    np.savez(folder / "c.npz", X=X[1::2] + 0.2, y=y[1::2])
    return folder


def data(folder):
    return (
        "--source",
        folder / "a.npz",
        "--target",
        folder / "b.npz",
        "--evaluate",
        folder / "c.npz",
    )


def test_the_map_names_methods_of_open_sets(fourfold, piles):
    said = fourfold("map", *data(piles), "--open-set")
    assert said.code == 0, said
    assert "A study runs PseudoLabel; baselines: SourceOnly" in said.out
    assert "Not SHOT: it answers with classes of the source alone." in said.out
    closed = fourfold("map", *data(piles))
    assert closed.code == 2
    assert "--open-set" in closed.out


def test_a_study_shows_both_accuracies_and_predictions_say_minus_one(fourfold, piles, tmp_path):
    short = ("--methods", "PseudoLabel", "--seeds", 1, "--steps", 60, "--network", "mlp")
    said = fourfold("study", *data(piles), "--open-set", *short, "-o", tmp_path / "run")
    assert said.code == 0, said
    assert "known" in said.out
    assert "unknown" in said.out
    out = tmp_path / "out.csv"
    assert fourfold("predict", tmp_path / "run" / "best", piles / "b.npz", "-o", out).code == 0
    found = pd.read_csv(out)
    assert list(found.columns) == ["row", "prediction", "p_0", "p_1", "p_-1"]
    assert set(found["prediction"]) <= {-1, 0, 1}


def test_flags_stand_in_refusals(fourfold, piles, tmp_path):
    place = ("-o", tmp_path / "run")
    labelled = ("--source", piles / "a.npz", "--target", piles / "c.npz")
    fourfold("study", *labelled, "--open-set", *place).refused("--open-set must stand")
    given = (*data(piles), "--open-set", "--metric", "auc")
    fourfold("study", *given, *place).refused("--metric must be", "beside --open-set")
    alone = (
        "--source",
        piles / "a.npz",
        "--target",
        piles / "b.npz",
        "--evaluate",
        piles / "a.npz",
    )
    fourfold("study", *alone, "--open-set", *place).refused("say --metric accuracy")
