"""A saved model predicts as before, holds no code, and is refused if damaged."""

from __future__ import annotations

import copy
import errno
import json
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from contract import Piles, blobs, same_bits
from fourfold.bundle import files, save
from fourfold.core import atomic as whole
from fourfold.data.domain import Domain
from fourfold.errors import BundleError, DataError, FileError, FourfoldWarning, ParameterError
from fourfold.methods.baselines.linear import Linear
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.methods.saved import load
from fourfold.networks import Mlp
from fourfold.networks.cut import cut
from fourfold.preparation.choose import Standardize
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PILES = blobs()
RECIPE = Recipe(epochs=2, min_steps=5, learning_rate=0.01)
SMALL = Mlp(hidden_layer_sizes=(8,))


class Squared(nn.Module):
    """A network of the user's own, of which the bundle has no code."""

    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.lower = nn.Linear(4, width)
        self.upper = nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.upper(self.lower(x).square())


def small(**parameters: Any) -> TargetOnly:
    return TargetOnly(**{"recipe": RECIPE, "network": SMALL, **parameters})


def own(seed: int = 0) -> Squared:
    torch.manual_seed(seed)
    return Squared()


def table(X: Any) -> pd.DataFrame:
    """Make a table of vectors: numbers with a hole, a category, a date."""
    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    frame.loc[3, "b"] = np.nan
    frame["town"] = np.where(X[:, 0] > 1, "Ulm", "Bonn")
    frame["day"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(len(X)) % 50, "D")
    return frame


@pytest.fixture
def model() -> TargetOnly:
    return small().fit(PILES.X, PILES.y)


@pytest.fixture
def saved(model: TargetOnly, tmp_path: Path) -> Path:
    return save(model, tmp_path / "model")


@pytest.fixture(scope="module", params=[None, Standardize()], ids=["raw", "standardized"])
def of_ones_own(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TargetOnly, Path]:
    """A model of a network of the user's own, and where it is saved."""
    model = small(network=own(), prepare=request.param).fit(PILES.X, PILES.y)
    return model, save(model, tmp_path_factory.mktemp("own") / "model")


@pytest.fixture(scope="module")
def on_a_prefix(tmp_path_factory: pytest.TempPathFactory) -> tuple[TargetOnly, Path]:
    """A model on a frozen prefix, and where it is saved."""
    model = small(network=cut(own(), "lower")).fit(PILES.X, PILES.y)
    return model, save(model, tmp_path_factory.mktemp("prefix") / "model")


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, hidden ones too."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def rewrite(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the index of a bundle, with a valid digest."""
    index = json.loads((path / files.INDEX).read_text("utf-8"))
    del index["digest"]
    change(index)
    index["digest"] = files._index_digest(index)
    (path / files.INDEX).write_text(json.dumps(index), "utf-8")


def refused(path: Path, *words: str, error: type[Exception] = BundleError) -> None:
    with pytest.raises(error) as caught:
        load(path)
    said = str(caught.value)
    assert "\n" not in said
    for word in (path.name, *words):
        assert word in said


# --- what is in it -------------------------------------------------------------------------------


def test_nothing_in_it_is_pickle(on_a_prefix: tuple[TargetOnly, Path], tmp_path: Path) -> None:
    save(small().fit(table(PILES.X), PILES.y), tmp_path / "table")
    shutil.copytree(on_a_prefix[1], tmp_path / "prefix")
    found = contents(tmp_path)
    kinds = {name.rsplit(".", 1)[-1] for name in found}
    assert kinds == {"json", "safetensors", "skops", "onnx"}
    for name, content in found.items():
        assert not content.startswith(b"\x80")  # how pickles begin
        if name.endswith(".skops"):
            inside = zipfile.ZipFile(tmp_path / name).namelist()
            assert all(part.endswith((".json", ".npy")) for part in inside)
        else:
            assert not zipfile.is_zipfile(tmp_path / name)  # as torch.save writes


def test_it_says_what_it_is(saved: Path) -> None:
    index = json.loads((saved / "bundle.json").read_text("utf-8"))
    assert index["format"] == 2
    assert index["estimator"]["class"] == "TargetOnly"
    assert index["fitted"]["task_state"] == {"classes": [0, 1, 2]}


