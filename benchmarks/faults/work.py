"""Work that is attacked: a study, a store, a bundle and predictions, on the optical digits."""

from __future__ import annotations

import gzip
import json
from functools import cache, partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import torch
from torch import nn
from xxhash import xxh3_64_hexdigest

from benchmarks.faults.children import WrongError
from fourfold import (
    Domain,
    FineTune,
    Mlp,
    Recipe,
    Runtime,
    Store,
    Study,
    cut,
    load,
    read_domain,
    save,
)
from fourfold.cli.predictions import write_predictions
from fourfold.data.rows import ArrayRows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["WORKS", "Work"]

EPOCHS: Final = 4
"""Of each training; a checkpoint is of the middle of the second one."""
RECIPE: Final = Recipe(epochs=EPOCHS, min_steps=1, batch_size=20)


class Work(NamedTuple):
    """Work in a folder.

    Attributes
    ----------
    prepare
        Makes what is there before, in an empty folder.
    start
        The work that is killed.
    outcome
        Goes on where a kill or damage left it, and returns a digest of what it gives.
    """

    prepare: Callable[[Path], None]
    start: Callable[[Path], None]
    outcome: Callable[[Path], str]


@cache
def _digits() -> tuple[Domain, Domain, np.ndarray[Any, Any]]:
    """Return 150 digits as a source, 40 as a target, and 50 others to ask about."""
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    X, few = (X / 16).astype(np.float32), y[150:190]
    return Domain(X[:150], y[:150]), Domain(1 - X[150:190], few), 1 - X[200:250]


def _nothing(folder: Path) -> None:
    del folder


# --- A study -------------------------------------------------------------------------------------


def _study(folder: Path, jobs: int = 1) -> str:
    source, target, others = _digits()
    with Runtime(checkpoint_every=0):
        result = Study(
            source,
            target,
            methods=["FineTune"],
            network=Mlp(hidden_layer_sizes=(16,)),
            recipe=RECIPE,
            seeds=2,
            folds=2,
            jobs=jobs,
            output=folder / "study",
            resume=True,
            store=Store(folder / "store"),
            progress=False,
        ).run()
    answers = load(folder / "study" / "best").predict_proba(others)
    written = json.loads((folder / "study" / "result.json").read_text("utf-8"))
    if written["shipped"] != result.shipped:
        raise WrongError(f"result.json names {written['shipped']}, not {result.shipped}")
    scores = {line.method: line.scores for line in result.lines}
    return _digest(json.dumps([result.verdict, result.shipped, scores]).encode(), answers.tobytes())


# --- A store -------------------------------------------------------------------------------------


def _network() -> nn.Module:
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))


def _features(folder: Path) -> str:
    source, _, others = _digits()
    frozen, store = cut(_network(), "1").frozen, Store(folder / "store")
    with Runtime(store=store):
        parts = []
        for start in range(0, 2400, 300):  # several writes
            rows = np.concatenate([source.rows.take(np.arange(150)), others]) + start
            asked = store.rows(frozen, ArrayRows(rows))
            parts.append(asked.take(np.arange(len(rows))).tobytes())
        artifact = store.artifact("weights", _build)
    return _digest(*parts, (artifact / "weights").read_bytes())


def _build(folder: Path) -> None:
    (folder / "weights").write_bytes(bytes(range(256)) * 64)


# --- A model, and what it predicts ----------------------------------------------------------------


def _model(seed: int) -> FineTune:
    source, target, _ = _digits()
    model = FineTune(network=Mlp(hidden_layer_sizes=(16,)), random_state=seed, recipe=RECIPE)
    return model.fit(target.rows, target.y, source=source)


def _save_one(folder: Path) -> None:
    save(_model(0), folder / "model")


def _save_other(folder: Path) -> None:
    save(_model(1), folder / "model")


def _answers(folder: Path) -> str:
    return _digest(load(folder / "model").predict_proba(_digits()[2]).tobytes())


def _prepare_predictions(folder: Path) -> None:
    _save_one(folder)
    np.save(folder / "rows.npy", np.tile(_digits()[2], (40, 1)))
    (folder / "out.csv").write_text("as it was\n", "utf-8")


def _predict(folder: Path) -> None:
    write_predictions(load(folder / "model"), folder / "rows.npy", folder / "out.csv")


def _predictions(folder: Path) -> str:
    return _digest((folder / "out.csv").read_bytes())


# --- A training that was stopped ------------------------------------------------------------------


class _Stop(Exception):  # noqa: N818  no error: it stands for a kill
    pass


def _stopped(folder: Path) -> None:
    """Train the source model and half of the target's, and leave checkpoints."""
    epochs = count(1)

    def stop(*_: object) -> None:
        if next(epochs) == EPOCHS + EPOCHS // 2:
            raise _Stop

    with Runtime(checkpoints=folder / "checkpoints", checkpoint_every=0, callbacks=(stop,)):
        try:
            _model(0)
        except _Stop:
            return
    raise AssertionError("the training must be stopped")


def _trained(folder: Path) -> str:
    with Runtime(checkpoints=folder / "checkpoints", checkpoint_every=0):
        return _digest(_model(0).predict_proba(_digits()[2]).tobytes())


# --- Data in files that carry checksums -----------------------------------------------------------


def _data(folder: Path) -> None:
    import soundfile
    from PIL import Image

    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 6)).astype(np.float32), np.arange(40) % 2
    np.savez_compressed(folder / "arrays.npz", X=X, y=y)
    lines = ["a,b,label", *(f"{a},{b},{c}" for a, b, c in zip(*X.T[:2], y, strict=True))]
    (folder / "table.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    for kind in ("pictures", "sounds"):
        (folder / kind).mkdir()
    for i in range(3):
        pixels = rng.integers(0, 256, (12, 12, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "pictures" / f"{i}.png")
        soundfile.write(folder / "sounds" / f"{i}.flac", rng.uniform(-0.5, 0.5, 4000), 8000)


def _read_data(folder: Path) -> str:
    parts = []
    for place in sorted(folder.iterdir()):
        domain = read_domain(place, label="label" if place.name.startswith("table") else None)
        values = domain.rows.take(np.arange(domain.n_rows))
        parts += [np.asarray(values).tobytes(), repr(domain.y).encode()]
    return _digest(*parts)


def _digest(*parts: bytes) -> str:
    return xxh3_64_hexdigest(b"".join(parts))


WORKS: Final = {
    "study": Work(_nothing, _study, _study),
    "study of two jobs": Work(_nothing, partial(_study, jobs=2), _study),
    "store": Work(_nothing, _features, _features),
    "model": Work(_save_one, _save_other, _answers),
    "predictions": Work(_prepare_predictions, _predict, _predictions),
    "training": Work(_nothing, _stopped, _trained),
    "data": Work(_data, _nothing, _read_data),
}
