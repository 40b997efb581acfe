"""An exported file reproduces the model in ONNX Runtime, or is not written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from sklearn.exceptions import NotFittedError
from torch import nn

from contract import blobs, pictures
from fourfold.bundle import export, save
from fourfold.core.version import VERSION
from fourfold.data.domain import Domain
from fourfold.errors import BundleError, FileError
from fourfold.methods.adaptation.coral import CORAL
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_boosted import TargetBoosted
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.blend import Blend
from fourfold.methods.finetuning.pooled import Pooled
from fourfold.methods.saved import load
from fourfold.networks import Mlp
from fourfold.networks.cut import cut
from fourfold.preparation.choose import AsIs, Standardize
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PILES = blobs()
RECIPE = Recipe(epochs=2, min_steps=5, learning_rate=0.01)
SMALL = Mlp(hidden_layer_sizes=(8,))


def small(**parameters: Any) -> TargetOnly:
    return TargetOnly(**{"recipe": RECIPE, "network": SMALL, **parameters})


def own() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 5))


def run(path: Path, X: Any) -> tuple[str, NDArray[Any], dict[str, str]]:
    """Run a file as somebody does who has only it: the output's name, the output, the notes."""
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (given,), (output,) = session.get_inputs(), session.get_outputs()
    assert given.name == "input"
    kind = {"tensor(float)": np.float32, "tensor(double)": np.float64}[given.type]
    (said,) = session.run(None, {"input": np.asarray(X, kind)})
    return output.name, said, session.get_modelmeta().custom_metadata_map


def agrees(path: Path, X: Any, wanted: NDArray[Any]) -> bool:
    """Compare with the model, for any number of rows."""
    few = run(path, X[:1])[1]
    return np.allclose(run(path, X)[1], wanted, rtol=1e-4, atol=1e-5) and np.allclose(
        few, wanted[:1], rtol=1e-4, atol=1e-5
    )


def test_classes(tmp_path: Path) -> None:
    names = np.array(["ant", "bee", "猫"])[PILES.y]
    X = PILES.X * [1, 1e-3, 1e6, 1] + [0, 0, 1e9, 0]  # as far as float32 would lose it
    model = small().fit(X, names)
    path = tmp_path / "new" / "model.onnx"
    difference = export(model, path)
    assert 0 <= difference < 1e-5
    name, said, notes = run(path, X)
    assert name == "probabilities"
    assert np.allclose(said.sum(axis=1), 1, atol=1e-6)
    assert agrees(path, X, model.predict_proba(X))
    assert json.loads(notes["classes"]) == ["ant", "bee", "猫"]
    assert notes["task"] == "Classification"
    assert notes["method"] == "TargetOnly"
    assert notes["fourfold"] == VERSION
    assert notes["input"] == "rows as in training: float32 (n, 4)"
    assert [file.name for file in path.parent.iterdir()] == ["model.onnx"]


def test_numbers_in_their_own_units(tmp_path: Path) -> None:
    y = 1e6 + 1e3 * PILES.X[:, 0]
    model = small().fit(PILES.X, y)
    export(model, tmp_path / "one.onnx")
    name, said, notes = run(tmp_path / "one.onnx", PILES.X)
    assert (name, said.shape, notes["task"]) == ("values", y.shape, "Regression")
    assert "classes" not in notes
    assert np.allclose(said, model.predict(PILES.X), rtol=1e-7)
    both = np.column_stack([y, -y / 1e9])
    model = small().fit(PILES.X, both)
    export(model, tmp_path / "two.onnx")
    assert np.allclose(run(tmp_path / "two.onnx", PILES.X)[1], model.predict(PILES.X), rtol=1e-6)


def test_answers_are_logits(tmp_path: Path) -> None:
    y = (PILES.X[:, :2] > 1).astype(int)
    model = small().fit(PILES.X, y)
    export(model, tmp_path / "model.onnx")
    assert run(tmp_path / "model.onnx", PILES.X)[0] == "logits"
    assert agrees(tmp_path / "model.onnx", PILES.X, model.outputs(PILES.X))


def test_pictures(tmp_path: Path) -> None:
    piles = pictures()
    model = TargetOnly(recipe=RECIPE).fit(piles.X, piles.y)
    assert any(isinstance(part, nn.BatchNorm2d) for part in model.model_.modules())
    export(model, tmp_path / "model.onnx")
    assert agrees(tmp_path / "model.onnx", piles.X, model.predict_proba(piles.X))
    notes = run(tmp_path / "model.onnx", piles.X)[2]
    assert notes["input"] == "rows as in training: float32 (n, 9, 10, 3)"


