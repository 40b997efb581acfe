"""Predictors of attributes: a forest, or a network with a linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fourfold.algorithms.zeroshot.attribute_posterior import Prior
from fourfold.algorithms.zeroshot.forest import Forest
from fourfold.estimators.model import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._attribute_heads import AttributeAnswers
from fourfold.methods.zeroshot._seen import train_on
from fourfold.methods.zeroshot._tested import class_weights
from fourfold.networks.mlp import Flat
from fourfold.training.phases import History

if TYPE_CHECKING:
    from sklearn.ensemble import ExtraTreesRegressor
    from torch import Tensor, nn

    from fourfold.estimators.problem import Problem
    from fourfold.methods.zeroshot._seen import SeenData
    from fourfold.networks.builder import Body
    from fourfold.training.batches import Batch

__all__ = ["AttributePredictor", "grow_forest", "train_network"]


class AttributePredictor(NamedTuple):
    """A module that predicts attributes from the features of a body, and its training."""

    body: Body
    predictor: nn.Module
    history: History


def grow_forest(
    problem: Problem, seen: SeenData, forest: ExtraTreesRegressor
) -> AttributePredictor:
    """Grow a forest from rows to the signatures of their classes, all classes balanced."""
    body = problem.body(Flat())
    X, codes, known = in_blocks(body, seen.data.rows), seen.data.y.numpy(), seen.signatures.numpy()
    prior = Prior.of(known, problem.described.signatures.encoders).mean
    weight = class_weights(codes)
    forest.fit(X, np.where(np.isnan(known), prior, known)[codes], sample_weight=weight)
    grown = Forest.from_sklearn(forest)
    if np.isnan(known).any():  # leaves average over the rows whose attribute is known
        grown.set_leaves(forest.apply(X), known[codes], weight, prior)
    return AttributePredictor(body, grown, History())


def train_network(problem: Problem, seen: SeenData) -> AttributePredictor:
    """Train a network and a linear layer to predict attributes."""
    body = problem.body()
    answers = AttributeAnswers(body.width, problem.described.signatures.encoders)
    model = Model(body, answers)

    def loss(batch: Batch) -> Tensor:
        return answers.loss(body(batch.x), seen.signatures.to(batch.x.device)[batch.y])

    history = train_on(seen, model, loss, problem.recipe)
    model.cpu().eval()
    return AttributePredictor(body, answers, history)
