"""Adaptation with outputs that stay close to the source model's on the target's own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.core.parameters import Fraction
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import hold_out, recorded
from fourfold.estimators.warm_start import start
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["KLAdaptation"]


@final
class KLAdaptation(NetworkEstimator):
    """Fine-tune towards labels mixed with what the source model says of the same rows.

    To add ρ times the Kullback-Leibler divergence from the source model's outputs is to replace the
    labels by p̂ = (1 − ρ)·p_label + ρ·p_source(y|x). Made for one speaker and few sentences; the
    target's labels must be among the source's classes.

    Parameters
    ----------
    rho
        ρ in [0, 1]: 0 is fine-tuning, 1 stays at the source model.

    Attributes
    ----------
    history_
        Losses and seconds of the training on the target.

    References
    ----------
    Yu, Yao, Su, Li & Seide, KL-Divergence Regularized Deep Neural Network Adaptation for Improved
    Large Vocabulary Speech Recognition, ICASSP 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = KLAdaptation().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    rho: Fraction = 0.5

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, same_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        task, source = job.task, job.source_model
        model, _ = start(job, "source")
        train, validate = hold_out(model, task, job.target.known(), job.recipe)
        teacher = recorded(source, train.rows)  # (n, k): before a weight has moved

        def loss(_t: float, batch: Batch) -> Tensor:
            outputs = model(batch.x)  # (B, k)
            labels, source_says = (
                task.loss(outputs, batch.y),
                task.distillation_loss(outputs, batch.z),
            )
            return (1 - self.rho) * labels + self.rho * source_says

        self.history_: History = minimize(
            model, Phase(loss, model), train.table(teacher), recipe=job.recipe, validate=validate
        )
        return model
