"""``fourfold predict`` as a user runs it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, FineTune, Hints, Linear, Recipe, TargetBoosted, read_domain, save
from fourfold.cli import predictions
from fourfold.cli.predictions import _names
from fourfold.data.rows import ArrayRows


def test_predictions_have_a_line_a_row_and_sum_to_one(fourfold, data, trained, tmp_path):
    output, _ = trained
    table = tmp_path / "new" / "predictions.csv"
    said = fourfold("predict", output / "best", data / "target.csv", "-o", table)
    assert said.out == f"50 predictions in {table}\n"
    found = pd.read_csv(table)
    names = ["barbera", "barolo", "grignolino"]
    assert found.columns.tolist() == ["row", "prediction", *(f"p_{name}" for name in names)]
    assert found["row"].tolist() == list(range(1, 51))
    p = found.iloc[:, 2:].to_numpy()
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
    found = pd.read_csv(table).set_index("file")
    assert list(found.index) == sorted(path.name for path in (data / "flat-pictures").iterdir())
    one = data / "flat-pictures" / found.index[7]
    assert fourfold("predict", best, one, "-o", tmp_path / "one.csv").code == 0
    alone = pd.read_csv(tmp_path / "one.csv").set_index("file")
    pd.testing.assert_frame_equal(alone, found.iloc[[7]])


def test_rows_with_names_of_their_own():
    rows = ArrayRows(np.eye(2))
    fitted = Linear().fit(rows, [0, 1])
    named, unnamed = (
        _names(fitted, Domain(rows, ids=ids), Path("x.csv")) for ids in (["a7", None], None)
    )
    assert {name: list(values) for name, values in named.items()} == {"id": ["a7", None]}
    assert {name: list(values) for name, values in unnamed.items()} == {"row": [1, 2]}


def model(folder, names):
    """Save a model of classes of these names, and rows for it."""
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    y = np.array(names)[np.arange(60) % len(names)]
    X[:, 0] += 4 * (np.arange(60) % len(names))
    fitted = FineTune(recipe=Recipe(epochs=1, min_steps=60, learning_rate=0.02))
    save(fitted.fit(X, y, source=Domain(X, y)), folder / "model")
    np.savez(folder / "rows.npz", X=X)
    return folder / "model", folder / "rows.npz"


def test_texts_that_a_spreadsheet_would_run_are_escaped(fourfold, tmp_path):
    names = ["=1+1", "@SUM(A1)", "-minus", "-2.5", "plain"]
    best, rows = model(tmp_path, names)
    for options, wanted in (((), ["'=1+1", "'@SUM(A1)", "'-minus", "-2.5", "plain"]),
                            (("--no-escape",), names)):  # fmt: skip
        table = tmp_path / "predictions.csv"
        assert fourfold("predict", best, rows, "-o", table, *options).code == 0
        found = pd.read_csv(table, dtype={"prediction": str})
        assert set(found["prediction"]) == set(wanted)
        assert found.filter(like="p_").to_numpy().min() >= 0


@pytest.mark.parametrize("cells", [1 << 24, 9])
def test_the_likeliest_classes_have_their_probabilities(fourfold, tmp_path, monkeypatch, cells):
    monkeypatch.setattr(predictions, "MOST_CELLS", cells)  # 9: three rows at once
    best, rows = model(tmp_path, ["a", "b", "c"])
    table = tmp_path / "predictions.csv"
    assert fourfold("predict", best, rows, "-o", table).code == 0
    whole = pd.read_csv(table)
    assert fourfold("predict", best, rows, "-o", table, "--top", 2).code == 0
    found = pd.read_csv(table)
    assert found.columns.tolist() == ["row", "prediction_1", "prediction_2", "p_1", "p_2"]
    assert (found["prediction_1"] == whole["prediction"]).all()
    ordered = np.sort(whole[["p_a", "p_b", "p_c"]].to_numpy(), axis=1)[:, :0:-1]
    np.testing.assert_allclose(found[["p_1", "p_2"]], ordered, atol=1e-6)
    for top in (0, 4):
        said = fourfold("predict", best, rows, "-o", table, "--top", top)
        said.refused(f"--top must lie in [1, 3], the number of classes; got {top}")


def test_several_answers_have_the_probability_of_each_yes(fourfold, tmp_path):
    X = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    fitted = Linear().fit(X, (X[:, :2] > 0).astype(int))
    save(fitted, tmp_path / "model")
    np.savez(tmp_path / "rows.npz", X=X)
    table = tmp_path / "predictions.csv"
    assert fourfold("predict", tmp_path / "model", tmp_path / "rows.npz", "-o", table).code == 0
    found = pd.read_csv(table)
    assert found.columns.tolist() == ["row", "prediction_1", "prediction_2", "p_1", "p_2"]
    np.testing.assert_allclose(found[["p_1", "p_2"]], fitted.predict_proba(X), atol=1e-6)
    assert (found[["prediction_1", "prediction_2"]] == fitted.predict(X)).all(axis=None)


@pytest.mark.parametrize("inside", [False, True])
def test_predictions_never_replace_their_input(fourfold, data, tmp_path, inside):
    best, rows = model(tmp_path, ["a", "b"])
    (tmp_path / "link.npz").symlink_to(rows)
    output = next((data / "flat-pictures").iterdir()) if inside else tmp_path / "link.npz"
    before = output.read_bytes()
    given = data / "flat-pictures" if inside else rows
    fourfold("predict", best, given, "-o", output).refused("must go to a file of their own")
    assert output.read_bytes() == before


def test_predictions_that_cannot_be_written_leave_what_was_there(fourfold, tmp_path, monkeypatch):
    best, rows = model(tmp_path, ["a", "b"])
    table = tmp_path / "predictions.csv"
    table.write_text("old")

    def broken(_frame, path, **_options):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", broken)
    assert fourfold("predict", best, rows, "-o", table).code == 2
    assert table.read_text() == "old"


def test_reasons_are_the_columns_that_move_a_prediction(fourfold, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": [f"c{i}" for i in range(120)], "x": rng.normal(size=120)})
    frame["z"] = rng.normal(size=120)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    domain = read_domain(tmp_path / "rows.csv", hints=Hints(id="id"))
    model = TargetBoosted().fit(Domain(domain.rows, np.where(frame["x"] > 0, "yes", "no")))
    save(model, tmp_path / "model")
    asked = ("predict", tmp_path / "model", tmp_path / "rows.csv", "-o", tmp_path / "out.csv")
    assert fourfold(*asked, "--reasons", 2).code == 0
    found = pd.read_csv(tmp_path / "out.csv")
    assert found["id"].tolist() == frame["id"].tolist()
    assert (found["reason_1"] == "x").all()
    assert (found["contribution_1"] > 0).mean() > 0.95
    assert fourfold(*asked, "--reasons", 2, "--top", 1).code == 2
    assert fourfold(*asked, "--reasons", 0).code == 2
