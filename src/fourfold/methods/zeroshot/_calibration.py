"""Calibrated stacking: a penalty on the scores of seen classes, chosen on seen classes alone.

Chao et al., An Empirical Study and Analysis of Generalized Zero-Shot Learning for Object
Recognition in the Wild, ECCV 2016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.problem import Labelled
from fourfold.methods.zeroshot._label_heads import head_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.data.descriptions import Descriptions
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.model import Model
    from fourfold.methods.zeroshot._seen import SeenData

    Margins = NDArray[np.float64]

__all__ = ["check_has_rows", "choose_penalty", "score_spread", "seen_penalties"]

AS_GOOD: Final = 0.02
"""Penalties with a harmonic mean this near to the best one are as good."""
LOOKED_AT: Final = 500
"""Rows on which the spread of scores is measured."""


def score_spread(model: Model, seen: SeenData) -> float:
    """Return the mean standard deviation of a row's scores over the seen classes, above 0."""
    head_of(model).set_classes(seen.signatures)
    some = seen.data.at(seen.data.rows.draw(LOOKED_AT))
    spread = float(model.outputs(some.rows).astype(np.float64).std(axis=1).mean())
    return spread if spread > 0 else 1.0


def seen_penalties(described: Descriptions, seen: Sequence[Any], penalty: float) -> Tensor:
    """Return the penalty of each class, (k,): 0 for those without examples."""
    known = set(seen)
    return torch.tensor([penalty * (name in known) for name in described.names.tolist()])


def check_has_rows(source: object) -> None:
    """Refuse a source without rows, on which no penalty could be chosen."""
    if not isinstance(source, Labelled):
        raise ParameterError(
            "generalized must have the source's data to weigh seen against unseen classes; got a "
            "trained model"
        )


def choose_penalty(seen: SeenData, seed: int, learn: Callable[[SeenData], Model]) -> float:
    """Choose the penalty of seen classes on folds of these, in spreads of a model's scores.

    Raises
    ------
    DataError
        If fewer than four classes have examples.
    """
    folds = []
    for rest, held in seen.class_folds(seed):
        learnt, kept = rest.hold_rows(seed)
        model = learn(learnt)
        folds.append(_fold_margins(model, score_spread(model, learnt), rest, kept, held))
    if not folds:
        raise DataError(
            "at least four classes must have examples to weigh seen against unseen ones "
            f"(generalized); got {len(seen.signatures)}"
        )
    return _best_penalty(folds)


def _fold_margins(
    model: Model, spread: float, rest: SeenData, kept: Data, held: SeenData
) -> tuple[Margins, Margins]:
    """Return the margins of rows kept from the other classes, and of those of held-out classes.

    Scores are in units of the model's own spread, since models of other classes have scores of
    other sizes.
    """
    head_of(model).set_classes(torch.cat([rest.signatures, held.signatures]))
    c = len(rest.signatures)
    seen, unseen = (model.outputs(data.rows) / spread for data in (kept, held.data))
    return _margins(seen, kept.y.numpy(), c), _margins(unseen, held.data.y.numpy() + c, c)


def _best_penalty(folds: Sequence[tuple[Margins, Margins]]) -> float:
    """Return a penalty with a large harmonic mean of both accuracies, averaged over folds.

    It is amid those that are about as good as the best: few classes decide little.
    """
    ends = np.concatenate([part for seen, unseen in folds for part in (seen[:, 2], unseen[:, 1])])
    ends = np.unique(ends[np.isfinite(ends)])
    if not len(ends):
        return 0.0
    tried = np.concatenate([[ends[0] - 1], (ends[1:] + ends[:-1]) / 2, [ends[-1] + 1]])
    tried = np.unique(np.quantile(tried, np.linspace(0, 1, min(len(tried), 500))))
    rated = [np.mean([_harmonic(*fold, at) for fold in folds]) for at in tried.tolist()]
    return float(tried[np.array(rated) >= max(rated) - AS_GOOD].mean())


def _margins(scores: NDArray[np.float32], true: NDArray[np.intp], seen: int) -> Margins:
    """Return each row's class, and the penalties between which it is recognized, (n, 3).

    Seen classes come first; a row is recognized while its class beats all of its own side and,
    after the penalty, the other side.
    """
    best_seen, best_unseen = scores[:, :seen].max(axis=1), scores[:, seen:].max(axis=1)
    own = scores[np.arange(len(true)), true]
    of_seen = true < seen
    leads = own >= np.where(of_seen, best_seen, best_unseen)
    gap = (best_seen - best_unseen).astype(np.float64)  # the penalty at which both sides tie
    low = np.where(of_seen, -np.inf, gap)
    high = np.where(of_seen, gap, np.inf)
    return np.column_stack([true, np.where(leads, low, np.inf), np.where(leads, high, -np.inf)])


def _harmonic(seen: Margins, unseen: Margins, at: float) -> float:
    """Return the harmonic mean of a fold's accuracies at a penalty."""
    return GeneralizedScore.of(_accuracy(seen, at), _accuracy(unseen, at)).harmonic


def _accuracy(margins: Margins, at: float) -> float:
    """Return the accuracy at a penalty, averaged over classes."""
    right = (margins[:, 1] <= at) & (at <= margins[:, 2])
    return float(np.mean([right[margins[:, 0] == c].mean() for c in np.unique(margins[:, 0])]))
