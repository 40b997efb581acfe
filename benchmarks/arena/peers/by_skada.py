"""Peers for a target without labels by skada: shallow and deep methods, and its choice of these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from torch import nn

from benchmarks.arena.peers.adapted import few
from benchmarks.arena.peers.base import Found
from benchmarks.arena.peers.inputs import Matrices, of_inputs
from benchmarks.arena.rating import Answers
from benchmarks.data import imported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.arena.task import Case

__all__ = ["script"]

MOST: Final = 800
"""Rows of the source, drawn, for methods that solve for all pairs of rows."""
SHALLOW: Final[dict[str, tuple[str, dict[str, float]]]] = {
    "CORAL": ("CORALAdapter", {}),
    "SubspaceAlignment": ("SubspaceAlignmentAdapter", {}),
    "TCA": ("TransferComponentAnalysisAdapter", {}),
    "LinearOT": ("LinearOTMappingAdapter", {}),
    "EntropicOT": ("EntropicOTMappingAdapter", {"reg_e": 0.1}),
    "class-regularized OT": ("ClassRegularizerOTMappingAdapter", {"reg_e": 0.1}),
}
"""Method → skada's adapter, and parameters other than its defaults.

Each is between scalers, and a logistic regression follows.
"""
DEEP: Final = ("DeepCoral", "DANN", "CDAN")
WIDTH: Final = 64
SOURCE, TARGET = 1, -2
"""Marks of domains: a target's is negative."""
EPOCHS: Final = 10
BATCH: Final = 128


def script(case: Case) -> dict[str, Found]:
    """Fit all; the best by skada's scorer MaNo is one more."""
    assert case.source.y is not None
    classes, y = np.unique(case.source.y, return_inverse=True)
    X = few(of_inputs(case))
    scale = StandardScaler().fit(np.concatenate([X.source, X.target]))
    X = Matrices(*(scale.transform(part).astype(np.float32) for part in X))
    unit = Matrices(*(part / np.sqrt(2 * part.shape[1], dtype=np.float32) for part in X))
    drawn = np.random.default_rng(0).permutation(len(y))[:MOST]
    kinds = (_shallow(unit, drawn, y), _deep(X, y, len(classes)))
    found = {
        f"skada {name}": Found(Answers.of_classes(said, classes), -worth)
        for kind in kinds
        for name, said, worth in kind
    }
    best = min(found, key=lambda name: found[name].loss)
    return {**found, "skada by MaNo": found[best]}


def _shallow(X: Matrices, drawn: Any, y: Any) -> Iterator[tuple[str, Any, float]]:
    """Yield names, probabilities for the rows to evaluate on, and the scorer's values.

    Two rows of ``X`` are 1 apart on average.
    """
    skada = imported("skada")
    data = _together(X.source[drawn], y[drawn], X.target)
    for name, (adapter, parameters) in SHALLOW.items():
        adapt = getattr(skada, adapter)(**parameters)
        model = skada.make_da_pipeline(adapt, StandardScaler(), LogisticRegression(max_iter=500))
        yield _asked(name, model, data, X)


def _deep(X: Matrices, y: Any, n_classes: int) -> Iterator[tuple[str, Any, float]]:
    deep = imported("skada.deep")
    data = _together(X.source, y, X.target)
    for name in DEEP:
        torch.manual_seed(0)
        more = {} if name == "DeepCoral" else {"num_features": WIDTH}
        more |= {"n_classes": n_classes} if name == "CDAN" else {}
        model = getattr(deep, name)(
            _Network(X.source.shape[1], n_classes),
            layer_name="features",
            **more,
            optimizer=torch.optim.Adam,
            lr=1e-3,
            batch_size=BATCH,
            max_epochs=EPOCHS,
            train_split=None,
            verbose=0,
        )
        yield _asked(name, model, data, X)


def _asked(
    name: str, model: Any, data: tuple[Any, Any, Any], X: Matrices
) -> tuple[str, Any, float]:
    """Fit a model; ask it, and the scorer."""
    rows, labels, domains = data
    model.fit(rows, labels, sample_domain=domains)
    said = model.predict_proba(X.evaluate, sample_domain=np.full(len(X.evaluate), TARGET))
    said = said if np.allclose(said.sum(axis=1), 1, atol=1e-3) else softmax(said, axis=1)
    scorer = imported("skada.metrics").MaNoScorer()
    return name, said, float(scorer(model, rows, labels, sample_domain=domains))


def _together(source: Any, y: Any, target: Any) -> tuple[Any, Any, Any]:
    """Return rows of both domains, labels, −1 of the target's, and skada's marks of domains."""
    labels = np.concatenate([y, np.full(len(target), -1)])
    domains = np.concatenate([np.full(len(source), SOURCE), np.full(len(target), TARGET)])
    return np.concatenate([source, target]), labels, domains


class _Network(nn.Module):
    """A perceptron with two hidden layers."""

    def __init__(self, n_inputs: int, n_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Linear(n_inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU()
        )
        self.head = nn.Linear(WIDTH, n_classes)

    def forward(self, x: Any, sample_weight: Any = None) -> Any:  # noqa: ARG002  skada's signature
        """Return logits."""
        return self.head(self.features(x))
