"""A network by its layers: some copied from the source, some fresh; some frozen, some trained."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np
import torch
from torch import nn

from fourfold.core.process import seeded
from fourfold.core.tasks import Classification
from fourfold.errors import ParameterError
from fourfold.estimators.problem import Data, frozen_rows, supervise
from fourfold.estimators.warm_start import can_keep_head, keep_head
from fourfold.frozen.blocks import in_blocks
from fourfold.networks.cut import split
from fourfold.networks.stages import stages
from fourfold.training.phases import History, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.estimators.problem import Job, Model
    from fourfold.training.recipe import Recipe

__all__ = ["HEAD", "Layered", "Plan"]

HEAD: Final = "head"
"""The name of the last layer."""


class Plan(NamedTuple):
    """What is done with a network's layers, by their names.

    Attributes
    ----------
    copied, trained
        From the input to the output; what is not copied starts fresh.
    """

    copied: tuple[str, ...]
    trained: tuple[str, ...]

    def of(self, name: str) -> str:
        """Say what becomes of a layer."""
        origin = "copied" if name in self.copied else "fresh"
        return f"{origin}, {'trained' if name in self.trained else 'frozen'}"


@final
class Layered:
    """The target's network, to be built from the source's by a plan, as often as one likes.

    Parameters
    ----------
    job
        What there is to learn.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    @cached_property
    def names(self) -> list[str]:
        """Its layers, from the input to the output; nothing is trained to tell them."""
        with seeded(self.job.seed):
            return [*stages(self.job.body()), HEAD]

    @cached_property
    def copyable(self) -> list[str]:
        """Those that can be copied: all, or all but the last where the outputs are others."""
        return self.names if can_keep_head(self.job) else self.names[:-1]

    def train(self, plan: Plan, data: Data, recipe: Recipe) -> tuple[Model, History]:
        """Build and train a network by a plan, from the job's seed.

        Layers that are frozen at the input's end are computed once.
        """
        with seeded(self.job.seed):
            model = self._built(plan)
            layers = _layers(model)
            trained = [layers[name] for name in plan.trained]
            if not trained:
                return model.eval(), History()
            model.requires_grad_(requires_grad=False)
            for layer in trained:
                layer.requires_grad_(requires_grad=True)
            lower, upper = _cut(model, [name for name in self.names if name not in plan.trained])
            rows = data.rows if lower is None else frozen_rows(lower, data.rows)
            network, above = nn.Sequential(upper, model.head), Data(rows, data.y, data.labelled)
            parts = [Part(layer) for layer in trained]
            history = supervise(network, self.job.task, above, recipe, parts)
            return model.requires_grad_(requires_grad=True).cpu().eval(), history

    def score(self, plan: Plan, data: Data, held: NDArray[np.intp], recipe: Recipe) -> float:
        """Train by a plan without some rows, and rate it on these.

        By accuracy; by minus the loss where labels are no classes.
        """
        rest = np.setdiff1d(np.arange(len(data.y)), held)
        model, _ = self.train(plan, data.at(rest), recipe)
        asked = data.at(held)
        outputs = torch.from_numpy(in_blocks(model, asked.rows))
        if isinstance(self.job.task, Classification):
            return float((outputs.argmax(1) == asked.y).float().mean())
        return -float(self.job.task.loss(outputs, asked.y))

    def _built(self, plan: Plan) -> Model:
        model = self.job.model(self.job.body())
        source = self.job.source_model
        fresh, old = _layers(model), _layers(source)
        for name in plan.copied:
            if name == HEAD:
                keep_head(model.head, source.head, self.job)
            else:
                fresh[name].load_state_dict(old[name].state_dict())
        return model


def _layers(model: Model) -> dict[str, nn.Module]:
    return {**stages(model.body), HEAD: model.head}


def _cut(model: Model, frozen: list[str]) -> tuple[nn.Module | None, nn.Module]:
    """Split a body behind those of its first layers that are frozen, as far as it can be cut."""
    found = stages(model.body)
    leading = []
    for name, layer in found.items():
        if name not in frozen:
            break
        if not isinstance(layer, nn.ParameterList):  # weights beside the layers have no place
            leading.append(name)
    for name in reversed(leading):
        try:
            return split(model.body, name)
        except ParameterError:  # a path leads around it
            continue
    return None, model.body
