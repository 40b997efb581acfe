"""Domain-adversarial training of neural networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from torch import Tensor, nn

from fourfold.core.parameters import NonNegative, PositiveInt
from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.networks import as_body
from fourfold.networks.cut import split
from fourfold.training.loop import minimize
from fourfold.training.losses import domain_loss, ramp, reverse
from fourfold.training.norms import forward_by_domain
from fourfold.training.phases import History, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["DANN"]


@final
class DANN(NetworkEstimator):
    """Learn features from which a critic cannot tell the domains apart, and the labels follow.

    The features minimize the label loss and, through a gradient that is reversed on its way down,
    maximize the loss of a critic that guesses the domain. Each domain is normalized by its own
    batch statistics; predictions use the target's. Labels that the target has take part.

    Parameters
    ----------
    strength
        λ at the end of training; it grows as λ·(2/(1 + e^{−10p}) − 1) over the progress p.
    tap
        Stage of the network whose output the critic reads; None is the network's own choice (the
        last convolution of a convnet, else the last stage).
    critic_width
        Units of the critic's hidden layer.

    Attributes
    ----------
    history_
        Each epoch's loss.

    References
    ----------
    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DANN().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    strength: NonNegative = 1.0
    tap: str | None = None
    critic_width: PositiveInt = 100

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(
        epochs=10, optimizer="sgd", learning_rate=0.01, schedule="inverse", weight_decay=0.0
    )

    def _learn(self, job: Job) -> Model:
        task = job.task
        body = job.body()
        model = job.model(body)
        features, upper = split(body, self.tap or body.tap)
        labels = nn.Sequential(upper, model.head)
        width = as_body(features, job.target.rows.shape).width
        critic = nn.Sequential(
            nn.Flatten(),
            nn.Linear(width, self.critic_width),
            nn.ReLU(),
            nn.Linear(self.critic_width, 1),
        )
        partly = bool(job.target.labelled.any())

        def loss(t: float, s: Batch, target: Batch) -> Tensor:
            weight = self.strength * ramp(t)
            fs, ft = forward_by_domain(features, s.x, target.x)  # (B, d) each
            confusion = domain_loss(critic(reverse(fs, weight)), critic(reverse(ft, weight)))
            known = task.loss(labels(ft), target.y) if partly else 0.0
            return task.loss(labels(fs), s.y) + known + confusion

        nets = nn.ModuleDict({"model": model, "critic": critic})
        tables = job.source_data.known().table(), job.target.table()
        self.history_: History = minimize(nets, Phase(loss, nets), *tables, recipe=job.recipe)
        return model
