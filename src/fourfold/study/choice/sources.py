"""Weights of several sources: how well each one's labels follow from its rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score

from fourfold.study.choice.leads import held_apart, labelled_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.question import Question

__all__ = ["weigh_sources"]

MODEL: Final = "SourceLinear"
"""Model of a source by which it is weighed."""
FEWEST: Final = 40
"""Labelled rows of each source by which they can be weighed."""
MOST: Final = 1500
"""Rows of each, at most."""
LEAST: Final = 0.01
"""Weight of a source whose labels tell nothing: its rows and classes stay."""


def weigh_sources(question: Question) -> Question:
    """Return the question with sources that weigh by how much their labels tell.

    A source's weight is the squared skill of its line on rows of its own that were held out, as a
    share of the best source's; skill is balanced accuracy above that of chance. A source with
    shuffled labels has none. One whose line is worse than chance on the others means something else
    by the same labels, and weighs as little. Sources that cannot be weighed stay as they are.
    """
    known = [labelled_rows([source], FEWEST, MOST) for source in question.sources]
    parts = [one for one in known if one is not None]
    if MODEL not in question.candidates or len(parts) < max(len(known), 2):
        return question
    try:
        weights = _weights(question, parts)
    except Exception:  # noqa: BLE001  what a model raises is said where it is fitted to all rows
        return question
    pairs = list(zip(question.sources, weights.tolist(), strict=True))
    sources = [_weighed(source, weight) for source, weight in pairs]
    said = ", ".join(f"{source.name or 'a source'} {weight:.2f}" for source, weight in pairs)
    note = f"Sources weigh by how well their labels follow from their rows: {said}."
    return replace(question, sources=tuple(sources), notes=(*question.notes, note))


def _weighed(source: Domain, factor: float) -> Domain:
    given = source.annotations.weight
    return source.with_weight(factor * (np.ones(source.n_rows) if given is None else given))


def _weights(question: Question, parts: Sequence[Domain]) -> NDArray[np.float64]:
    """Return the weights (k,) of sources by labelled rows of them."""
    stratified = question.protocol.task.stratified
    own, others = np.empty(len(parts)), np.empty(len(parts))
    for i, part in enumerate(parts):
        learnt, held = held_apart(part, stratified=stratified)
        model = _fitted(question, learnt)
        own[i] = _skill(model, held)
        others[i] = np.mean([_skill(model, one) for one in parts if one is not part])
    rows = np.array([part.n_rows for part in parts])
    error = 1 / np.sqrt(rows.sum() - rows)  # of a skill on the others, about
    weights: NDArray[np.float64] = (own / max(own.max(), LEAST)) ** 2
    return np.where(others < -2 * error, 0, weights).clip(LEAST, 1)


def _fitted(question: Question, learnt: Domain) -> TransferEstimator:
    model: TransferEstimator = clone(question.candidates[MODEL])
    return model.fit(question.target.unlabelled(), source=learnt)


def _skill(model: TransferEstimator, held: Domain) -> float:
    """Return the balanced accuracy on a source's rows, 0 by chance and 1 at best."""
    return float(balanced_accuracy_score(held.known, model.predict(held), adjusted=True))
