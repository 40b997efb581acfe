"""Material: the rows to pick from, labelled ones beside them, and sources."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np

from fourfold.data.annotations import Annotations
from fourfold.data.domain import Domain
from fourfold.data.kinds import settle_labels
from fourfold.data.pooling import pool
from fourfold.data.tables import settle_tables
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.transfer import TransferEstimator
from fourfold.picking.pool import Pool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Material"]

MOST_ROWS: Final = 10_000
"""Rows that are looked at; of more, so many are drawn by their content."""
PER_PICK: Final = 10
"""Rows that are looked at for each pick, where that is more."""


@final
@dataclass(frozen=True)
class Material:
    """Domains whose tables and labels are settled together.

    Attributes
    ----------
    target
        Rows that may be picked, with the labels that they have.
    positions
        (n,) their positions in the user's target.
    beside
        Rows of the target that were labelled elsewhere; empty, or one domain.
    sources
        Domains to learn from.
    trained
        A model to take instead; None without one.
    """

    target: Domain
    positions: NDArray[np.intp]
    beside: tuple[Domain, ...]
    sources: tuple[Domain, ...]
    trained: TransferEstimator | None

    @classmethod
    def read(cls, target: Any, n: int, source: Any, labelled: Domain | None) -> Self:
        """Settle all domains together; of very many rows, look at some.

        Raises
        ------
        DataError
            If a source or the labelled rows have no label.
        ParameterError
            If a source is neither data nor a fitted estimator.
        """
        trained = source if isinstance(source, TransferEstimator) else None
        sources = [] if trained is not None else _listed(source)
        beside = [] if labelled is None else [labelled]
        for one in (*sources, *beside):
            if not one.n_labelled:
                raise DataError(
                    f"{one.name or 'a source'} must have labels to learn from; got none"
                )
        goal = Domain.of(target, name="the target")
        goal, *others = settle_labels(settle_tables([goal, *beside, *sources]))
        drawn = goal.rows.draw(max(MOST_ROWS, PER_PICK * n))
        positions = np.union1d(drawn, np.flatnonzero(goal.labelled))
        at = len(beside)
        return cls(goal.subset(positions), positions, (*others[:at],), (*others[at:],), trained)

    @property
    def domains(self) -> list[Domain]:
        """The rows of the pool, in order: those that may be picked, then those beside them."""
        return [self.target, *self.beside]

    @cached_property
    def whole(self) -> Domain:
        """All of these rows with their labels, in another order."""
        return pool(self.domains)

    @property
    def classes(self) -> int:
        """Number of classes of all labels; 0 if none are known."""
        return len({name for one in (*self.domains, *self.sources) for name in one.counts})

    @property
    def can_teach(self) -> bool:
        """Whether the target's labels are enough for a model: of two classes, or two numbers."""
        labels = self.whole
        if not labels.n_labelled or labels.measured or labels.known.ndim > 1:
            return labels.n_labelled > 1 and not labels.constant
        return len(labels.counts) > 1

    def pool(self) -> Pool:
        """Return these rows as a pool."""
        keys = np.concatenate([one.rows.keys for one in self.domains])
        _, alike = np.unique(keys.view(np.uint64).reshape(-1, 2), axis=0, return_inverse=True)
        notes = [one.annotations for one in self.domains]
        sizes = [one.n_rows for one in self.domains]
        open_ = np.arange(len(keys)) < sizes[0]
        return Pool(
            labelled=np.concatenate([one.labelled for one in self.domains]) | ~open_,
            alike=alike.astype(np.intp),
            groups=Annotations.pooled(notes, sizes).group_codes,
        )


def _listed(source: Any) -> Sequence[Domain]:
    sources = [] if source is None else source if isinstance(source, (list, tuple)) else [source]
    for one in sources:
        if not isinstance(one, Domain):
            raise ParameterError(
                "source must be a Domain, a list of these, or a fitted estimator; got "
                f"{type(one).__name__}: wrap data as Domain(X, y)"
            )
    return sources
