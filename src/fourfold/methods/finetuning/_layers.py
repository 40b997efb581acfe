"""A network by its layers: copied from the source or fresh, frozen or trained."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

import numpy as np
import torch
from torch import nn

from fourfold.core.folds import count_folds, make_folds
from fourfold.core.process import seeded
from fourfold.errors import ParameterError
from fourfold.estimators.inputs import Data
from fourfold.estimators.supervised import frozen_rows, supervise
from fourfold.estimators.warm_start import can_keep_head, keep_head
from fourfold.methods.finetuning._layer_plans import HEAD
from fourfold.networks.builder import stages
from fourfold.networks.cut import split
from fourfold.training.phases import History, Part

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.estimators.model import Model
    from fourfold.estimators.problem import Problem
    from fourfold.methods.finetuning._layer_plans import LayerPlan
    from fourfold.training.recipe import Recipe

__all__ = ["Layered"]

FOLDS: Final = 3
"""Largest number of folds of the labels."""


@final
class Layered:
    """Builds and trains the target's network by a plan, from the source's, any number of times."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem

    @cached_property
    def names(self) -> list[str]:
        """Names of the layers, from the input to the output."""
        with seeded(self.problem.seed):
            return [*stages(self.problem.body()), HEAD]

    @cached_property
    def copyable(self) -> list[str]:
        """Layers that can be copied: all, or all but the last where the outputs differ."""
        return self.names if can_keep_head(self.problem) else self.names[:-1]

    def train(self, plan: LayerPlan, data: Data, recipe: Recipe) -> tuple[Model, History]:
        """Build and train a network by a plan, from the problem's seed.

        Outputs of frozen layers at the input's end are computed once.
        """
        with seeded(self.problem.seed):
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
            history = supervise(network, self.problem.task, above, recipe, parts)
            return model.requires_grad_(requires_grad=True).cpu().eval(), history

    def cross_validate(
        self, plans: Sequence[LayerPlan], data: Data, n_splits: int
    ) -> dict[LayerPlan, float]:
        """Rate plans on held-out labels; empty where these are too few to be split."""
        y, stratified = data.y.numpy(), self.problem.task.stratified
        n = count_folds(y, FOLDS, stratified=stratified)
        if not n:
            return {}
        folds = make_folds(y, n, self.problem.seed, stratified=stratified)[:n_splits]
        recipe = _halved(self.problem.recipe)
        scores = {plan: [self.score(plan, data, held, recipe) for held in folds] for plan in plans}
        return {plan: math.fsum(each) / len(each) for plan, each in scores.items()}

    def score(self, plan: LayerPlan, data: Data, held: NDArray[np.intp], recipe: Recipe) -> float:
        """Train by a plan without some rows, and rate it on these.

        The score is accuracy, or minus the loss where labels are no classes.
        """
        rest = np.setdiff1d(np.arange(len(data.y)), held)
        model, _ = self.train(plan, data.at(rest), recipe)
        asked = data.at(held)
        outputs = torch.from_numpy(model.outputs(asked.rows))
        if self.problem.task.has_classes:
            return float((outputs.argmax(1) == asked.y).float().mean())
        return -float(self.problem.task.loss(outputs, asked.y))

    def _built(self, plan: LayerPlan) -> Model:
        model = self.problem.model(self.problem.body())
        source = self.problem.source_model
        fresh, old = _layers(model), _layers(source)
        for name in plan.copied:
            if name == HEAD:
                keep_head(model.head, source.head, self.problem)
            else:
                fresh[name].load_state_dict(old[name].state_dict())
        return model


def _halved(recipe: Recipe) -> Recipe:
    """Return a recipe for trials: half the steps, and no rows held out."""
    return recipe.but(
        epochs=math.ceil(recipe.epochs / 2),
        min_steps=math.ceil(recipe.min_steps / 2),
        steps=None if recipe.steps is None else max(1, recipe.steps // 2),
        validation=0.0,
        patience=None,
    )


def _layers(model: Model) -> dict[str, nn.Module]:
    return {**stages(model.body), HEAD: model.head}


def _cut(model: Model, frozen: list[str]) -> tuple[nn.Module | None, nn.Module]:
    """Split a body behind its first, frozen layers, as far as it can be cut."""
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
