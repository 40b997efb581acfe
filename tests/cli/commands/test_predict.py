"""``fourfold predict`` as a user runs it."""

from __future__ import annotations

import numpy as np
import pandas as pd


def test_predictions_have_a_line_a_row_and_sum_to_one(fourfold, data, trained, tmp_path):
    output, _ = trained
    table = tmp_path / "new" / "predictions.csv"
    said = fourfold("predict", output / "best", data / "target.csv", "-o", table)
    assert said.out == f"50 predictions in {table}\n"
    found = pd.read_csv(table)
    names = ["barbera", "barolo", "grignolino"]
    assert found.columns.tolist() == ["prediction", *(f"p_{name}" for name in names)]
    p = found.iloc[:, 1:].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-5)
    assert found["prediction"].tolist() == [names[i] for i in p.argmax(axis=1)]


def test_predictions_need_neither_the_training_data_nor_their_order_of_columns(
    fourfold, data, trained, tmp_path
):
    output, _ = trained
    moved = output.rename(tmp_path / "elsewhere")
    try:
        rows = pd.read_csv(data / "target.csv")
        rows[rows.columns[::-1]].to_csv(tmp_path / "reversed.csv", index=False)
        tables = [tmp_path / "a.csv", tmp_path / "b.csv"]
        for file, table in zip(
            (data / "target.csv", tmp_path / "reversed.csv"), tables, strict=True
        ):
            assert fourfold("predict", moved / "best", file, "-o", table).code == 0
        assert tables[0].read_text() == tables[1].read_text()
    finally:
        moved.rename(output)


def test_pictures_of_another_size_and_in_colour_are_predicted(fourfold, data, tmp_path):
    domains = ("--source", data / "source-pictures", "--target", data / "target-pictures")
    options = ("--seeds", 1, "--folds", 2, "--steps", 10, "--methods", "FineTune")
    assert fourfold("study", *domains, "-o", tmp_path / "out", *options).code == 0
    table = tmp_path / "predictions.csv"
    best = tmp_path / "out" / "best"
    assert fourfold("predict", best, data / "flat-pictures", "-o", table).code == 0
    assert len(pd.read_csv(table)) == 60
