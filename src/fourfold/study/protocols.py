"""Protocols: ways to judge methods and to choose models, one for each kind of question.

They refuse data that cannot be judged; what is trained does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification, Clustering, Regression, infer_task
from fourfold.data.descriptions import candidate_classes
from fourfold.data.kinds import called, kind_difference
from fourfold.data.pooling import pool
from fourfold.errors import DataError, ParameterError, some
from fourfold.study.checks import check_classes
from fourfold.study.diagnostics.leaks import leaks
from fourfold.study.held_classes import HeldClasses
from fourfold.study.scores import SCORES, HarmonicMean, Stability, choose_score
from fourfold.study.splits import Halves, HiddenLabels
from fourfold.study.validators.information import information_maximization

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.study.scores import Score
    from fourfold.study.splits import Splits

__all__ = [
    "Protocol",
    "check_asked",
    "clustering_protocol",
    "common_folds",
    "described_protocol",
    "labelled_protocol",
]


@final
@dataclass(frozen=True)
class Protocol:
    """Rules of judgement and of model selection on a question.

    Attributes
    ----------
    task
        Fitted.
    score, choice
        Score of the verdicts, and score of model selection on held-out data.
    splits
        Held-out data of each seed.
    validator
        Criterion of model selection where nothing can be held out; None where something always
        can.
    parameters
        Hyper-parameters with the same value in every method that has them.
    notes
        Caveats of the data.
    """

    task: Task
    score: Score
    choice: Score
    splits: Splits
    validator: Callable[[Task, Any], float] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


# --- labels -------------------------------------------------------------------------------------


def labelled_protocol(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    folds: int,
    metric: str | None,
) -> Protocol:
    """Return the protocol for labels like those of the target or the source.

    Raises
    ------
    DataError, ParameterError
        If nothing can be learnt from the labels, or rated by them.
    """
    labelled = [d for d in (target, *sources, evaluate) if d and d.n_labelled]
    task = infer_task(*labelled).fit(labelled[0])
    check_classes(task, sources, target, evaluate)
    score = choose_score(task, evaluate or target, metric)
    choice = choose_score(task, target, metric) if target.n_labelled else score
    splits = HiddenLabels(sources, target, task, folds)
    if not splits.count and not task.has_classes and target.n_labelled:
        beside = target.annotations
        of = [" of two groups"] if beside.groups is not None else []
        of += [" at two moments"] if beside.time is not None else []
        raise DataError(
            f"the target must have at least 4 labels{' and'.join(of)} where they are no classes "
            f"({task.kind}), to choose a model by"
        )
    notes = _units(sources, target, task)
    validator = information_maximization if task.has_classes else None
    return Protocol(task, score, choice, splits, validator, notes=notes)


def _units(sources: Sequence[Domain], target: Domain, task: Task) -> list[str]:
    """Note numbers of source and target in other units."""
    labelled = [source for source in sources if source.n_labelled]
    if not isinstance(task, Regression) or not labelled or not target.n_labelled:
        return []
    source = pool(labelled)
    if kind_difference(source, target):
        return []
    old = Regression().fit(source)
    own = old.moved_to(target)
    if own is old:
        return []
    pairs = ((old.mean_, own.mean_), (old.scale_, own.scale_))
    means, spreads = (" and ".join(some(f"{v:.4g}" for v in one) for one in pair) for pair in pairs)
    said = (
        f"Numbers of the source and of the target seem to be in other units: means are {means}, "
        f"spreads {spreads}. Methods that start from the source's last layer refit it to the "
        "target's labels; SourceOnly predicts in the source's units."
    )
    return [said]


def common_folds(tasks: Mapping[str, Domain], most: int) -> int:
    """Return the number of folds of every task's labels; 0 if one's cannot be divided.

    Raises
    ------
    DataError
        If there are none, and the models of a task without classes could not be chosen.
    """
    kinds = {name: infer_task(domain) for name, domain in tasks.items()}
    folds = {n: HiddenLabels([], domain, kinds[n], most).count for n, domain in tasks.items()}
    few = min(folds, key=lambda name: folds[name])
    others = [name for name, kind in kinds.items() if not kind.has_classes]
    if not folds[few] and others:
        raise DataError(
            f"task {few!r} must have at least 2 labels of two classes, or 4 numbers, to choose "
            f"models by where a task is no classification, as {others[0]!r}; it has fewer"
        )
    return folds[few]


# --- clusters -----------------------------------------------------------------------------------


def clustering_protocol(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    clusters: int | None,
    metric: str | None,
) -> Protocol:
    """Return the protocol for clusters, where nothing has a label.

    Raises
    ------
    DataError, ParameterError
        If the number of clusters is not given, or half of the rows are fewer than it.
    """
    if clusters is None:
        hint = "" if target.classes is None else ": are labels in a column of the table?"
        raise ParameterError(
            "clusters must be the number of clusters to look for where nothing has labels; got "
            f"none{hint}"
        )
    if target.n_rows // 2 < clusters:
        raise DataError(
            f"the target must have at least {2 * clusters} rows for {clusters} clusters, so that "
            f"halves of it can be compared; got {target.n_rows}"
        )
    if evaluate is not None and not infer_task(evaluate).has_classes:
        raise DataError(
            f"labels of {called(evaluate)}, to evaluate clusters on, must be classes; "
            "got numbers, or several a row"
        )
    if metric is not None and evaluate is None:
        raise ParameterError(f"metric must stand beside rows to evaluate on; got {metric!r} alone")
    task = Clustering(n_clusters=clusters)
    task.check()
    task.fit(target)
    score = Stability() if evaluate is None else choose_score(task, evaluate, metric)
    return Protocol(
        task=task,
        score=score,
        choice=Stability(),
        splits=Halves(sources, target),
        parameters={"n_clusters": clusters},
    )


# --- described classes --------------------------------------------------------------------------


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
