"""Linear models are written as a table of points from the command line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fourfold import Domain, Pooled, Recalibrated, save, scorecard


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A line, and trees, of which town a loan goes bad in."""
    folder, rng = tmp_path_factory.mktemp("models"), np.random.default_rng(0)
    frame = pd.DataFrame({"town": rng.choice(["a", "=b"], 90), "age": rng.normal(40, 9, 90)})
    y = np.where(rng.random(90) < 0.2 + 0.5 * (frame["town"] == "a"), "bad", "good")
    few, source = (frame[60:], y[60:]), Domain(frame[:60], y[:60])
    line = Pooled().fit(*few, source=source)
    save(line, folder / "line")
    save(Recalibrated(base="boosting").fit(*few, source=source), folder / "trees")
    return folder, line


def test_points_are_those_of_the_scorecard(fourfold, models, tmp_path):
    folder, line = models
    said = fourfold("export", folder / "line", tmp_path / "points.csv", "--event", "bad")
    assert said.out == f"4 lines of points in {tmp_path / 'points.csv'}\n", said
    written = pd.read_csv(tmp_path / "points.csv", keep_default_na=False)
    wanted = scorecard(line, event="bad")
    np.testing.assert_allclose(written["points"], wanted["points"])
    assert written["column"].tolist() == wanted["column"].tolist()
    assert {"a", "'=b"} <= set(written["value"])


def test_what_has_no_points_is_refused(fourfold, models, tmp_path):
    folder, _ = models
    line, points = folder / "line", tmp_path / "points.csv"
    fourfold("export", folder / "trees", points).refused("must be of a linear model of a table")
    fourfold("export", line, points, "--event", "ugly").refused("must be one of ['bad', 'good']")
    fourfold("export", line, tmp_path / "m.onnx", "--event", "bad").refused("beside a .csv file")
