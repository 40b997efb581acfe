"""Conditional adversarial adaptation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.methods.adaptation._critic import Critic, note
from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import (
    USUAL,
    Needs,
    NonNegative,
    PositiveInt,
    Recipe,
    certainty,
    class_confusion,
    domain_loss,
    reverse,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from fourfold.methods.kit import Model, Problem

__all__ = ["CDAN"]


@final
class CDAN(TrainsJointly):
    """Learn features from which, class by class, a critic cannot tell the domains apart.

    The critic reads features ⊗ predicted probabilities, so that a class is matched with the same
    class (conditional domain-adversarial).

    Parameters
    ----------
    lambda_
        Factor of the reversed gradient at the end of training.
    entropy
        CDAN+E: rows of sure predictions count more, by 1 + e^{−H}.
    critic_width
        Units of each of the critic's hidden layers.
    critic_layers
        Number of these.
    confusion
        Weight of the target's class confusion beside the critic (MCC), at the end of training.

    References
    ----------
    Long, Cao, Wang & Jordan, Conditional Adversarial Domain Adaptation, NeurIPS 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = CDAN().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    lambda_: NonNegative = 0.3
    entropy: bool = True
    critic_width: PositiveInt = 100
    critic_layers: PositiveInt = 2
    confusion: NonNegative = 0.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )
    default_recipe: ClassVar[Recipe] = USUAL  # critics need as long as the source

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        del model
        return Critic(width * problem.task.n_outputs, self.critic_width, self.critic_layers)

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        source, target = (critic(reverse(_paired(v), self.lambda_ * weight)) for v in (s, t))
        note(critic, source, target)
        sure = (certainty(s.outputs), certainty(t.outputs)) if self.entropy else None
        confused = class_confusion(t.outputs) if self.confusion else 0.0
        return domain_loss(source, target, sure) + self.confusion * weight * confused


def _paired(view: View) -> Tensor:
    """Return features ⊗ probabilities (B, d · k); the probabilities carry no gradient."""
    p = view.outputs.detach().softmax(1)
    return (view.features[:, :, None] * p[:, None, :]).flatten(1)
