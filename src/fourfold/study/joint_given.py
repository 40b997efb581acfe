"""What a study of several tasks is given, checked and made ready before anything is trained."""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, TypeAlias

from sklearn.base import clone
from torch import nn

from fourfold.core.tasks import Classification, infer_task
from fourfold.data.domain import apart
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.contracts import JointEstimator, TransferEstimator
from fourfold.methods import find
from fourfold.planner import locate_tasks
from fourfold.preparation.choose import default_preparation
from fourfold.study.checks import check_classes, fit_preparation
from fourfold.study.splits import folds_for
from fourfold.study.work import equip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.networks.builder import Builder
    from fourfold.preparation.choose import Preparation

__all__ = [
    "JointMethod",
    "called",
    "common_folds",
    "joint_methods",
    "judged_rows",
    "kind_of",
    "prepared_for",
]

JointMethod: TypeAlias = str | TransferEstimator | JointEstimator


def called(domain: Domain, name: str) -> Domain:
    """Return the same domain, called as its task where it has no name."""
    if domain.name:
        return domain
    named = copy.copy(domain)
    named.name = name
    return named


def judged_rows(
    tasks: Mapping[str, Domain], evaluate: Mapping[str, Domain] | None
) -> dict[str, Domain | None]:
    """Return the rows to judge each task on, which must be those of the same tasks."""
    if evaluate is None:
        return dict.fromkeys(tasks)
    if set(evaluate) != set(tasks):
        raise ParameterError(
            f"tasks to evaluate must be those that are learnt, {', '.join(tasks)}; got "
            f"{', '.join(evaluate) or 'none'}"
        )
    for name, domain in evaluate.items():
        if not domain.n_labelled:
            raise DataError(f"the rows to evaluate task {name!r} on must have labels; got none")
    return {name: called(evaluate[name], name) for name in tasks}


def kind_of(target: Domain, evaluate: Domain | None) -> Task:
    """Tell what a task is, and refuse labels that nothing can be learnt from."""
    task = infer_task(target).fit(target)
    check_classes(task, [], target, evaluate)
    return task


def common_folds(kinds: Mapping[str, Task], tasks: Mapping[str, Domain], most: int) -> int:
    """Tell in how many folds the labels of every task can be split; 0 where not at all.

    Raises
    ------
    DataError
        If they cannot, and a task is no classification, which nothing else could choose a model of.
    """
    folds = {name: folds_for(kinds[name], domain, most) for name, domain in tasks.items()}
    few = min(folds, key=lambda name: folds[name])
    others = [name for name, kind in kinds.items() if not isinstance(kind, Classification)]
    if not folds[few] and others:
        raise DataError(
            f"task {few!r} must have at least 2 labels of each class, or 4 numbers, to choose "
            f"models by where a task is no classification, as {others[0]!r}; it has fewer"
        )
    return folds[few]


def prepared_for(
    tasks: Mapping[str, Domain],
    evaluate: Mapping[str, Domain | None],
    network: nn.Module | Builder | str | None,
    prepare: Preparation | None,
) -> dict[str, Preparation]:
    """Fit a preparation, without labels: one for all where inputs are of a kind, else one each."""
    brought = isinstance(network, nn.Module)
    if brought and (difference := apart(tasks)):
        raise ParameterError(
            "network must be a name or a Builder where the inputs of tasks differ, so that each "
            f"has one of its own; got a module, and {difference}"
        )
    piles = [[name] for name in tasks] if apart(tasks) else [list(tasks)]
    fitted: dict[str, Preparation] = {}
    for names in piles:
        domains = [tasks[name] for name in names]
        rows = [domain.rows for domain in domains]
        chosen = prepare or default_preparation(*rows, user_network=brought)
        one = fit_preparation(chosen, domains, *[evaluate[name] for name in names])
        fitted |= dict.fromkeys(names, one)
    return fitted


def joint_methods(
    methods: Sequence[JointMethod] | None,
    tasks: Mapping[str, Domain],
    shared: Mapping[str, Any],
) -> dict[str, JointEstimator]:
    """Return what learns all tasks at once, by a name that tells them apart."""
    wanted = [*locate_tasks(tasks).methods] if methods is None else methods
    named: dict[str, JointEstimator] = {}
    met: Counter[str] = Counter()
    for method in [one for want in wanted for one in _candidates(want, tasks)]:
        name = _name(method)
        equip(method, shared)
        named[f"{name}-{met[name] + 1}" if met[name] else name] = method
        met[name] += 1
    if not named:
        raise ParameterError("methods must hold one that learns several tasks; got none")
    return named


def _candidates(method: JointMethod, tasks: Mapping[str, Domain]) -> list[JointEstimator]:
    if isinstance(method, JointEstimator):
        return [clone(method)]
    kind = find(method).load() if isinstance(method, str) else type(method)
    if not issubclass(kind, JointEstimator):
        raise ParameterError(f"methods must learn several tasks at once; got {kind.__name__}")
    return list(kind.candidates(tasks))


def _name(method: JointEstimator) -> str:
    """Name a method by its class and those of its own options that are not its defaults."""
    defaults = type(method)().get_params(deep=False)
    ours = method.get_params(deep=False)
    options = [
        v for k, v in ours.items() if isinstance(v, str) and v != defaults[k] and k != "network"
    ]
    return " ".join([type(method).__name__, *options])
