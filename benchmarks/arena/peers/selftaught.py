"""Peers for an unlabelled source: an RBF SVM on its main axes, and without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.decomposition import PCA
from sklearn.model_selection import cross_val_score

from benchmarks.arena.peers.base import Found, folds
from benchmarks.arena.peers.inputs import of_arrays
from benchmarks.arena.peers.labelled import PENALTIES, answers, model

if TYPE_CHECKING:
    from benchmarks.arena.task import Case

__all__ = ["script"]

AXES: Final = 50


def script(case: Case) -> dict[str, Found]:
    """Fit an SVM on main axes of all rows, and an SVM and logistic regression on inputs."""
    X = of_arrays(case)
    both = np.concatenate([X.source, X.target])
    axes = PCA(min(AXES, *both.shape), random_state=0).fit(both)
    ways = {
        "SVM on main axes": ("SVM", axes.transform(X.target), axes.transform(X.evaluate)),
        "SVM": ("SVM", X.target, X.evaluate),
        "LR": ("LR", X.target, X.evaluate),
    }
    return {name: _fitted(*way, case.target.y) for name, way in ways.items()}


def _fitted(kind: str, X: Any, asked: Any, y: Any) -> Found:
    parts = folds(y, most=5, repeats=1)
    wrong = {c: 1 - cross_val_score(model(kind, c), X, y, cv=parts).mean() for c in PENALTIES}
    c = min(wrong, key=wrong.__getitem__)
    return Found(answers(model(kind, c).fit(X, y), asked), float(wrong[c]))
