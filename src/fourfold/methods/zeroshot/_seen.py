"""Seen and candidate classes with their descriptions; seen rows, and folds of their classes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.dependent_folds import divide_by_classes, hold_out_last
from fourfold.core.tasks import Classification
from fourfold.data.descriptions import candidate_classes
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.problem import ClassDescriptions
from fourfold.preparation.texts import encode_descriptions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.data.domain import Domain
    from fourfold.estimators.inputs import Data
    from fourfold.estimators.problem import SourceNetwork

__all__ = ["SeenData", "described_classes", "seen_classes"]

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
        No group is divided between the two: some rows of either are left out for that.
        """
        classes = len(self.signatures)
        few = max(2, round(classes / 5))
        if classes < 4:
            return
        order = np.random.default_rng(seed).permutation(classes)
        for i in range(min(most, classes // few)):
            held = np.sort(order[i * few : (i + 1) * few])
            rest = np.setdiff1d(np.arange(classes), held)
            y = self.data.y.numpy()
            learnt, judged = divide_by_classes(np.isin(y, held), y, self._groups)
            if len(learnt):
                yield self._of(rest, learnt), self._of(held, judged)

    def hold_rows(self, seed: int) -> tuple[SeenData, Data]:
        """Hold out a fifth of the rows, of all classes, in whole groups."""
        n = len(self.data.y)
        order = np.random.default_rng(seed).permutation(n)
        rest, held = order[n // 5 :], order[: n // 5]
        if self._groups is not None:
            rest, held = hold_out_last(order, max(n // 5, 1), groups=self._groups, time=None)
        held, rest = np.sort(held), np.sort(rest)
        return replace(self, data=self.data.at(rest), whole=False), self.data.at(held)

    @property
    def _groups(self) -> NDArray[np.intp] | None:
        """Groups of the rows, unless all are of one."""
        groups = self.data.groups
        return None if groups is None or (groups == groups[:1]).all() else groups

    def _of(self, classes: NDArray[np.intp], rows: NDArray[np.intp]) -> SeenData:
        data = self.data.at(rows)
        codes = torch.from_numpy(np.searchsorted(classes, data.y.numpy()))
        signatures = self.signatures[torch.from_numpy(classes)]
        return SeenData(replace(data, y=codes), signatures, whole=False)


def seen_classes(name: str, source: Domain | None, pretrained: SourceNetwork | None) -> list[Any]:
    """Return the classes with examples in the source: data, or a trained classifier."""
    if pretrained is not None:
        if not isinstance(pretrained.task, Classification):
            raise ParameterError(
                f"source of {name} must be data with classes, or an estimator that was fitted "
                "to some; got a model that names none"
            )
        known: list[Any] = pretrained.task.classes_.tolist()
        return known
    if source is None or source.known.ndim > 1 or source.measured:
        raise DataError(f"{name} must have classes to learn; got a source whose labels are numbers")
    seen: list[Any] = Classification().fit(source).classes_.tolist()
    if len(seen) < 2:
        raise DataError(
            f"the source must have examples of at least two classes; got one class, {seen[0]!r}"
        )
    return seen


def described_classes(
    name: str, domains: Sequence[Domain], seen: list[Any], encoder: str, *, generalized: bool
) -> ClassDescriptions:
    """Return descriptions of the seen and of the candidate classes; the last domain names these."""
    known = [
        encode_descriptions(domain.classes, encoder, download=True)
        for domain in domains
        if domain.classes is not None
    ]
    if not known:
        raise DataError(
            f"{name} must know descriptions of the classes, Domain(..., classes=...); got none"
        )
    own, asked = known[0], known[-1]  # the target's where it has some, else the source's
    of_seen = (own if own is asked else own.joined(asked)).subset(seen)
    names = candidate_classes(asked, seen, generalized=generalized)
    candidates = asked.joined(of_seen).subset(names)
    signatures = Signatures.fit(candidates.joined(of_seen))
    return ClassDescriptions(seen, of_seen, candidates, signatures)
