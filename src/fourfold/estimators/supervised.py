"""Training on domains: supervised learning, held-out rows, linear probes and kept models."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from fourfold.core.dependent_folds import hold_out_last
from fourfold.core.process import world_size
from fourfold.errors import DataError
from fourfold.frozen.blocks import as_tensor
from fourfold.frozen.store import active, frozen_rows
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Part, Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model
    from fourfold.training.batches import Batch
    from fourfold.training.recipe import Recipe

__all__ = [
    "hold_out",
    "label_loss",
    "probe",
    "split_rows",
    "supervise",
    "teacher_outputs",
    "train_by",
    "train_once",
    "validation",
]

KEPT: Final = 16
"""Trained models that a process keeps where there is no store."""


def split_rows(data: Data, held: int) -> tuple[Data, Data]:
    """Split rows: those to train on, and about ``held`` ones to validate on.

    These are drawn at random, whole groups where there are any, or the last ones where times are
    known; none where all rows are of one group or moment.
    """
    order = torch.randperm(len(data.y)).numpy()
    if data.groups is None and data.time is None:
        return data.at(order[held:]), data.at(order[:held])
    train, kept = hold_out_last(order, held, groups=data.groups, time=data.time)
    return data.at(train), data.at(kept)


def hold_out(data: Data, recipe: Recipe) -> tuple[Data, Data | None]:
    """Hold out the recipe's share of rows for validation; None where it asks for none.

    Raises
    ------
    DataError
        If it asks for some of a single row, group or moment.
    """
    n = len(data.y)
    if not recipe.validation:
        return data, None
    if n < 2:
        raise DataError(
            "there must be at least two labelled rows where the recipe holds some out for "
            f"validation; got {n}"
        )
    train, held = split_rows(data, min(max(round(recipe.validation * n), 1), n - 1))
    if not len(held.y):
        raise DataError(
            "labelled rows must be of at least two groups or moments where the recipe holds some "
            "out for validation; got one"
        )
    return train, held


def validation(
    module: nn.Module, loss: Callable[..., Tensor], *held: Data | None
) -> Callable[[], float] | None:
    """Return a score for :func:`minimize`, minus the loss on held-out rows; None without these.

    ``loss(*batches)`` gets a batch of each held-out part on the module's device, and is averaged if
    it is a vector.
    """
    tables = [part.table() for part in held if part is not None]
    if len(tables) < len(held):
        return None

    def score() -> float:
        with torch.inference_mode():
            device = next(module.parameters()).device
            batches = [table.batch(torch.arange(table.n), device) for table in tables]
            return -float(loss(*batches).mean())

    return score


def label_loss(model: nn.Module, task: Task) -> Callable[[Batch], Tensor]:
    """Return the loss of a model on a batch of labelled rows, which mixup may mix."""

    def loss(batch: Batch) -> Tensor:
        if batch.mixup:
            return _mixed_loss(model, task, batch)
        return task.loss(model(batch.x), batch.y, batch.weight)

    return loss


def _mixed_loss(model: nn.Module, task: Task, batch: Batch) -> Tensor:
    """Return the loss of mixup: of λx + (1 − λ)x', the losses of both rows' labels, mixed alike."""
    alpha = torch.tensor(batch.mixup)
    share = float(torch.distributions.Beta(alpha, alpha).sample())
    other = torch.randperm(len(batch.x), device=batch.x.device)
    outputs = model(share * batch.x + (1 - share) * batch.x[other])
    weight = None if batch.weight is None else batch.weight[other]
    own = task.loss(outputs, batch.y, batch.weight)
    return share * own + (1 - share) * task.loss(outputs, batch.y[other], weight)


def supervise(
    model: nn.Module, task: Task, data: Data, recipe: Recipe, parts: Sequence[Part] | None = None
) -> History:
    """Train a model, or some parts of it, on labelled rows."""
    return train_by(label_loss(model, task), model, data.known(), recipe, parts)


def train_by(
    loss: Callable[[Batch], Tensor],
    module: nn.Module,
    data: Data,
    recipe: Recipe,
    parts: Sequence[Part] | None = None,
) -> History:
    """Train a module, or some parts of it, on rows by a loss of their batches."""
    train, held = hold_out(data, recipe)
    phase = Phase(lambda _t, batch: loss(batch), parts or module)
    validate = validation(module, loss, held)
    return minimize(module, phase, train.table(), recipe=recipe, validate=validate)


def probe(model: Model, task: Task, data: Data, recipe: Recipe) -> History:
    """Train a linear probe: the head alone, on features that are computed once."""
    features = data.through(lambda rows: frozen_rows(model.body, rows))
    return supervise(model.head, task, features, recipe)


def teacher_outputs(module: nn.Module, rows: Rows) -> Tensor:
    """Return a teacher's outputs (n, k), computed once."""
    values = frozen_rows(module, rows)
    return as_tensor(values.take(np.arange(values.n)))


_kept: dict[str, dict[str, Tensor]] = {}


def train_once(model: nn.Module, key: str | None, train: Callable[[], object]) -> None:
    """Train a freshly built model, or load the weights that the same training gave before.

    The key names all that the training depends on; None trains anew.
    """
    store = active() if world_size() == 1 else None  # several train together: none waits for a lock
    if key is None:
        train()
    elif store is not None:
        trained = cache(train)  # the store asks again once it has made room on a full disk

        def build(folder: Path) -> None:
            trained()
            (folder / "weights.safetensors").write_bytes(save(_weights(model)))

        model.load_state_dict(load_file(store.artifact(key, build) / "weights.safetensors"))
    elif key in _kept:
        model.load_state_dict(_kept[key])
    else:
        train()
        _kept[key] = {name: value.clone() for name, value in _weights(model).items()}
        if len(_kept) > KEPT:
            del _kept[next(iter(_kept))]


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
