"""Leads: how much better networks and trees are than lines where labels are many, on the source."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.base import clone

from fourfold.core.folds import make_splits
from fourfold.data.pooling import pool
from fourfold.estimators.bases.wraps import Wraps
from fourfold.estimators.network import TrainsNetwork
from fourfold.study.choice.gains import REFERENCE as LINE
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.question import Question

__all__ = ["held_apart", "labelled_rows", "lead_of", "measure_leads", "with_leads"]

STANDS_FOR: Final = {"network": "TargetOnly", "trees": "TargetBoosted"}
"""Kind of model → the baseline by which its lead is measured, fitted to the source."""
FEWEST: Final = 400
"""Labelled rows of a source that tell something."""
MOST: Final = 6000
"""Rows of it by which a lead is measured."""
PARTS: Final = 4
"""Parts of these, one of which is held out."""


def with_leads(questions: Mapping[str, Question], threads: int) -> dict[str, Question]:
    """Return the questions with the leads of kinds of models, measured on so many threads."""
    with current().but(threads=threads):
        return {name: replace(one, leads=measure_leads(one)) for name, one in questions.items()}


def measure_leads(question: Question) -> dict[str, float]:
    """Return the share of a line's error that other kinds of models remove on the source.

    They learn from three quarters of its labelled rows, and are scored on the others. There is none
    where the source has few labels, or the target has none; and where a baseline that stands for a
    kind is not among the candidates, as where rows have no columns, or fails.
    """
    if not question.target.n_labelled:
        return {}
    source = labelled_rows(question.sources, FEWEST, MOST)
    if source is None or not {LINE, *STANDS_FOR.values()} <= set(question.candidates):
        return {}
    try:
        learnt, held = held_apart(source, stratified=question.protocol.task.stratified)
        line = _error(question, LINE, learnt, held)
        errors = {kind: _error(question, name, learnt, held) for kind, name in STANDS_FOR.items()}
    except Exception:  # noqa: BLE001  what a method raises is said where it is fitted to the target
        return {}
    if line <= 0:
        return {}
    return {kind: float(np.clip(1 - error / line, -1, 1)) for kind, error in errors.items()}


def lead_of(leads: Mapping[str, float], estimator: object) -> float:
    """Return the lead of an estimator's kind of model, 0 of lines; None is a blend of all."""
    if isinstance(estimator, Wraps):
        return leads.get("trees", 0.0) if estimator.boosts else 0.0
    if isinstance(estimator, TrainsNetwork):
        return leads.get("network", 0.0)
    return max(0.0, *leads.values()) if estimator is None and leads else 0.0


def labelled_rows(sources: Sequence[Domain], fewest: int, most: int) -> Domain | None:
    """Return labelled rows of sources, at most so many; None of fewer than tell something."""
    known = [source for source in sources if source.n_labelled]
    if sum(source.n_labelled for source in known) < max(fewest, 1):
        return None
    whole = pool(known)
    return whole.subset(np.flatnonzero(whole.labelled)).drawn(most)


def held_apart(source: Domain, *, stratified: bool) -> tuple[Domain, Domain]:
    """Return rows to learn from, and those that are held out."""
    dependence = source.annotations.dependence
    with warnings.catch_warnings():  # a rare class may be in some parts alone
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        *_, (learnt, held) = make_splits(
            source.known, PARTS, 0, stratified=stratified, **dependence
        )
    return source.subset(learnt), source.subset(held)


def _error(question: Question, name: str, learnt: Domain, held: Domain) -> float:
    """Return the error of a baseline on held-out rows of the source."""
    model: TransferEstimator = clone(question.candidates[name]).set_params(prepare=None)
    model.fit(learnt)
    score = question.protocol.choice.of(held)
    return score.best - score(model.task_, held.known, model.outputs(held), held.known_weight)
