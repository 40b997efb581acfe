"""What a study of a source and a target asks: what is learnt, and how it is chosen and judged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification, Clustering, infer_task
from fourfold.data.descriptions import candidate_classes
from fourfold.data.domain import pool
from fourfold.errors import DataError, ParameterError
from fourfold.study.checks import check_choice, check_classes
from fourfold.study.leaks import leaks
from fourfold.study.scores import (
    SCORES,
    HarmonicMean,
    InformationMaximization,
    Stability,
    choose_score,
)
from fourfold.study.splits import Halves, HeldClasses, HiddenLabels, folds_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.study.scores import Score, Validator
    from fourfold.study.splits import Splits

__all__ = ["Question", "ask_clusters", "ask_described", "ask_labelled"]


@final
@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes
    ----------
    task
        Fitted.
    score, choice
        What verdicts are made from, and what models are chosen by.
    splits
        What fits are kept from, to choose a model by.
    validator
        What a model is chosen by where nothing can be kept from fits; None where something always
        can.
    told
        Hyper-parameters that every method that has them must share.
    notes
        What a careful reader should know of the data.
    """

    task: Task
    score: Score
    choice: Score
    splits: Splits
    validator: Validator | None
    told: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def ask_labelled(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    folds: int,
    metric: str | None,
) -> Question:
    """Ask for labels like those that the source or the target has.

    Raises
    ------
    DataError, ParameterError
        If nothing can be learnt from the labels, or rated by them.
    """
    labelled = [d for d in (target, *sources, evaluate) if d and d.n_labelled]
    task = infer_task(labelled[0]).fit(labelled[0])
    check_classes(task, sources, target, evaluate)
    score = choose_score(task, evaluate or target, metric)
    choice = choose_score(task, target, metric) if target.n_labelled else score
    count = folds_for(task, target, folds)
    check_choice(task, count)
    splits = HiddenLabels(sources, target, task, count)
    return Question(task, score, choice, splits, InformationMaximization())


def ask_described(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    folds: int,
    metric: str | None,
    generalized: bool,
    encoder: str | None,
) -> Question:
    """Ask for classes that are known by descriptions alone.

    Raises
    ------
    DataError, ParameterError
        If a class is not described, or rows to evaluate on are of a class that does not come into
        question.
    """
    source = pool(sources)
    check_classes(infer_task(source).fit(source), sources, target, None)
    seen = np.unique(source.known).tolist()
    task = _described_task(source, target, seen, generalized=generalized)
    _check_asked(task, evaluate, seen, generalized=generalized and metric is None)
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
    return Question(
        task=task,
        score=score,
        choice=score,
        splits=splits,
        validator=None,
        told={"generalized": generalized} | ({"encoder": encoder} if encoder else {}),
        notes=leaks(source, target, evaluate),
    )


def _described_task(
    source: Domain, target: Domain, seen: Sequence[Any], *, generalized: bool
) -> Classification:
    """Return the classes that come into question; refuse descriptions that cannot be used."""
    described = target.classes or source.classes
    if described is None:
        raise DataError("classes must be described; got no descriptions")
    whole = described if source.classes is None else source.classes.joined(described)
    whole.subset(seen)
    if whole.kind != "texts":
        Signatures.fit(whole)
    task = Classification()
    task.classes_ = np.unique(candidate_classes(described, seen, generalized=generalized))
    if len(task.classes_) < 2:
        raise DataError(
            "at least two classes without examples must be described; got one, "
            f"{task.classes_.tolist()[0]!r}: generalized (--generalized) lets the others in"
        )
    return task


def ask_clusters(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    clusters: int | None,
    metric: str | None,
) -> Question:
    """Ask for clusters, where nothing has a label.

    Raises
    ------
    DataError, ParameterError
        If nobody says how many clusters, or half of the rows are fewer than these.
    """
    told = "" if target.classes is None else ": are labels in a column (--label)?"
    if clusters is None:
        raise ParameterError(
            "clusters must say how many are looked for where nothing has labels (--clusters); got "
            f"none{told}"
        )
    if target.n_rows // 2 < clusters:
        raise DataError(
            f"the target must have at least {2 * clusters} rows for {clusters} clusters, so that "
            f"halves of it can be compared; got {target.n_rows}"
        )
    if evaluate is not None and not isinstance(infer_task(evaluate), Classification):
        raise DataError(
            f"labels of {evaluate.name or 'the data'}, to evaluate clusters on, must be classes; "
            "got numbers, or several a row"
        )
    if metric is not None and evaluate is None:
        raise ParameterError(f"metric must stand beside rows to evaluate on; got {metric!r} alone")
    task = Clustering(n_clusters=clusters)
    task.check()
    task.fit(target)
    score = Stability() if evaluate is None else choose_score(task, evaluate, metric)
    return Question(
        task=task,
        score=score,
        choice=Stability(),
        splits=Halves(sources, target),
        validator=None,
        told={"n_clusters": clusters},
    )


def _check_asked(
    task: Classification, evaluate: Domain | None, seen: Sequence[Any], *, generalized: bool
) -> None:
    """Refuse rows to evaluate on whose class cannot be the answer, or, of both kinds, one kind."""
    if evaluate is None:
        return
    known, name = evaluate.known, evaluate.name or "the data"
    strange = np.unique(known[task.codes(known) < 0])
    if len(strange):
        only = any(label in seen for label in strange.tolist())
        hint = " and has no examples (--generalized lets the others in)" if only else ""
        raise DataError(
            f"each class of {name}, to evaluate on, must be one that is described{hint}; got also "
            f"{', '.join(map(repr, strange[:4].tolist()))}"
        )
    of_seen = np.isin(known, seen)
    if generalized and (of_seen.all() or not of_seen.any()):
        raise DataError(
            f"{name}, to evaluate on, must have rows of classes with examples and without, for "
            f"their harmonic mean; got {'the former' if of_seen.all() else 'the latter'} only"
        )
