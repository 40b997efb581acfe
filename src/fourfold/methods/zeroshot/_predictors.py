"""Predictors of attributes, a forest or a network, and the trust that held-out classes justify."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import torch
from torch import nn

from fourfold.algorithms.zeroshot.attribute_posterior import Prior
from fourfold.algorithms.zeroshot.forest import Forest
from fourfold.algorithms.zeroshot.generalized import mean_class_accuracy
from fourfold.estimators.model import Model
from fourfold.estimators.supervised import train_by
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._attribute_heads import AttributeAnswers
from fourfold.networks.mlp import Flat
from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from sklearn.ensemble import ExtraTreesRegressor
    from torch import Tensor

    from fourfold.algorithms.zeroshot.attribute_posterior import Posterior
    from fourfold.estimators.problem import Problem
    from fourfold.methods.zeroshot._seen import SeenData
    from fourfold.networks.builder import Body
    from fourfold.training.batches import Batch

    Array = NDArray[np.float64]

__all__ = [
    "AttributePredictor",
    "HeldOutPredictions",
    "choose_trust",
    "grow_forest",
    "known_rows",
    "predict_attributes",
    "train_network",
]

TRUSTS: Final = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.97)
UNTESTED: Final = 0.5
"""The trust where there are too few classes to hold any out."""


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
    weight = _balanced(codes, seen.data.row_weights)
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
        wanted = seen.signatures.to(batch.x.device)[batch.y]  # (B, m)
        return answers.loss(body(batch.x), wanted, batch.weight)

    history = train_by(loss, model, seen.data, problem.recipe)
    model.cpu().eval()
    return AttributePredictor(body, answers, history)


def _balanced(codes: NDArray[np.int64], weight: NDArray[np.float32]) -> Array:
    """Return weights (n,) of which each class has the same total."""
    return weight / np.bincount(codes, weight)[codes]


class HeldOutPredictions(NamedTuple):
    """Predicted attributes of rows (n, m), their classes and weights, and signatures (c, m)."""

    predicted: Array
    y: NDArray[np.int64]
    weight: NDArray[np.float32]
    signatures: NDArray[np.float32]


def predict_attributes(body: Body, predictor: nn.Module, seen: SeenData) -> HeldOutPredictions:
    """Predict the attributes of rows."""
    predicted = in_blocks(body, seen.data.rows, predictor).astype(np.float64)
    data = seen.data
    return HeldOutPredictions(predicted, data.y.numpy(), data.row_weights, seen.signatures.numpy())


def known_rows(tested: Sequence[HeldOutPredictions]) -> list[Array]:
    """Join predicted and true attributes (n, m), and weights (n,) that balance the classes."""
    parts = [
        (p.predicted, p.signatures[p.y].astype(np.float64), _balanced(p.y, p.weight))
        for p in tested
    ]
    return [np.concatenate(each) for each in zip(*parts, strict=True)]


def choose_trust(posterior: Posterior, prior: Prior, tested: Sequence[HeldOutPredictions]) -> float:
    """Return the trust with the largest accuracy on held-out classes."""
    if not tested:
        return UNTESTED
    known = known_rows(tested)
    rates = np.zeros(len(TRUSTS))
    for i, trust in enumerate(TRUSTS):
        posterior.calibrate(prior, trust, *known)
        for part in tested:
            labels = posterior.embed_classes(torch.from_numpy(part.signatures)).double()
            scores = posterior(torch.from_numpy(part.predicted).float()).double() @ labels.T
            rates[i] += mean_class_accuracy(part.y, scores.argmax(1).numpy())
    best = np.flatnonzero(rates == rates.max())
    return TRUSTS[best[len(best) // 2]]  # in the middle of equally good ones
