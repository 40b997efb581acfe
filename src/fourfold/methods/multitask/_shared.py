"""Layers that tasks share: one network on one kind of inputs, or a middle above several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold import networks
from fourfold.data.domain import input_difference
from fourfold.errors import DataError, ParameterError
from fourfold.methods.multitask._groups import TaskGroup, group_tasks
from fourfold.methods.multitask._member import Member
from fourfold.networks.builder import Builder
from fourfold.networks.choice import Stem
from fourfold.preparation.choose import default_preparation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourfold.data.domain import Domain
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem
    from fourfold.preparation.choose import Preparation

__all__ = ["SHARING"]

Network: TypeAlias = nn.Module | Builder | str | None
Size: TypeAlias = tuple[int, tuple[int, ...]]
"""Width of the projection, and units of the shared layers."""


class SharedNetworks(NamedTuple):
    """A model for each task, and the same layers in the order of their use."""

    models: dict[str, Model]
    groups: list[TaskGroup]
    stems: nn.ModuleList
    shared: nn.Module


def _on_one_network(problems: Mapping[str, Problem]) -> SharedNetworks:
    """Put all heads on one network."""
    body = next(iter(problems.values())).body()
    models = {name: problem.model(body) for name, problem in problems.items()}
    groups = group_tasks(problems)
    return SharedNetworks(models, groups, nn.ModuleList(nn.Identity() for _ in groups), body)


def _through_one_middle(problems: Mapping[str, Problem]) -> SharedNetworks:
    """Give each task a network of its own, and all of them the first one's last layers."""
    models = {name: problem.model(problem.body()) for name, problem in problems.items()}
    shared = next(iter(models.values())).body.get_submodule("middle")
    stems = nn.ModuleList()
    for model in models.values():
        stems.append(nn.Sequential(*list(model.body.children())[:-1]))
        model.body.add_module("middle", shared)
    return SharedNetworks(
        models, [TaskGroup.of({name: problem}) for name, problem in problems.items()], stems, shared
    )


def _members_on_one_input(
    tasks: Mapping[str, Domain],
    network: Network,
    prepare: Preparation | FrozenEstimator | None,
    _size: Size,
    common: Mapping[str, Any],
) -> dict[str, Member]:
    """Prepare the inputs of all tasks together."""
    if difference := input_difference(tasks):
        raise DataError(
            f"tasks that share the input must have inputs of one kind; got {difference}: "
            "share='middle' takes different ones"
        )
    rows = [domain.rows for domain in tasks.values()]
    if not isinstance(prepare, FrozenEstimator):
        brought = isinstance(network, nn.Module)
        chosen = prepare or default_preparation(*rows, user_network=brought)
        prepare = FrozenEstimator(clone(chosen).fit(*rows))
    return {name: Member(network=network, prepare=prepare, **common) for name in tasks}


def _members_on_stems(
    tasks: Mapping[str, Domain],
    network: Network,
    prepare: Preparation | FrozenEstimator | None,
    size: Size,
    common: Mapping[str, Any],
) -> dict[str, Member]:
    """Prepare the inputs of each task by themselves."""
    if isinstance(network, nn.Module):
        raise ParameterError(
            "network must be a name, a Builder or None where each task has one of its own "
            f"(share='middle'); got a module, {type(network).__name__}"
        )
    below = networks.named(network) if isinstance(network, str) else network
    stem = Stem(network=below, width=size[0], middle=size[1])
    return {name: Member(network=stem, prepare=prepare, **common) for name in tasks}


class Sharing(NamedTuple):
    """One way to share layers: the estimators of the tasks, and their networks."""

    members: Callable[..., dict[str, Member]]
    networks: Callable[[Mapping[str, Problem]], SharedNetworks]


SHARING: Final = {
    "input": Sharing(_members_on_one_input, _on_one_network),
    "middle": Sharing(_members_on_stems, _through_one_middle),
}
"""The values of ``share``."""
