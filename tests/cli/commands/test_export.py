"""``fourfold export`` as a user runs it."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pandas as pd


def test_the_exported_file_gives_the_same_probabilities(fourfold, data, short, tmp_path):
    domains = ("--source", data / "source.npz", "--target", data / "target.npz")
    assert fourfold("study", *domains, "-o", tmp_path / "out", *short).code == 0
    best, file = tmp_path / "out" / "best", tmp_path / "model.onnx"
    assert fourfold("export", best, file).code == 0
    table = tmp_path / "predictions.csv"
    assert fourfold("predict", best, data / "unlabelled.npz", "-o", table).code == 0
    session = onnxruntime.InferenceSession(file)
    wanted = {"tensor(float)": np.float32, "tensor(double)": np.float64}
    X = np.load(data / "unlabelled.npz")["X"].astype(wanted[session.get_inputs()[0].type])
    (p,) = session.run(["probabilities"], {"input": X})
    np.testing.assert_allclose(p, pd.read_csv(table).iloc[:, 2:], atol=1e-5)
