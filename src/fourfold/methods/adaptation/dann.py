"""Domain-adversarial training of neural networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.errors import ParameterError
from fourfold.methods.adaptation._critic import Critic, note
from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import (
    USUAL,
    Needs,
    NonNegative,
    PositiveInt,
    Recipe,
    class_confusion,
    domain_loss,
    reverse,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fourfold.methods.kit import Body, Model, Problem

__all__ = ["DANN"]


@final
class DANN(TrainsJointly):
    """Learn features from which a critic cannot tell the domains apart (domain-adversarial).

    The features minimize the label loss and, through a gradient that is reversed on its way down,
    maximize the loss of a critic that guesses the domain.

    Parameters
    ----------
    lambda_
        λ at the end of training; it grows as λ·(2/(1 + e^{−10p}) − 1) over the progress p. The
        paper's is 1, with SGD from random weights; here more than .3 makes many trainings collapse.
    tap
        Stage of the network that the critic reads; None: the last one.
    critic_width
        Units of each of the critic's hidden layers.
    critic_layers
        Number of these.
    confusion
        Weight of the target's class confusion beside the critic (MCC), at the end of training.

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

    lambda_: NonNegative = 0.1
    tap: str | None = None
    critic_width: PositiveInt = 100
    critic_layers: PositiveInt = 2
    confusion: NonNegative = 0.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )
    default_recipe: ClassVar[Recipe] = USUAL  # critics need as long as the source
    renamed: ClassVar[dict[str, str]] = {"strength": "lambda_"}

    def _tap(self, body: Body) -> str:
        return self.tap or super()._tap(body)

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        del model
        if self.confusion and not problem.task.has_classes:
            raise ParameterError(
                f"confusion of DANN must be 0 where labels are no classes; got {self.confusion:g}"
            )
        return Critic(width, self.critic_width, self.critic_layers)

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        source, target = (critic(reverse(v.features, self.lambda_ * weight)) for v in (s, t))
        note(critic, source, target)
        confused = class_confusion(t.outputs) if self.confusion else 0.0
        return domain_loss(source, target) + self.confusion * weight * confused
