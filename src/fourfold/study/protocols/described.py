"""Protocol for classes with descriptions but without examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification, infer_task
from fourfold.data.descriptions import candidate_classes
from fourfold.data.kinds import called
from fourfold.data.pooling import pool
from fourfold.errors import DataError
from fourfold.study.checks import check_classes
from fourfold.study.diagnostics.leaks import leaks
from fourfold.study.held_classes import HeldClasses
from fourfold.study.protocols.protocol import Protocol
from fourfold.study.scores import SCORES, HarmonicMean, choose_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.study.scores import Score

__all__ = ["check_asked", "described_protocol"]


def described_protocol(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    folds: int,
    metric: str | None,
    generalized: bool,
    encoder: str | None,
) -> Protocol:
    """Return the protocol for classes with descriptions but without examples.

    Raises
    ------
    DataError, ParameterError
        If a class is not described, or rows to evaluate on are of a class that cannot be the
        answer.
    """
    source = pool(sources)
    check_classes(infer_task(source).fit(source), sources, target, None)
    seen = np.unique(source.known).tolist()
    task = _described_task(source, target, seen, generalized=generalized)
    check_asked(task, evaluate, seen, both_kinds=generalized and metric is None)
    splits = HeldClasses(sources, target, folds, generalized=generalized)
    if not splits.count:
        raise DataError(
            "the source must have examples of at least six classes, so that methods can be chosen "
            f"by holding some out; got {len(seen)}: fit a method of your choice in Python instead"
        )
    score: Score = SCORES["balanced_accuracy"]
    if metric is not None:
        score = choose_score(task, evaluate or target, metric)
    elif generalized:
        score = HarmonicMean(seen)
    return Protocol(
        task=task,
        score=score,
        choice=score,
        splits=splits,
        parameters={"generalized": generalized} | ({"encoder": encoder} if encoder else {}),
        notes=leaks(source, target, evaluate),
    )


def _described_task(
    source: Domain, target: Domain, seen: Sequence[Any], *, generalized: bool
) -> Classification:
    """Return the task of all candidate classes; refuse descriptions that cannot be used."""
    described = target.classes or source.classes
    if described is None:
        raise DataError("classes must be described; got no descriptions")
    whole = described if source.classes is None else source.classes.joined(described)
    whole.subset(seen)
    if whole.kind != "texts":
        Signatures.fit(whole)
    candidates = candidate_classes(described, seen, generalized=generalized)
    task = Classification().among(np.unique(candidates))
    if len(task.classes_) < 2:
        raise DataError(
            "at least two classes without examples must be described; got one, "
            f"{task.classes_.tolist()[0]!r}: generalized=True lets the others in"
        )
    return task


def check_asked(
    task: Classification, evaluate: Domain | None, seen: Sequence[Any], *, both_kinds: bool
) -> None:
    """Refuse rows to evaluate on of classes that cannot be the answer, or not of both kinds.

    Raises
    ------
    DataError
        If there are some.
    """
    if evaluate is None:
        return
    known, name = evaluate.known, called(evaluate)
    strange = np.unique(known[task.codes(known) < 0])
    if len(strange):
        only = any(label in seen for label in strange.tolist())
        hint = " and has no examples (generalized=True lets the others in)" if only else ""
        raise DataError(
            f"each class of {name}, to evaluate on, must be one that is described{hint}; got also "
            f"{', '.join(map(repr, strange[:4].tolist()))}"
        )
    of_seen = np.isin(known, seen)
    if both_kinds and (of_seen.all() or not of_seen.any()):
        raise DataError(
            f"{name}, to evaluate on, must have rows of classes with examples and without, for "
            f"their harmonic mean; got {'the former' if of_seen.all() else 'the latter'} only"
        )
