"""What a method learns from: both domains made ready, and the source model, trained once."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, final

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn
from xxhash import xxh3_128_hexdigest

from fourfold.core.process import seeded, world_size
from fourfold.core.version import VERSION
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.blocks import as_tensor
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import active, compute_once
from fourfold.training.batches import Batch, Table
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Part, Phase
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.network import NetworkEstimator
    from fourfold.networks.builder import Body
    from fourfold.training.recipe import Recipe

__all__ = [
    "Data",
    "Job",
    "Model",
    "frozen_rows",
    "hold_out",
    "once",
    "probe",
    "recorded",
    "supervise",
]

REMEMBERED: Final = 16
"""Source models that a process keeps where there is no store."""


@final
class Model(nn.Module):
    """A trained network: the body gives features (B, d), the head outputs (B, k)."""

    def __init__(self, body: Body, head: nn.Module) -> None:
        super().__init__()
        self.body = body
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(x))
        return outputs


@final
@dataclass(frozen=True)
class Data:
    """A domain made ready: rows as the network takes them, labels as the task encodes them.

    Attributes
    ----------
    rows
        (n, ...) inputs of the trainable network.
    y
        (n,) or (n, m), with the task's mark where a label is missing.
    labelled
        (n,) where there is one.
    """

    rows: Rows
    y: Tensor
    labelled: NDArray[np.bool_]

    def table(self, z: Tensor | None = None) -> Table:
        """All rows; y has holes; z is what else is known of them."""
        return Table(self.rows, self.y, z)

    def known(self) -> Data:
        """Only the rows with a label."""
        return self if self.labelled.all() else self.at(np.flatnonzero(self.labelled))

    def at(self, index: NDArray[np.intp]) -> Data:
        """Only the rows at these positions."""
        return Data(self.rows.subset(index), self.y[torch.from_numpy(index)], self.labelled[index])


@final
@dataclass
class Job:
    """What a method is given to learn from.

    Attributes
    ----------
    task, target
        The target's task and data.
    recipe
        How to train.
    seed
        Of the method.
    body
        Builds a fresh network without a head.
    last_layer
        Builds a fresh head for the target's task on features of a width.
    source
        The source's data, where it is data.
    source_task
        The source's task; None where it has no labels, or is a bare network.
    given
        A trained source network, where the source is a model.
    origin
        Says all that a model trained on the source alone depends on; None: it is not remembered.
    giver
        The fitted estimator that the given network is from; None for a bare network.
    chain
        For a method that takes its sources in turn: the same job with each of them.
    """

    task: Task
    target: Data
    recipe: Recipe
    seed: int
    body: Callable[[], Body]
    last_layer: Callable[[int], nn.Module]
    source: Data | None = None
    source_task: Task | None = None
    given: Model | None = None
    origin: Callable[[], str] | None = None
    giver: NetworkEstimator | None = None
    chain: list[Job] = field(default_factory=list)

    def model(self, body: Body) -> Model:
        """Put a fresh head for the target's task on a body."""
        return Model(body, self.last_layer(body.width))

    @property
    def source_data(self) -> Data:
        """The source's data.

        Raises
        ------
        ParameterError
            If the source is a model.
        """
        if self.source is None:
            raise ParameterError("source must be a Domain for this method; got a trained model")
        return self.source

    @property
    def known_source_task(self) -> Task:
        """The source's task.

        Raises
        ------
        ParameterError
            If the source is a bare network, whose outputs may mean anything.
        """
        if self.source_task is None:
            raise ParameterError(
                "source must tell what its outputs mean, as data and fitted estimators do; got a "
                "bare network"
            )
        return self.source_task

    @cached_property
    def source_model(self) -> Model:
        """The source network: a copy of the one given, or one that is trained once per seed."""
        if self.given is not None:
            return copy.deepcopy(self.given)
        data, task = self.source_data, self.source_task
        if task is None:
            raise DataError("the source must have labels to train a source model; got none")
        recipe = self.recipe
        with seeded(self.seed):
            body = self.body()
            model = Model(body, task.head(body.width))
            once(model, self.key(recipe), lambda: supervise(model, task, data, recipe))
        return model.cpu().eval()

    def key(self, recipe: Recipe, *more: str) -> str | None:
        """Name a training on the source; None: it is not remembered.

        Parameters
        ----------
        recipe
            Of the training.
        *more
            What else it depends on.
        """
        if self.origin is None:
            return None
        given = [self.origin(), recipe.identity(), self.seed, current().identity()]
        parts = [VERSION, *given, *more]  # another version may train in another way
        return xxh3_128_hexdigest(json.dumps(parts).encode())


def supervise(
    model: nn.Module,
    task: Task,
    data: Data,
    recipe: Recipe,
    parts: Sequence[Part] | None = None,
) -> History:
    """Train a model, or some parts of it, on the labelled rows, and nothing else.

    Where the recipe asks for validation, a share of these rows is held out for it.
    """

    def loss(_t: float, batch: Batch) -> Tensor:
        return task.loss(model(batch.x), batch.y)

    train, validate = hold_out(model, task, data.known(), recipe)
    phase = Phase(loss, parts or model)
    return minimize(model, phase, train.table(), recipe=recipe, validate=validate)


def probe(model: Model, task: Task, data: Data, recipe: Recipe) -> History:
    """Train the last layer alone, on features that are computed once."""
    features = Data(frozen_rows(model.body, data.rows), data.y, data.labelled)
    return supervise(model.head, task, features, recipe)


def frozen_rows(module: nn.Module, rows: Rows) -> Rows:
    """Return what a network that stays as it is gives for rows, computed once.

    By torch: to export a network for another engine takes longer than a few rows do.
    """
    return compute_once(Frozen(module, engine="torch"), rows)


def recorded(module: nn.Module, rows: Rows) -> Tensor:
    """Return a teacher's outputs (n, k), computed once."""
    values = frozen_rows(module, rows)
    return as_tensor(values.take(np.arange(values.n)))


def hold_out(
    model: nn.Module, task: Task, data: Data, recipe: Recipe
) -> tuple[Data, Callable[[], float] | None]:
    """Split labelled rows into those to train on and a score on the rest, as the recipe says.

    The score is the negative loss, which every task has.
    """
    n = len(data.y)
    held = min(round(recipe.validation * n), n - 1)  # something must be left to learn from
    if held == 0:
        return data, None
    order = torch.randperm(n).numpy()
    train, rest = data.at(order[held:]), data.at(order[:held])

    def score() -> float:
        with torch.inference_mode():
            device = next(model.parameters()).device
            batch = rest.table().batch(torch.arange(held), device)
            return -float(task.loss(model(batch.x), rest.y.to(device)))

    return train, score


_remembered: OrderedDict[str, dict[str, Tensor]] = OrderedDict()


def once(model: nn.Module, key: str | None, train: Callable[[], object]) -> None:
    """Train a model, or give it the weights that the same training gave before."""
    store = active() if world_size() == 1 else None  # several train together: none waits for a lock
    if key is None:
        train()
    elif store is not None:
        trained = cache(train)  # the store asks again once it has made room on a full disk

        def build(folder: Path) -> None:
            trained()
            (folder / "weights.safetensors").write_bytes(save(_weights(model)))

        model.load_state_dict(load_file(store.artifact(key, build) / "weights.safetensors"))
    elif key in _remembered:
        model.load_state_dict(_remembered[key])
    else:
        train()
        _remembered[key] = {name: value.clone() for name, value in _weights(model).items()}
        if len(_remembered) > REMEMBERED:
            _remembered.popitem(last=False)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
