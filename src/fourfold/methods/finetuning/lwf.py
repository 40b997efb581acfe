"""Learning without forgetting: old outputs are distilled while new ones are learnt."""

from __future__ import annotations

import copy
from typing import ClassVar, final

from torch import Tensor, nn

from fourfold.core.tasks import Regression
from fourfold.methods.kit import (
    USUAL,
    Batch,
    Fitted,
    Needs,
    NonNegative,
    ParameterError,
    Phase,
    Positive,
    Problem,
    Recipe,
    StartsFromHead,
    hold_out,
    label_loss,
    minimize,
    probe,
    teacher_outputs,
    validation,
    warm_start,
)

__all__ = ["LwF"]


@final
class LwF(StartsFromHead):
    """Fine-tune while the source's last layer keeps its outputs on the target's rows.

    The network gets a second last layer, the source's own, whose outputs on the target's rows are
    recorded before training and kept by distillation. No source data are needed, and the two label
    sets may differ.

    Parameters
    ----------
    weight
        Weight of the distillation loss on the old outputs.
    temperature
        Temperature of the distillation.
    warm_up
        Train a fresh last layer alone first.

    References
    ----------
    Li & Hoiem, Learning without Forgetting, ECCV 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = LwF().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    weight: NonNegative = 1.0
    temperature: Positive = 2.0
    warm_up: bool = True

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, costly=True)
    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return {"warm_up": "head='source'"} if self.head == "source" else {}

    def _learn(self, problem: Problem) -> Fitted:
        task, old_task, recipe = problem.task, problem.known_source_task, problem.recipe
        if isinstance(old_task, Regression) and self.is_changed("temperature"):
            raise ParameterError(
                "temperature of LwF must be left out where the source's labels are numbers, which "
                f"have none; got {self.temperature}"
            )
        old = copy.deepcopy(problem.source_model.head)
        model, kept, findings = warm_start(problem, self.head)
        train, held = hold_out(problem.target.known(), recipe)
        recorded = teacher_outputs(nn.Sequential(model.body, old), train.rows)  # (n, k_old)
        if self.warm_up and not kept:
            probe(model, task, train, recipe)

        fit = label_loss(model, task)

        def loss(_t: float, batch: Batch) -> Tensor:
            features = model.body(batch.x)  # (B, d)
            labels = task.loss(model.head(features), batch.y, batch.weight)
            forgetting = old_task.distillation_loss(
                old(features), batch.z, self.temperature, batch.weight
            )
            return labels + self.weight * forgetting

        nets = nn.ModuleDict({"model": model, "old": old})
        phase, validate = Phase(loss, nets), validation(model, fit, held)
        history = minimize(nets, phase, train.table(recorded), recipe=recipe, validate=validate)
        return Fitted(model, history, findings)
