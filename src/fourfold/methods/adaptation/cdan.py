"""Conditional adversarial adaptation."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.adaptation._joint import TrainsJointly, View
from fourfold.methods.kit import USUAL, Needs, NonNegative, PositiveInt, Recipe, entropy, reverse

if TYPE_CHECKING:
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
        Units of the critic's hidden layer.

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

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )
    default_recipe: ClassVar[Recipe] = USUAL  # critics need as long as the source

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        del model
        hidden = self.critic_width
        layers = nn.Linear(width * problem.task.n_outputs, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        return nn.Sequential(*layers)

    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        source, target = (critic(reverse(_paired(v), self.lambda_ * weight))[:, 0] for v in (s, t))
        ws, wt = self._weights(s), self._weights(t)
        return 0.5 * ((ws * F.softplus(source)).mean() + (wt * F.softplus(-target)).mean())

    def _weights(self, view: View) -> Tensor:
        """Return weights (B,) of the rows, 1 on average."""
        if not self.entropy:
            return torch.ones(len(view.outputs), device=view.outputs.device)
        sure = 1 + torch.exp(-entropy(view.outputs.detach()))
        return sure / sure.mean()


def _paired(view: View) -> Tensor:
    """Return features ⊗ probabilities (B, d · k); the probabilities carry no gradient."""
    p = view.outputs.detach().softmax(1)
    return (view.features[:, :, None] * p[:, None, :]).flatten(1)
