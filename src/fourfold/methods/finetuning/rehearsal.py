"""Rehearsal: outputs on source rows are distilled while the target is learnt."""

from __future__ import annotations

import copy
from typing import ClassVar, final

import torch
from torch import Tensor, nn

from fourfold.methods.kit import (
    USUAL,
    Batch,
    Fitted,
    Needs,
    NonNegative,
    Phase,
    PositiveInt,
    Problem,
    Recipe,
    StartsFromHead,
    hold_out,
    label_loss,
    minimize,
    teacher_outputs,
    validation,
    warm_start,
)

__all__ = ["Rehearsal"]


@final
class Rehearsal(StartsFromHead):
    """Fine-tune on the target while outputs on a sample of source rows are distilled.

    The sample is kept with the source model's outputs; a step learns from a batch of the target's
    rows and rehearses a batch of these. The source must be data.

    Parameters
    ----------
    weight
        Weight of the distillation loss on the rehearsed outputs.
    memory
        Largest number of source rows that are kept.

    References
    ----------
    Robins, Catastrophic Forgetting, Rehearsal and Pseudorehearsal, Connection Science 1995.
    Rebuffi et al., iCaRL, CVPR 2017 (stored rows whose recorded outputs are distilled).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = Rehearsal().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    weight: NonNegative = 1.0
    memory: PositiveInt = 1000

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, costly=True)
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        task, old_task = problem.task, problem.known_source_task
        drawn = torch.randperm(problem.source_data.rows.n)[: self.memory].numpy()
        kept_data = problem.source_data.at(drawn)
        recorded = teacher_outputs(problem.source_model, kept_data.rows)  # (n, k_old)
        old = copy.deepcopy(problem.source_model.head)
        model, kept, findings = warm_start(problem, self.head)
        same = kept and task.state() == old_task.state()
        rehearsing = model if same else nn.Sequential(model.body, old)
        train, held = hold_out(problem.target.known(), problem.recipe)

        fit = label_loss(model, task)

        def loss(_t: float, batch: Batch, rehearsed: Batch) -> Tensor:
            forgetting = old_task.distillation_loss(
                rehearsing(rehearsed.x), rehearsed.z, weight=rehearsed.weight
            )
            return fit(batch) + self.weight * forgetting

        nets = nn.ModuleDict({"model": model, "rehearsing": rehearsing})
        tables = train.table(), kept_data.table(recorded)
        validate = validation(model, fit, held)
        phase, recipe = Phase(loss, nets), problem.recipe
        history = minimize(nets, phase, *tables, recipe=recipe, validate=validate)
        return Fitted(model, history, findings)
