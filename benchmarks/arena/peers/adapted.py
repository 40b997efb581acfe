"""Peers for a target without labels: the source's models, CORAL, and self-training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import entr
from scipy.stats import rankdata
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.model_selection import cross_val_score

from benchmarks.arena.peers.base import Found
from benchmarks.arena.peers.inputs import Matrices, of_inputs
from benchmarks.arena.peers.labelled import PENALTIES, answers, model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.arena.rating import Answers
    from benchmarks.arena.task import Case

    Floats = NDArray[np.float64]

__all__ = ["coral", "few", "script", "self_trained", "standardized"]

AXES: Final = 100
"""Most axes of inputs where covariances are needed."""
SHARES: Final = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Share of each predicted class that self-training takes, the surest first, in each round."""
TUNED_ON: Final = 1500


def script(case: Case) -> dict[str, Found]:
    """Fit all; the best is the one with the best ranks by two criteria without labels."""
    assert case.source.y is not None
    y, X = case.source.y, of_inputs(case)
    axes = few(X)
    own = Matrices(*standardized(*axes))
    aligned = Matrices(coral(axes.source, axes.target), axes.target, axes.evaluate)
    cs = {kind: _tuned(kind, X.source, y) for kind in ("LR", "SVM")}
    ways = {
        "LR of the source": (model("LR", cs["LR"]).fit(X.source, y), X),
        "SVM of the source": (model("SVM", cs["SVM"]).fit(X.source, y), X),
        "CORAL, LR": (model("LR", cs["LR"]).fit(aligned.source, y), aligned),
        "self-trained SVM on own standards": (self_trained(own.source, y, own.target), own),
    }
    said = {name: answers(fitted, part.target) for name, (fitted, part) in ways.items()}
    losses = _ranks(said, axes.target)
    return {
        name: Found(answers(fitted, part.evaluate), loss)
        for (name, (fitted, part)), loss in zip(ways.items(), losses, strict=True)
    }


def _tuned(kind: str, X: Any, y: Any) -> float:
    """Choose C by cross-validation on some rows of the source."""
    some = np.random.default_rng(0).permutation(len(y))[:TUNED_ON]
    scores = {c: cross_val_score(model(kind, c), X[some], y[some], cv=3).mean() for c in PENALTIES}
    return max(scores, key=scores.__getitem__)


def few(X: Matrices) -> Matrices:
    """Reduce wide inputs to their main axes, of both domains."""
    if X.source.shape[1] <= AXES:
        return X
    both = X.stacked(X.source, X.target)
    kind = PCA if isinstance(both, np.ndarray) else TruncatedSVD
    axes = kind(AXES, random_state=0).fit(both)
    return Matrices(*(axes.transform(part) for part in X))


def standardized(source: Floats, target: Floats, evaluate: Floats) -> tuple[Floats, Floats, Floats]:
    """Standardize each domain by its own means and spreads, and bring rows to about unit length."""
    found = []
    for part, learnt in ((source, source), (target, target), (evaluate, target)):
        spread = learnt.std(axis=0)
        scaled = (part - learnt.mean(axis=0)) / np.where(spread > 0, spread, 1)
        found.append(scaled / np.sqrt(part.shape[1]))
    return found[0], found[1], found[2]


def coral(source: Floats, target: Floats) -> Floats:
    """Give the source's rows the target's mean and covariance.

    References
    ----------
    Sun, Feng & Saenko, Return of Frustratingly Easy Domain Adaptation, AAAI 2016.
    """
    white, colour = (_root(source, -0.5), _root(target, 0.5))
    return np.asarray((source - source.mean(axis=0)) @ white @ colour + target.mean(axis=0))


def _root(X: Floats, power: float) -> Floats:
    """Return a power of the covariance, to whose diagonal its mean is added a little."""
    covariance = np.cov(X, rowvar=False)
    ridge = 0.01 * np.trace(covariance) / len(covariance)
    values, vectors = np.linalg.eigh(covariance + ridge * np.eye(len(covariance)))
    return np.asarray(vectors * values.clip(1e-12) ** power @ vectors.T)


def self_trained(X: Floats, y: Any, target: Floats) -> Any:
    """Fit an SVM again and again, with its surest answers of each class among the labels."""
    fitted = model("SVM", 1.0).fit(X, y)
    for share in SHARES:
        said = answers(fitted, target)
        guesses, sure = said.values.argmax(axis=1), said.values.max(axis=1)
        taken = np.concatenate(
            [
                rows[np.argsort(-sure[rows])][: int(np.ceil(share * len(rows)))]
                for rows in (np.flatnonzero(guesses == k) for k in np.unique(guesses))
            ]
        )
        labels = fitted.classes_[guesses[taken]]
        fitted = model("SVM", 1.0).fit(
            np.concatenate([X, target[taken]]), np.concatenate([y, labels])
        )
    return fitted


def _ranks(said: dict[str, Answers], target: Floats) -> Floats:
    """Rank answers: by information maximization, and by agreement with clusters of the inputs."""
    clusters: dict[int, Any] = {}
    worth = []
    for one in said.values():
        p, k = one.values, one.values.shape[1]
        if k not in clusters:
            clusters[k] = KMeans(k, n_init=5, random_state=0).fit_predict(target)
        information = entr(p.mean(axis=0)).sum() - entr(p).sum(axis=1).mean()
        agreement = adjusted_mutual_info_score(one.guesses, clusters[k])
        worth.append((information, agreement))
    return np.asarray(rankdata(-np.array(worth), axis=0).sum(axis=1), float)
