"""Learning without forgetting: the old outputs are kept while the new ones are learnt."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, ClassVar, final

from torch import nn

from fourfold.core.parameters import NonNegative, Positive
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import hold_out, probe, recorded
from fourfold.estimators.warm_start import Head, start
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["LwF"]


@final
class LwF(NetworkEstimator):
    """Fine-tune while the old last layer goes on saying of the target's rows what it said before.

    The network gets a second last layer, the source's own, whose outputs on the target's rows are
    recorded before training and kept by distillation. No source data are needed, and the two label
    sets may differ.

    Parameters
    ----------
    weight
        Of the old outputs.
    temperature
        At which old and new outputs are compared.
    head
        Whether the new last layer starts fresh, as in :class:`FineTune`.
    warm_up
        Train a fresh last layer alone first.

    Attributes
    ----------
    history_
        Losses and seconds of the training on the target.

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
    head: Head = "auto"
    warm_up: bool = True

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        task, old_task = job.task, job.known_source_task
        old = copy.deepcopy(job.source_model.head)
        model, kept = start(job, self.head)
        train, validate = hold_out(model, task, job.target.known(), job.recipe)
        said = recorded(nn.Sequential(model.body, old), train.rows)  # (n, k_old)
        if self.warm_up and not kept:
            probe(model, task, train, job.recipe)

        def loss(_t: float, batch: Batch) -> Tensor:
            features = model.body(batch.x)  # (B, d)
            forgets = old_task.distillation_loss(old(features), batch.z, self.temperature)
            return task.loss(model.head(features), batch.y) + self.weight * forgets

        nets = nn.ModuleDict({"model": model, "old": old})
        self.history_: History = minimize(
            nets, Phase(loss, nets), train.table(said), recipe=job.recipe, validate=validate
        )
        return model
