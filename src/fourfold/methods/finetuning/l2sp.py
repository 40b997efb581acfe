"""L2-SP: fine-tuning that stays close to the source model's weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import torch
from torch import Tensor

from fourfold.algorithms.fisher import fisher_diagonal
from fourfold.core.parameters import NonNegative
from fourfold.data.rows import evenly
from fourfold.errors import ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import hold_out
from fourfold.estimators.warm_start import Head, start
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Part, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["L2SP"]

FISHER_ROWS: Final = 500
"""Source rows that the Fisher information is averaged over."""


@final
class L2SP(NetworkEstimator):
    """Fine-tune with weights that are pulled back to the source model's, not to zero.

    The penalty is α/2·‖w − w⁰‖² on the weights that are transferred, w⁰ being a copy of where they
    start, and β/2·‖w‖² on a fresh last layer. It stands in for weight decay.

    Parameters
    ----------
    alpha
        α, for transferred weights; None is 1/n for n labels, which makes the penalty a normal prior
        of variance 1 around the source's weights: the more labels, the less it counts.
    beta
        β, for a fresh last layer.
    fisher
        Weigh each transferred weight's distance by its Fisher information on the source, divided by
        the average over all weights, so that α means the same with and without.
    head
        Whether the last layer starts fresh, as in :class:`FineTune`; the source's is transferred.

    Attributes
    ----------
    start_
        Weight's name → w⁰, saved with the model.
    history_
        Losses, penalty included, and seconds of the training on the target.

    References
    ----------
    Li, Grandvalet & Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional
    Networks, ICML 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = L2SP().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    alpha: NonNegative | None = None
    beta: NonNegative = 0.01
    fisher: bool = False
    head: Head = "auto"

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)
    tensors: ClassVar[tuple[str, ...]] = ("start_",)

    def _learn(self, job: Job) -> Model:
        model, kept = start(job, self.head)
        transferred = dict((model if kept else model.body).named_parameters())
        fresh = [] if kept else list(model.head.parameters())
        self.start_ = {name: w.detach().clone() for name, w in transferred.items()}
        importance = self._importance(job, model, kept=kept)
        train, validate = hold_out(model, job.task, job.target.known(), job.recipe)
        alpha = 1 / len(train.y) if self.alpha is None else self.alpha

        def loss(_t: float, batch: Batch) -> Tensor:
            away = sum(
                (importance[name].to(w) * (w - self.start_[name].to(w)).square()).sum()
                for name, w in transferred.items()
            )
            large = sum(w.square().sum() for w in fresh)
            fit = job.task.loss(model(batch.x), batch.y)
            return fit + alpha / 2 * away + self.beta / 2 * large

        phase = Phase(loss, [Part(model, weight_decay=0.0)])
        self.history_: History = minimize(
            model, phase, train.table(), recipe=job.recipe, validate=validate
        )
        return model

    def _importance(self, job: Job, model: Model, *, kept: bool) -> dict[str, Tensor]:
        """Return F̂ of each transferred weight, 1 on average; 1 for all without Fisher."""
        if not self.fisher:
            return dict.fromkeys(self.start_, torch.ones(()))
        if job.source is None or job.source_task is None:
            raise ParameterError(
                "fisher=True must have the source's data to measure on; got a trained model"
            )
        known = job.source.known()
        few = known.at(evenly(len(known.y), FISHER_ROWS))
        measured, task = (model, job.task) if kept else (job.source_model, job.source_task)
        found = fisher_diagonal(measured, few.rows, task)
        named = {name if kept else name.removeprefix("body."): f for name, f in found.items()}
        wanted = {name: named[name] for name in self.start_}
        average = torch.cat([f.flatten() for f in wanted.values()]).mean().clamp(min=1e-12)
        return {name: f / average for name, f in wanted.items()}
