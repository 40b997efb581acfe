"""Rehearsal: outputs on source rows stay what they were while the target is learnt."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, ClassVar, final

import torch
from torch import nn

from fourfold.core.parameters import NonNegative, PositiveInt
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import hold_out, recorded
from fourfold.estimators.warm_start import Head, start
from fourfold.training.batches import Batch, Table
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.estimators.problem import Job, Model

__all__ = ["Rehearsal"]


@final
class Rehearsal(NetworkEstimator):
    """Fine-tune on the target while source rows are rehearsed: their outputs stay as they were.

    A sample of the source's rows is kept with what the source model says of them; a step learns
    from a batch of the target's and rehearses a batch of these. The source must be data.

    Parameters
    ----------
    weight
        Of the rehearsed outputs.
    memory
        Source rows that are kept, at most.
    head
        Whether the last layer starts fresh, as in :class:`FineTune`.

    Attributes
    ----------
    history_
        Losses and seconds of the training on the target.

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
    head: Head = "auto"

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        task, old_task = job.task, job.known_source_task
        drawn = torch.randperm(job.source_data.rows.n)[: self.memory].numpy()
        kept_rows = job.source_data.rows.subset(drawn)
        said = recorded(job.source_model, kept_rows)  # (n, k_old)
        old = copy.deepcopy(job.source_model.head)
        model, kept = start(job, self.head)
        same = kept and job.task.state() == old_task.state()
        again = model if same else nn.Sequential(model.body, old)
        train, validate = hold_out(model, task, job.target.known(), job.recipe)

        def loss(_t: float, batch: Batch, rehearsed: Batch) -> Tensor:
            forgets = old_task.distillation_loss(again(rehearsed.x), rehearsed.z)
            return task.loss(model(batch.x), batch.y) + self.weight * forgets

        nets = nn.ModuleDict({"model": model, "again": again})
        tables = train.table(), Table(kept_rows, z=said)
        self.history_: History = minimize(
            nets, Phase(loss, nets), *tables, recipe=job.recipe, validate=validate
        )
        return model