def test_names_of_classes_and_numbers_come_back(tmp_path: Path) -> None:
    names = np.array(["Ärger", "bee\n", "猫"])[PILES.y]
    loaded = load(save(small().fit(PILES.X, names), tmp_path / "model"))
    assert loaded.classes_.tolist() == sorted(set(names))
    numbers = PILES.X[:, 0] * 1e9 + 0.5
    regression = small().fit(PILES.X, numbers)
    loaded = load(save(regression, tmp_path / "model"))
    assert same_bits(loaded.predict(PILES.X), regression.predict(PILES.X))


def test_a_table_predicts_as_before(tmp_path: Path) -> None:
    frame = table(PILES.X)
    model = small().fit(frame, PILES.y)
    loaded = load(save(model, tmp_path / "model"))
    strange = frame.assign(town="Köln", c=np.nan)
    for rows in (frame, frame[7:8]):
        assert same_bits(loaded.outputs(rows), model.outputs(rows))
    with pytest.warns(FourfoldWarning, match="town: 45 of 45 cells are categories .* never seen"):
        assert same_bits(loaded.outputs(strange), model.outputs(strange))
    with pytest.raises(ValueError, match="day"):
        loaded.predict(frame.drop(columns="day"))


# --- refused -------------------------------------------------------------------------------------


