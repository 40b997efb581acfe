"""Protocols for labels like those of the target or the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.core.tasks import Regression, infer_task
from fourfold.data.kinds import kind_difference
from fourfold.data.pooling import pool
from fourfold.errors import DataError, some
from fourfold.study.checks import check_classes
from fourfold.study.protocols.protocol import Chooser, Protocol
from fourfold.study.scores import choose_score
from fourfold.study.splits import HiddenLabels
from fourfold.study.validators.information import information_maximization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain

__all__ = ["common_folds", "labelled_protocol"]


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
    chooser: Chooser = "labels" if target.n_labelled else "panel"
    return Protocol(task, score, choice, splits, chooser, validator, notes=notes)


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
