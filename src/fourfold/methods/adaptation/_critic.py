"""The critic of adversarial methods, and the record of its guesses."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, final

import torch
from torch import nn

from fourfold.core.findings import FAILURE
from fourfold.methods.kit import Curves, Facts

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.methods.kit import Finding

__all__ = ["Critic", "note"]

PARTS: Final = 10
"""Parts of a training over which guesses are averaged."""
APART: Final = 0.98
"""Share of right guesses, from start to end, of a critic that the features do not deceive."""
BLIND: Final = 0.52
"""Share of right guesses, at all times, of a critic that has learnt nothing."""


@final
class Critic(nn.Sequential):
    """Guesses the domain, as a logit (B, 1), of features (B, width): 0 or less is the source."""

    def __init__(self, width: int, hidden: int, layers: int) -> None:
        widths = [width, *[hidden] * layers]
        deep = [m for i, o in pairwise(widths) for m in (nn.Linear(i, o), nn.ReLU())]
        super().__init__(*deep, nn.Linear(hidden, 1))
        self.right: list[Tensor] = []

    def findings(self) -> list[Finding]:
        """Return the shares of right guesses over the training, and signs that it failed."""
        if len(self.right) < PARTS:
            return []
        shares = [float(part.mean()) for part in torch.stack(self.right).tensor_split(PARTS)]
        ticks = [f"{(at + 1) / PARTS:.0%}" for at in range(PARTS)]
        title = "Domains that the critic guesses right"
        found: list[Finding] = [Curves(title, "progress", "share", ticks, {"critic": shares})]
        if min(shares) > APART:
            said = f"tells the domains apart all the time ({min(shares):.0%}): features stay apart"
        elif max(shares) < BLIND:
            said = f"guesses at random all the time ({max(shares):.0%}): it has learnt nothing"
        else:
            return found
        return [*found, Facts(FAILURE, {"critic": said})]


def note(critic: nn.Module, source: Tensor, target: Tensor) -> None:
    """Note the share of right guesses among a critic's logits, both domains alike."""
    if isinstance(critic, Critic) and torch.is_grad_enabled():
        right = (source <= 0).float().mean() + (target > 0).float().mean()
        critic.right.append(right.detach() / 2)
