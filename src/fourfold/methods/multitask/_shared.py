"""Layers that tasks share: one network on one kind of inputs, or a middle above several."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, TypeAlias, final

import numpy as np
import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold import networks
from fourfold.core.dependent_folds import merge_groups
from fourfold.data.differences import input_difference
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.inputs import Data
from fourfold.networks.choice import Stem
from fourfold.networks.listener import Listener
from fourfold.preparation.choose import default_preparation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import Tensor

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows
    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem
    from fourfold.methods.multitask._joint import JointNetworkEstimator, Member
    from fourfold.training.augmentation import Augmenter
    from fourfold.training.batches import Batch

__all__ = [
    "group_tasks",
    "members_on_one_input",
    "members_on_stems",
    "on_one_network",
    "stacked",
    "through_one_middle",
]


@final
@dataclass(frozen=True)
class TaskGroup:
    """Tasks on the same rows, so that no row is computed twice in a step.

    Attributes
    ----------
    names
        Of the tasks.
    data
        The rows that have a label in any of them; y (n, columns) holds the labels of one task
        after those of another, as numbers, each with its task's own mark where one is missing, and
        weights (n, K) those of each task's labels.
    like
        Each task's labels, as it encodes them; columns are turned back into their type and shape.
    """

    names: tuple[str, ...]
    data: Data
    like: tuple[Tensor, ...]

    @classmethod
    def of(cls, problems: Mapping[str, Problem]) -> TaskGroup:
        """Group tasks with the same rows."""
        like = tuple(problem.target.y for problem in problems.values())
        y = torch.cat([labels.reshape(len(labels), -1).float() for labels in like], dim=1)
        labelled = np.any([problem.target.labelled for problem in problems.values()], axis=0)
        rows = next(iter(problems.values())).target.rows
        beside = [problem.target for problem in problems.values()]
        weighed = any(one.weight is not None for one in beside)
        groups = [one.groups for one in beside if one.groups is not None]
        data = Data(
            rows,
            y,
            labelled,
            weight=torch.stack([_weights(one) for one in beside], dim=1) if weighed else None,
            groups=reduce(merge_groups, groups) if groups else None,
            time=next((one.time for one in beside if one.time is not None), None),
            augment=_common([one.augment for one in beside]),
        )
        return cls(tuple(problems), data.known(), like)

    def labels(self, batch: Batch) -> list[tuple[Tensor, Tensor | None]]:
        """Split a batch's columns into each task's encoded labels and their weights (B,)."""
        widths = [labels[:1].numel() for labels in self.like]
        parts = zip(torch.split(batch.y, widths, dim=1), self.like, strict=True)
        y = [part.reshape(-1, *like.shape[1:]).to(like.dtype) for part, like in parts]
        weights = [None] * len(y) if batch.weight is None else batch.weight.unbind(1)
        return list(zip(y, weights, strict=True))


SharedNetworks: TypeAlias = "tuple[dict[str, Model], list[TaskGroup], nn.ModuleList, nn.Module]"
"""A model for each task, and in the order of use: groups, the stem of each, the shared layers."""


def group_tasks(problems: Mapping[str, Problem]) -> list[TaskGroup]:
    """Group tasks with the same rows, in the order of the first of each."""
    groups: list[dict[str, Problem]] = []
    for name, problem in problems.items():
        for group in groups:
            if _same(next(iter(group.values())).target.rows, problem.target.rows):
                group[name] = problem
                break
        else:
            groups.append({name: problem})
    return [TaskGroup.of(group) for group in groups]


def stacked(parts: Sequence[Tensor]) -> Tensor:
    """Stack batches of all tasks (B, ...); utterances (B, channels, T) get frames of zeros."""
    longest = max(part.shape[-1] for part in parts)
    if any(part.shape[-1] < longest for part in parts):
        parts = [F.pad(part, (0, longest - part.shape[-1])) for part in parts]
    return torch.cat(list(parts))


def _common(augmenters: Sequence[Augmenter | None]) -> Augmenter | None:
    """Return the changes of rows that keep the labels of every task; None where tasks differ."""
    found = [one for one in augmenters if one is not None]
    same = len(found) == len(augmenters) and len({one.rules for one in found}) == 1
    return found[0] if same else None


def _weights(data: Data) -> Tensor:
    """Return the weights of a task's labels (n,), and their mean where there is no label."""
    if data.weight is None:
        return torch.ones(len(data.y))
    labelled = torch.from_numpy(data.labelled)
    return torch.where(labelled, data.weight, data.weight[labelled].mean())


def _same(a: Rows, b: Rows) -> bool:
    """Return whether rows are equal, by content; only rows of one number and shape are read."""
    return a is b or (a.n == b.n and a.shape == b.shape and a.digest == b.digest)


def on_one_network(problems: Mapping[str, Problem]) -> SharedNetworks:
    """Put all heads on one network."""
    body = next(iter(problems.values())).body()
    models = {name: problem.model(body) for name, problem in problems.items()}
    groups = group_tasks(problems)
    return models, groups, nn.ModuleList(nn.Identity() for _ in groups), body


def through_one_middle(problems: Mapping[str, Problem]) -> SharedNetworks:
    """Give each task a network of its own, and all of them the first one's last layers."""
    models = {name: problem.model(problem.body()) for name, problem in problems.items()}
    shared = next(iter(models.values())).body.get_submodule("middle")
    stems = nn.ModuleList()
    for model in models.values():
        stems.append(nn.Sequential(*list(model.body.children())[:-1]))
        model.body.add_module("middle", shared)
    return models, [TaskGroup.of({name: one}) for name, one in problems.items()], stems, shared


def members_on_one_input(
    method: JointNetworkEstimator, tasks: Mapping[str, Domain]
) -> dict[str, Member]:
    """Prepare the inputs of all tasks together."""
    if difference := input_difference(tasks):
        raise DataError(
            f"tasks that share the input must have inputs of one kind; got {difference}: "
            "share='middle' takes different ones"
        )
    rows = [domain.rows for domain in tasks.values()]
    prepare = method.prepare
    if not isinstance(prepare, FrozenEstimator):
        brought = isinstance(method.network, nn.Module)
        chosen = prepare or default_preparation(*rows, user_network=brought)
        prepare = FrozenEstimator(clone(chosen).fit(*rows))
    return {
        name: method.member(domain, method.network, prepare, len(tasks))
        for name, domain in tasks.items()
    }


def members_on_stems(
    method: JointNetworkEstimator, tasks: Mapping[str, Domain], width: int, middle: tuple[int, ...]
) -> dict[str, Member]:
    """Prepare the inputs of each task by themselves, and project its features to one width."""
    network = method.network
    if isinstance(network, nn.Module):
        raise ParameterError(
            "network must be a name, a Builder or None where each task has one of its own "
            f"(share='middle'); got a module, {type(network).__name__}"
        )
    below = networks.named(network) if isinstance(network, str) else network
    members = {}
    for name, domain in tasks.items():
        own = below or (Listener() if domain.rows.spoken else None)
        stem = Stem(network=own, width=width, middle=middle)
        members[name] = method.member(domain, stem, method.prepare, len(tasks))
    return members
