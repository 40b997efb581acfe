"""Fine-tuning: start from the source model, and train on with the target's labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, final

import torch
from torch import nn

from fourfold.core.estimator import Needs
from fourfold.core.inference import in_blocks
from fourfold.core.parameters import Fraction
from fourfold.core.tasks import Classification, Regression
from fourfold.core.training import History, Part, Phase, Recipe, minimize
from fourfold.errors import DataError
from fourfold.methods.job import Data, Model, hold_out, supervise
from fourfold.methods.network import NetworkEstimator
from fourfold.rows import ArrayRows

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.core.training import Batch
    from fourfold.methods.job import Job

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
        so where it can: where every class of the target is among the source's, or both are
        regressions with the same number of outputs, whose scales are converted.
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
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        source = job.source_model
        model = job.model(source.body)
        self._keep_head(model.head, source.head, job)
        known = job.target.known()
        if self.decay == 0:
            self.history_: History = _probe(model, known, job, job.recipe)
            return model
        train, validate = hold_out(model, job.task, known, job.recipe)
        if self.probe_first:
            _probe(model, train, job, job.recipe.derived("probe"))

        def loss(_t: float, batch: Batch) -> Tensor:
            return job.task.loss(model(batch.x), batch.y)

        phase = Phase(loss, self._parts(model))
        self.history_ = minimize(model, phase, train.table(), recipe=job.recipe, validate=validate)
        return model

    def _parts(self, model: Model) -> list[Part]:
        """Let the head learn at the full rate, and each stage at a share of the one above it."""
        stages = reversed(_stages(model.body))
        return [Part(model.head), *(Part(s, self.decay**i) for i, s in enumerate(stages, start=1))]

    def _keep_head(self, new: nn.Module, old: nn.Module, job: Job) -> None:
        """Start the target's outputs from the source's, where it has them."""
        if self.head == "new":
            return
        weights = _converted(old.state_dict(), job.source_task, job.task)
        if weights is not None:
            new.load_state_dict(weights)
        elif self.head == "source":
            raise DataError(
                "head='source' needs every class of the target among the source's, or two "
                "regressions with the same number of outputs; use head='new' or head='auto'"
            )


def _probe(model: Model, data: Data, job: Job, recipe: Recipe) -> History:
    """Train the head alone, on features that are computed once."""
    features = Data(ArrayRows(in_blocks(model.body, data.rows)), data.y, data.labelled)
    return supervise(model.head, job.task, features, recipe)


def _stages(body: nn.Module) -> list[nn.Module]:
    """Return the parts of a network that have weights, from its input to its output."""
    stages = [part for part in body.children() if list(part.parameters())]
    if len(stages) == 1 and list(stages[0].children()):
        own = list(stages[0].parameters(recurse=False))  # such as a transformer's class token
        inner = _stages(stages[0])
        return [nn.ParameterList(own), *inner] if own else inner
    return stages


def _converted(
    head: dict[str, Tensor], source: Task | None, target: Task
) -> dict[str, Tensor] | None:
    """Write a linear head for the outputs of another task; None where that has other outputs."""
    if isinstance(source, Classification) and isinstance(target, Classification):
        rows = source.codes(target.classes_)
        return None if (rows < 0).any() else {k: v[rows] for k, v in head.items()}
    if not isinstance(source, Regression) or not isinstance(target, Regression):
        return None
    if source.n_outputs != target.n_outputs:
        return None
    ratio = source.scale_ / target.scale_
    shift = (source.mean_ - target.mean_) / target.scale_
    weight, bias = head["weight"], head["bias"]
    return {
        "weight": weight * torch.as_tensor(ratio[:, None]).to(weight),
        "bias": bias * torch.as_tensor(ratio).to(bias) + torch.as_tensor(shift).to(bias),
    }
