"""Seen data: labelled rows of described classes, and folds of these classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, final

import numpy as np
import torch

from fourfold.estimators.supervised import hold_out, validation
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor, nn

    from fourfold.estimators.inputs import Data
    from fourfold.training.batches import Batch
    from fourfold.training.phases import History
    from fourfold.training.recipe import Recipe

__all__ = ["SeenData", "train_on"]

FOLDS: Final = 5
"""Folds of the seen classes that stand for unseen ones."""
MANY: Final = 500
"""From this number of classes on, two folds suffice."""


@final
@dataclass(frozen=True)
class SeenData:
    """Labelled rows of described classes.

    ``data.y`` are positions among the signatures (c, m) of the classes that have rows; the data are
    whole where none of the source's rows are held out.
    """

    data: Data
    signatures: Tensor
    whole: bool = True

    @property
    def n_folds(self) -> int:
        """Number of class folds by which a method chooses its own parameters."""
        return FOLDS if len(self.signatures) < MANY else 2

    def class_folds(self, seed: int, most: int = FOLDS) -> Iterator[tuple[SeenData, SeenData]]:
        """Hold out some of the classes in turn: the rest, and the rows of held-out classes.

        About a fifth of the classes, at least two; no fold where fewer than four classes have rows.
        """
        classes = len(self.signatures)
        few = max(2, round(classes / 5))
        if classes < 4:
            return
        order = np.random.default_rng(seed).permutation(classes)
        for i in range(min(most, classes // few)):
            held = np.sort(order[i * few : (i + 1) * few])
            yield self._of(np.setdiff1d(np.arange(classes), held)), self._of(held)

    def hold_rows(self, seed: int) -> tuple[SeenData, Data]:
        """Hold out a fifth of the rows, of all classes."""
        n = len(self.data.y)
        order = np.random.default_rng(seed).permutation(n)
        held, rest = np.sort(order[: n // 5]), np.sort(order[n // 5 :])
        return replace(self, data=self.data.at(rest), whole=False), self.data.at(held)

    def _of(self, classes: NDArray[np.intp]) -> SeenData:
        y = self.data.y.numpy()
        data = self.data.at(np.flatnonzero(np.isin(y, classes)))
        codes = torch.from_numpy(np.searchsorted(classes, data.y.numpy()))
        signatures = self.signatures[torch.from_numpy(classes)]
        return SeenData(replace(data, y=codes), signatures, whole=False)


def train_on(
    seen: SeenData, module: nn.Module, loss: Callable[[Batch], Tensor], recipe: Recipe
) -> History:
    """Train a module on seen rows by a loss of batches."""
    train, held = hold_out(seen.data, recipe)
    phase = Phase(lambda _t, batch: loss(batch), module)
    validate = validation(module, loss, held)
    return minimize(module, phase, train.table(), recipe=recipe, validate=validate)
