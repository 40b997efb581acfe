"""Fine-tuning: start from the source model, and train on with the target's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, final

import numpy as np
import torch

from fourfold.core.estimator import Needs
from fourfold.core.inference import in_blocks
from fourfold.core.parameters import Fraction
from fourfold.core.tasks import Classification
from fourfold.core.training import History, Part, Phase, Recipe, Table, minimize
from fourfold.errors import DataError
from fourfold.methods.job import Model, hold_out
from fourfold.methods.network import NetworkEstimator

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fourfold.core.training import Batch
    from fourfold.methods.job import Data, Job

__all__ = ["FineTune"]


@final
class FineTune(NetworkEstimator):
    """Fine-tune a source model on few target labels: lower layers slowly, the head at full speed.

    The source model is trained once per seed and remembered. Layers near the input hold what
    domains share, so each stage learns slower than the one above it.

    Parameters
    ----------
    decay
        Learning rate of each stage of the network as a share of the one above it, in [0, 1];
        0 trains the head alone.
    head
        ``"new"`` starts a fresh last layer; ``"source"`` keeps the source's, for classes that the
        source has; ``"auto"`` keeps it where every class of the target is among the source's.
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
    head: Literal["auto", "new", "source"] = "auto"
    probe_first: bool = False

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20)

    def _learn(self, job: Job) -> Model:
        source = job.source_model
        model = job.model(source.body)
        self._keep_head(model.head, source.head, job)
        train, validate = hold_out(model, job.task, job.target.known(), job.recipe)

        if self.probe_first:
            self._probe(model, train, job)
        model.body.requires_grad_(self.decay > 0)

        def loss(_t: float, batch: Batch) -> Tensor:
            return job.task.loss(model(batch.x), batch.y)

        phase = Phase(loss, self._parts(model))
        self.history_: History = minimize(
            model, phase, train.table(), recipe=job.recipe, validate=validate
        )
        return model

    def _parts(self, model: Model) -> list[Part]:
        """Let the head learn at the full rate, and each stage at a share of the one above it."""
        stages = [stage for stage in model.body.children() if list(stage.parameters())]
        below = [Part(stage, self.decay**i) for i, stage in enumerate(reversed(stages), start=1)]
        return [Part(model.head), *below]

    @staticmethod
    def _probe(model: Model, train: Data, job: Job) -> None:
        """Train the head alone, on features that are computed once."""
        features = torch.from_numpy(in_blocks(model.body, train.rows))

        def loss(_t: float, batch: Batch) -> Tensor:
            return job.task.loss(model.head(batch.x), batch.y)

        head = Phase(loss, model.head)
        minimize(model.head, head, Table(features, train.y), recipe=job.recipe.derived("probe"))

    def _keep_head(self, new: nn.Module, old: nn.Module, job: Job) -> None:
        """Start the target's classes from the source's, where it has them."""
        if self.head == "new":
            return
        task, before = job.task, job.source_task
        if (
            isinstance(task, Classification)
            and isinstance(before, Classification)
            and np.isin(task.classes_, before.classes_).all()
        ):
            rows = np.searchsorted(before.classes_, task.classes_)
            new.load_state_dict({name: value[rows] for name, value in old.state_dict().items()})
        elif self.head == "source":
            raise DataError(
                "head='source' needs every class of the target among the source's; "
                "use head='new' or head='auto'"
            )
