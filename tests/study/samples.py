"""Small studies of digits: transfer to inverted digits, and several tasks at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.datasets import load_digits

from fourfold import Domain, Mlp, MultiTask, Recipe, Store, Study
from fourfold.study.asking.options import Options

if TYPE_CHECKING:
    from pathlib import Path


def domains(few: int | None = 5, n: int = 200):
    """Digits as they are, and inverted ones with few labels or none, and rows to judge on.

    ``n`` digits are the source, and as many are rows to judge on.
    """
    X, y = load_digits(return_X_y=True)
    inverted = 16 - X
    target = np.arange(0, n)
    if few is not None:
        target = np.concatenate([target[y[target] == c][:few] for c in range(10)])
    source = Domain(X[600 : 600 + n], y[600 : 600 + n], name="source")
    labels = None if few is None else y[target]
    goal = Domain(inverted[target], labels, name="target")
    return source, goal, Domain(inverted[1200 : 1200 + n], y[1200 : 1200 + n], name="evaluate")


def transfer_study(tmp_path: Path, *data: Domain, **options) -> Study:
    given = {
        "recipe": Recipe(epochs=2, min_steps=20),
        "network": Mlp(hidden_layer_sizes=(64,)),
        "seeds": 2,
        "folds": 2,
        "output": tmp_path / "out",
        "store": Store(tmp_path / "store"),
        "progress": False,
    }
    return Study(*data, **{**given, **options})


def options(**given) -> Options:
    """Options of a study as they are by default, but for some."""
    nothing = dict.fromkeys(
        ("methods", "clusters", "encoder", "network", "prepare", "recipe", "metric")
    )
    return Options(**{**nothing, "generalized": False, "folds": 3, **given})


def tasks(n: int = 90) -> dict[str, Domain]:
    """Two tasks on the same digits, and a regression on other ones."""
    X, y = load_digits(return_X_y=True)
    return {
        "digit": Domain(X[:n], y[:n]),
        "even": Domain(X[:n], y[:n] % 2),
        "light": Domain(X[n : 2 * n], X[n : 2 * n].mean(1) + 0.01),
    }


def judged(n: int = 150) -> dict[str, Domain]:
    """Rows to judge the tasks on."""
    X, y = load_digits(return_X_y=True)
    X, y = X[-n:], y[-n:]
    return {"digit": Domain(X, y), "even": Domain(X, y % 2), "light": Domain(X, X.mean(1) + 0.01)}


def tasks_study(tmp_path: Path, **options) -> Study:
    given = {
        "tasks": tasks(),
        "methods": [MultiTask()],
        "recipe": Recipe(epochs=2, min_steps=15, learning_rate=0.01),
        "network": Mlp(hidden_layer_sizes=(16,)),
        "seeds": 2,
        "folds": 2,
        "output": tmp_path / "out",
        "store": Store(tmp_path / "store"),
        "progress": False,
    }
    return Study(**{**given, **options})


def weights(folder: Path) -> dict[str, bytes]:
    """Return the weights of all models; a bundle's index holds the seconds that training took."""
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*.safetensors")
        if "runs" not in file.relative_to(folder).parts
    }
