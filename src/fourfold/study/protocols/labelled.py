"""Questions on labels: cross-validation on the target's labels, or a validator without labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.core.tasks import infer_task
from fourfold.errors import DataError
from fourfold.study.checks import check_choice, check_classes
from fourfold.study.protocols.protocol import Protocol
from fourfold.study.scores import choose_score, information_maximization
from fourfold.study.splits import HiddenLabels, count_splits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    task = infer_task(labelled[0]).fit(labelled[0])
    check_classes(task, sources, target, evaluate)
    score = choose_score(task, evaluate or target, metric)
    choice = choose_score(task, target, metric) if target.n_labelled else score
    count = count_splits(task, target, folds)
    check_choice(task, count)
    splits = HiddenLabels(sources, target, task, count)
    return Protocol(task, score, choice, splits, information_maximization)


def common_folds(tasks: Mapping[str, Domain], most: int) -> int:
    """Return the number of folds of every task's labels; 0 if a class of one has a single label.

    Raises
    ------
    DataError
        If there are none, and the models of a task without classes could not be chosen.
    """
    kinds = {name: infer_task(domain) for name, domain in tasks.items()}
    folds = {name: count_splits(kinds[name], domain, most) for name, domain in tasks.items()}
    few = min(folds, key=lambda name: folds[name])
    others = [name for name, kind in kinds.items() if not kind.has_classes]
    if not folds[few] and others:
        raise DataError(
            f"task {few!r} must have at least 2 labels of each class, or 4 numbers, to choose "
            f"models by where a task is no classification, as {others[0]!r}; it has fewer"
        )
    return folds[few]
