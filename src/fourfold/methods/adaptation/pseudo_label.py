"""Pseudo-labels for a network."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, final

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.pseudo_labels import surest
from fourfold.methods.adaptation._joint import ADAPTING, signs, source_model
from fourfold.methods.adaptation._open_set import OpenModel
from fourfold.methods.kit import (
    Batch,
    Data,
    Fitted,
    Fraction,
    History,
    Model,
    Needs,
    NonNegative,
    Phase,
    PositiveInt,
    Problem,
    Recipe,
    Task,
    TrainsNetwork,
    Transcription,
    forward_by_domain,
    hold_out,
    label_loss,
    minimize,
    teacher_outputs,
    validation,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

__all__ = ["PseudoLabel"]


@final
class PseudoLabel(TrainsNetwork):
    """Train a network on the source's labels and on its own surest answers for the target.

    Training goes on from the source model in rounds. Each learns a larger share of each class's
    answers, the last one all of them, so that no class crowds out another. Labels that the target
    has take the place of answers. Transcripts are ranked together, by their confidence.

    With ``Classification(open_set=True)`` the network learns rows of no known class as one more: at
    first the target's rows of high energy. The answers of a row's neighbours vote.

    Parameters
    ----------
    rounds
        Number of times that the answers are computed.
    confidence
        Least probability of an answer that is learnt.
    weight
        Weight of the answers beside the source's labels.

    References
    ----------
    Lee, Pseudo-Label: The Simple and Efficient Semi-Supervised Learning Method for Deep Neural
    Networks, ICML Workshops 2013. Zou, Yu, Kumar & Wang, Unsupervised Domain Adaptation for
    Semantic Segmentation via Class-Balanced Self-Training, ECCV 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = PseudoLabel().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    rounds: PositiveInt = 5
    confidence: Fraction = 0.0
    weight: NonNegative = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True,
        transcripts=True, open_set=True,
    )  # fmt: skip
    default_recipe: ClassVar[Recipe] = ADAPTING

    def _learn(self, problem: Problem) -> Fitted:
        task, target = problem.task, problem.target
        train, held = hold_out(problem.source_data.known(), problem.recipe)
        opened = OpenModel(problem, self) if task.beyond else None
        model = source_model(self, problem) if opened is None else opened.model
        parts, least = self.rounds, 0.0
        if opened is not None:  # what is new to the network takes longer, and more rows, to learn
            parts, least = max(self.rounds // 2, 1), 0.3

        def loss(_p: float, s: Batch, t: Batch) -> Tensor:
            fs, ft = forward_by_domain(model.body, s.x, t.x)
            answers = self.weight * task.loss(model.head(ft), t.y, t.weight)
            return task.loss(model.head(fs), s.y, s.weight) + answers

        phase, source, history = Phase(loss, model), train.table(), History()
        validate = validation(model, label_loss(model, task), held)
        recipe = problem.recipe.part(parts)
        for share in np.linspace(least, 1, self.rounds + 1)[1:]:
            if isinstance(task, Transcription):
                answered = self._transcribed(model, task, target, share)
            elif opened is None:
                p = teacher_outputs(model, target.rows).softmax(1).numpy()
                answered = self._answered(p, target, share)
            else:
                answered = self._answered(opened.answers(), target, share)
            table = answered.table()
            later = minimize(model, phase, source, table, recipe=recipe, validate=validate)
            history = history.then(later)
        return Fitted(model, history, signs(problem, model))

    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> nn.Module:
        if task.beyond:
            return nn.Linear(width, task.n_outputs + len(task.beyond))
        return super().restore_head(task, width, state)

    def _answered(self, p: NDArray[np.float32], target: Data, share: float) -> Data:
        """Return the target with its labels, and a share of the surest answers (n, k) besides."""
        rows, guess = surest(p, share, self.confidence)
        y, labelled = target.y.clone(), target.labelled.copy()
        ours = ~labelled[rows]
        y[torch.from_numpy(rows[ours])] = torch.from_numpy(guess[ours])
        labelled[rows] = True
        return replace(target, y=y, labelled=labelled)

    def _transcribed(self, model: Model, task: Transcription, target: Data, share: float) -> Data:
        """Return the target with its transcripts, and a share of a model's where it has none."""
        guess, sure = task.guesses(model.outputs(target.rows))
        longest = max(guess.shape[1], target.y.shape[1])
        y, guess = (
            F.pad(part, (0, longest - part.shape[1]), value=-1) for part in (target.y, guess)
        )
        able = ~target.labelled & (sure > max(self.confidence, 0))
        rows = np.flatnonzero(able)[np.argsort(-sure[able])[: round(share * able.sum())]]
        labelled = target.labelled.copy()
        y[rows], labelled[rows] = guess[rows], True
        return replace(target, y=y, labelled=labelled)
