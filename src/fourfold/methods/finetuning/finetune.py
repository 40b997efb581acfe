"""Fine-tuning: start from the source model, and train on with the target's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.core.parameters import Fraction
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import hold_out, probe
from fourfold.estimators.warm_start import Head, start
from fourfold.networks.stages import stages
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Part, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["FineTune"]


@final
class FineTune(NetworkEstimator):
    """Fine-tune a source model on few target labels: lower layers slowly, the head at full speed.

    The source model is trained once per seed and remembered. Layers near the input hold what
    domains share, so each stage learns slower than the one above it. The stages are the parts of
    the network; where it is a single module, that module's parts.

    Parameters
    ----------
    decay
        Learning rate of each stage of the network as a share of the one above it, in [0, 1];
        0 trains the head alone, on features that are computed once.
    head
        ``"new"`` starts a fresh last layer; ``"source"`` starts from the source's; ``"auto"`` does
        so where it can: where every class of the target is among the source's, or both have as
        many answers, or as many numbers, whose scales are converted.
    probe_first
        LP-FT: train the head on frozen features first, then everything.

    Attributes
    ----------
    history_
        Losses and seconds of the training on the target.

    References
    ----------
    Howard & Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018
    (discriminative learning rates). Kumar et al., Fine-Tuning can Distort Pretrained Features and
    Underperform Out-of-Distribution, ICLR 2022 (``probe_first``).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = FineTune().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    decay: Fraction = 0.5
    head: Head = "auto"
    probe_first: bool = False

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        model, _ = start(job, self.head)
        known = job.target.known()
        if self.decay == 0:
            self.history_: History = probe(model, job.task, known, job.recipe)
            return model
        train, validate = hold_out(model, job.task, known, job.recipe)
        if self.probe_first:
            probe(model, job.task, train, job.recipe)

        def loss(_t: float, batch: Batch) -> Tensor:
            return job.task.loss(model(batch.x), batch.y)

        phase = Phase(loss, self._parts(model))
        self.history_ = minimize(model, phase, train.table(), recipe=job.recipe, validate=validate)
        return model

    def _parts(self, model: Model) -> list[Part]:
        """Let the head learn at the full rate, and each stage at a share of the one above it."""
        upwards = [part for part in stages(model.body).values() if list(part.parameters())][::-1]
        rates = enumerate(upwards, start=1)
        return [Part(model.head), *(Part(stage, self.decay**i) for i, stage in rates)]