def test_a_flipped_byte_is_found_anywhere(saved: Path) -> None:
    for name, content in contents(saved).items():
        places = range(0, len(content), max(1, len(content) // 7))
        for at in [*places, len(content) - 1]:
            flipped = bytearray(content)
            flipped[at] ^= 0x15
            (saved / name).write_bytes(flipped)
            refused(saved)
        (saved / name).write_bytes(content[:-1])
        refused(saved)
        (saved / name).write_bytes(content)
    load(saved)


def test_a_missing_file_is_found(saved: Path) -> None:
    for name, content in contents(saved).items():
        (saved / name).unlink()
        refused(saved, name)
        (saved / name).write_bytes(content)


def test_a_newer_format_is_refused(saved: Path) -> None:
    rewrite(saved, lambda index: index.update(format=3, fourfold="9.1"))
    refused(saved, "of format 2; got format 3, saved by fourfold 9.1: update fourfold")


def test_the_format_of_version_0_1_is_refused_with_the_version_that_reads_it(saved: Path) -> None:
    rewrite(saved, lambda index: index.update(format=1, fourfold="0.1.0"))
    refused(
        saved,
        "must be a bundle of format 2; got format 1, saved by fourfold 0.1.0: "
        "load it with 'pip install fourfold==0.1.*', or train the model again",
    )


def test_what_is_no_bundle_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "nowhere", "does not exist", error=FileError)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    torch.save({}, foreign / "model.pt")
    refused(foreign, "must be a model that fourfold saved")
    refused(foreign / "model.pt", "must be a model that fourfold saved")
    for text in ("", "[]", "{}", '{"format": null}', '{"format": 2}', '"x"', "\ufeff{}", "NaN"):
        (foreign / "bundle.json").write_text(text, "utf-8")
        refused(foreign)
    (foreign / "bundle.json").write_bytes(b"\xff\xfe{")
    refused(foreign)


def test_only_known_classes_are_rebuilt(saved: Path) -> None:
    for stranger in ("Popen", "os.system", "NetworkEstimator"):
        rewrite(saved, lambda index, name=stranger: index["estimator"].update({"class": name}))
        with pytest.raises(BundleError, match=f"got '{stranger}'"):
            load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda index: index["fitted"].pop("task"),
        lambda index: index["fitted"].update(network=None),
        lambda index: index["fitted"].update(shape=[5]),
        lambda index: index["estimator"].update({"class": "Recipe", "parameters": {}}),
        lambda index: index["fitted"].update(task_state={}),
        lambda index: index["estimator"]["parameters"].update(color="red"),
        lambda index: index.pop("estimator"),
        lambda index: index.pop("files"),
        lambda index: index.update(fitted=None),
    ],
)
def test_what_does_not_fit_together_is_refused(
    saved: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    rewrite(saved, change)
    with pytest.raises(BundleError) as error:
        load(saved)
    assert "\n" not in str(error.value)


# --- writing -------------------------------------------------------------------------------------


def test_what_is_in_the_way_stays(model: TargetOnly, tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("precious")
    before = contents(tmp_path)
    for path in (tmp_path / "notes", tmp_path / "notes" / "mine.txt"):
        with pytest.raises(FileError, match="must be empty, or hold a bundle"):
            save(model, path)
    with pytest.raises(FileError, match="must be writable"):
        save(model, tmp_path / "notes" / "mine.txt" / "model")
    assert contents(tmp_path) == before


def test_a_folder_without_permission_is_refused(
    model: TargetOnly, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(whole.tempfile, "mkdtemp", forbid)
        with pytest.raises(FileError, match=r"must be writable.*Permission denied"):
            save(model, saved)
    for name in ("read_text", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(type(saved), name, forbid)
            refused(saved, "must be readable", "Permission denied", error=FileError)
    load(saved)


def test_a_bundle_is_replaced_and_nothing_is_left(model: TargetOnly, saved: Path) -> None:
    other = small(random_state=1).fit(PILES.X, PILES.y)
    assert not same_bits(other.outputs(PILES.X), model.outputs(PILES.X))
    assert save(other, saved) == saved
    assert same_bits(load(saved).outputs(PILES.X), other.outputs(PILES.X))
    assert [file.name for file in saved.parent.iterdir()] == ["model"]
    empty = saved.parent / "new" / "empty"
    empty.mkdir(parents=True)
    load(save(other, empty))


@pytest.mark.parametrize(
    ("failure", "seen"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FileError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_crash_in_the_middle_leaves_the_old_one(
    model: TargetOnly,
    saved: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    seen: type[BaseException],
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise failure

    before = contents(saved.parent)
    monkeypatch.setattr(type(model.prepare_), "_write", fail)  # some files are there already
    with pytest.raises(seen):
        save(small(random_state=1).fit(PILES.X, PILES.y), saved)
    assert contents(saved.parent) == before


def test_a_bundle_is_there_after_every_step(
    model: TargetOnly, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = type(saved).rename

    def step(self: Path, target: Path) -> Path:
        moved = rename(self, target)
        assert (saved / files.INDEX).exists()
        return moved

    monkeypatch.setattr(type(saved), "rename", step)
    save(model, saved)
    save(model, saved.parent / "another")


def test_without_an_exchange_the_old_one_comes_back(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole, "_exchange", lambda *_: False)
    other = small(random_state=1).fit(PILES.X, PILES.y)
    before = contents(saved.parent)
    rename = type(saved).rename

    def fail(self: Path, target: Path) -> Path:
        if self.name == "part":
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(saved), "rename", fail)
        with pytest.raises(FileError):
            save(other, saved)
    assert contents(saved.parent) == before
    save(other, saved)
    assert same_bits(load(saved).outputs(PILES.X), other.outputs(PILES.X))
    assert len(list(saved.parent.iterdir())) == 1


# --- networks of the user's own ------------------------------------------------------------------


def test_a_network_of_ones_own_predicts_without_its_code(
    of_ones_own: tuple[TargetOnly, Path], tmp_path: Path
) -> None:
    model, path = of_ones_own
    loaded = load(path)
    assert np.allclose(loaded.outputs(PILES.X), model.outputs(PILES.X), rtol=1e-4, atol=1e-5)
    assert np.array_equal(loaded.predict(PILES.X), model.predict(PILES.X))
    assert same_bits(loaded.outputs(PILES.X[5:6]), loaded.outputs(PILES.X)[5:6])
    again = load(save(loaded, tmp_path / "again"))
    assert same_bits(again.outputs(PILES.X), loaded.outputs(PILES.X))
    assert same_bits(copy.deepcopy(again).outputs(PILES.X), loaded.outputs(PILES.X))


def test_with_its_network_it_trains_again(of_ones_own: tuple[TargetOnly, Path]) -> None:
    model, path = of_ones_own
    whole_model = load(path, network=own(seed=9))  # its weights are those of the bundle
    assert same_bits(whole_model.outputs(PILES.X), model.outputs(PILES.X))
    tuned = FineTune(recipe=RECIPE).fit(PILES.X, PILES.y, source=whole_model)
    assert not same_bits(tuned.embed(PILES.X), whole_model.embed(PILES.X))
    whole_model.set_params(network=own()).fit(PILES.X, PILES.y)
    assert same_bits(whole_model.outputs(PILES.X), model.outputs(PILES.X))


def test_without_its_network_it_is_not_trained_silently(
    of_ones_own: tuple[TargetOnly, Path],
) -> None:
    loaded = load(of_ones_own[1])
    with pytest.raises(ParameterError, match=r"load\(path, network=\.\.\.\)"):
        loaded.fit(PILES.X, PILES.y)
    with pytest.raises(ParameterError, match=r"load\(path, network=\.\.\.\)"):
        FineTune(recipe=RECIPE).fit(PILES.X, PILES.y, source=loaded)


def test_another_network_than_the_saved_one_is_refused(
    of_ones_own: tuple[TargetOnly, Path],
) -> None:
    path = of_ones_own[1]
    for other in (Squared(5), nn.Linear(4, 6)):
        with pytest.raises(BundleError, match="the network must be the one that was saved"):
            load(path, network=other)


def test_a_frozen_prefix_is_saved_with_it(
    on_a_prefix: tuple[TargetOnly, Path], tmp_path: Path
) -> None:
    model, path = on_a_prefix
    loaded = load(path)
    assert np.allclose(loaded.outputs(PILES.X), model.outputs(PILES.X), rtol=1e-4, atol=1e-5)
    assert same_bits(loaded.outputs(PILES.X[5:6]), loaded.outputs(PILES.X)[5:6])
    again = load(save(loaded, tmp_path / "again"))
    assert same_bits(again.outputs(PILES.X), loaded.outputs(PILES.X))
    trainable = load(path, network=cut(own(seed=3), "lower"))  # the prefix is that of the bundle
    assert np.allclose(trainable.outputs(PILES.X), model.outputs(PILES.X), rtol=1e-4, atol=1e-5)
    trainable.set_params(network=cut(own(), "lower")).fit(PILES.X, PILES.y)
    assert same_bits(trainable.outputs(PILES.X), model.outputs(PILES.X))


def test_a_linear_model_on_frozen_features_loads(tmp_path: Path) -> None:
    model = Linear(network=cut(own(), "lower")).fit(PILES.X, PILES.y)
    loaded = load(save(model, tmp_path / "model"))
    assert np.allclose(loaded.outputs(PILES.X), model.outputs(PILES.X), rtol=1e-4, atol=1e-5)


def test_a_bare_source_network_is_saved_as_what_it_became(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 7))
    tuned = FineTune(recipe=RECIPE, prepare=Standardize(), decay=0)  # the head alone is trained
    tuned.fit(PILES.X, PILES.y, source=network)
    z = torch.tensor((PILES.X - PILES.X.mean(axis=0)) / PILES.X.std(axis=0)).float()
    assert np.allclose(tuned.embed(PILES.X), network[:2](z).detach(), atol=1e-5)
    loaded = load(save(tuned, tmp_path / "model"))
    assert np.allclose(loaded.outputs(PILES.X), tuned.outputs(PILES.X), rtol=1e-4, atol=1e-5)
    with pytest.raises(DataError, match=r"must take rows of shape \(3,\)"):
        tuned.fit(PILES.X[:, :3], PILES.y, source=network)


def test_fine_tuning_starts_from_a_loaded_model(tmp_path: Path) -> None:
    piles = Piles(Domain(PILES.X, PILES.y), PILES.X, PILES.y)
    source = small().fit(piles.source)
    loaded = load(save(source, tmp_path / "model"))
    direct, indirect = (
        FineTune(recipe=RECIPE).fit(piles.X, piles.y, source=one) for one in (source, loaded)
    )
    assert same_bits(direct.outputs(piles.X), indirect.outputs(piles.X))