def table(n: int) -> pd.DataFrame:
    """Draw a table with missing cells, dates, and categories of which some are rare."""
    rng = np.random.default_rng(n)
    frame = pd.DataFrame(PILES.X[:n], columns=list("abcd"))
    frame["gaps"] = np.where(rng.random(n) < 0.3, np.nan, 1e6 * rng.random(n))
    frame["day"] = pd.to_datetime(rng.integers(-20_000, 20_000, n), unit="D")
    frame["town"] = rng.choice(["Ulm", "Bonn", "Köln", None], n)
    frame["shop"] = rng.choice([f"s{i}" for i in range(n // 3)], n)
    return frame


def odd(frame: pd.DataFrame) -> pd.DataFrame:
    """Return rows with missing cells, a leap day, and categories that were never seen."""
    few = frame.head(6).copy()
    few.loc[0, ["a", "gaps", "town", "shop"]] = [np.nan, np.nan, None, None]
    few.loc[1, "day"] = pd.NaT
    few.loc[2, "day"] = pd.Timestamp("2000-02-29")
    few.loc[3, "day"] = pd.Timestamp("1899-12-31")
    few.loc[4, ["town", "shop"]] = ["Rom", "s999"]
    return pd.concat([few, frame.tail(5)])


@pytest.mark.filterwarnings("ignore:column")  # categories that were never seen
@pytest.mark.parametrize(
    "method",
    [Linear(), TargetBoosted(), CORAL(base="boosting"), Pooled(base="boosting"), None],
    ids=lambda one: type(one).__name__,
)
def test_a_table_starts_from_its_columns(method: Any, tmp_path: Path) -> None:
    frame = table(45)
    members = (Linear(), Pooled(base="boosting"), small())
    model = method or Blend(members=members, weights=(0.5, 0.3, 0.2))
    model.fit(frame, PILES.y, source=Domain(frame.sample(frac=1, random_state=0), PILES.y))
    export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    for rows in (frame, odd(frame), odd(frame).head(1)):
        (said,) = session.run(None, model.onnx_input(rows))
        np.testing.assert_allclose(said, model.predict_proba(rows), atol=1e-6)
    notes = session.get_modelmeta().custom_metadata_map
    kinds = json.loads(notes["input"])
    assert kinds == {given.name: kinds[given.name] for given in session.get_inputs()}
    assert kinds["day"] == "date, in days since 1970"
    assert kinds["gaps"] == "number"
    assert kinds["town"] == "category"


def test_an_empty_cell_is_a_missing_one(tmp_path: Path) -> None:
    frame = table(45)
    model = Linear().fit(frame, PILES.y)
    export(model, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
    given = model.onnx_input(frame.assign(town=None))
    assert set(given["town"].ravel()) == {"missing"}
    (said,) = session.run(None, given)
    (same,) = session.run(None, {**given, "town": np.full((45, 1), "", object)})
    np.testing.assert_array_equal(said, same)


@pytest.mark.parametrize("prepare", [None, Standardize(), AsIs()])
def test_a_frozen_prefix_is_inside(prepare: Any, tmp_path: Path) -> None:
    model = small(network=cut(own(), "1"), prepare=prepare).fit(PILES.X * 9, PILES.y)
    export(model, tmp_path / "model.onnx")
    assert agrees(tmp_path / "model.onnx", PILES.X * 9, model.predict_proba(PILES.X * 9))


def test_a_linear_model(tmp_path: Path) -> None:
    model = Linear().fit(PILES.X, PILES.y)
    export(model, tmp_path / "model.onnx")
    assert agrees(tmp_path / "model.onnx", PILES.X, model.predict_proba(PILES.X))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_saved_model_of_ones_own_network(frozen: bool, tmp_path: Path) -> None:
    """Its parts are ONNX already, and become one file."""
    network = cut(own(), "1") if frozen else own()
    model = small(network=network, prepare=Standardize()).fit(PILES.X * 9, PILES.y)
    loaded = load(save(model, tmp_path / "model"))
    export(loaded, tmp_path / "model.onnx")
    name, _, notes = run(tmp_path / "model.onnx", PILES.X)
    assert (name, notes["method"]) == ("probabilities", "TargetOnly")
    assert agrees(tmp_path / "model.onnx", PILES.X * 9, model.predict_proba(PILES.X * 9))


# --- refused -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> TargetOnly:
    return small().fit(PILES.X, PILES.y)


def test_what_is_not_fitted_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFittedError):
        export(small(), tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_path_that_cannot_be_written_is_refused(model: TargetOnly, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="it is a folder"):
        export(model, tmp_path)
    (tmp_path / "notes").write_text("precious")
    with pytest.raises(FileError, match="must be writable"):
        export(model, tmp_path / "notes" / "model.onnx")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("notes", "precious")]


def test_a_file_that_computes_something_else_is_not_written(
    model: TargetOnly, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_text("the old one")

    wrong = model.exportable()
    monkeypatch.setattr(
        type(model), "exportable", lambda _: replace(wrong, wanted=wrong.wanted / 2)
    )
    with pytest.raises(BundleError, match="must reproduce the model"):
        export(model, path)
    assert [file.name for file in tmp_path.iterdir()] == ["model.onnx"]
    assert path.read_text() == "the old one"


def test_a_network_that_onnx_cannot_express_is_refused(tmp_path: Path) -> None:
    class Choosy(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    model = small(network=Choosy()).fit(PILES.X, PILES.y)
    with pytest.raises(BundleError, match="must be exportable to ONNX") as error:
        export(model, tmp_path / "model.onnx")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
