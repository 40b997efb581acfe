"""Inputs: the path of a row from the user to the trainable network, and data at its end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
import torch

from fourfold.algorithms.samples import Sample, canonical_order
from fourfold.data.rows import StackedRows
from fourfold.errors import DataError
from fourfold.frozen.store import compute_once
from fourfold.preparation.augmenting.binding import bound, drawn_views
from fourfold.preparation.blockwise import BlockPreparation, StagePreparation
from fourfold.preparation.choose import PreparedRows, TableViews
from fourfold.preparation.tables.graph import TableStart
from fourfold.preparation.tables.memory import out_of_fold_once, prepared_once
from fourfold.training.batches import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Rows
    from fourfold.frozen.frozen import Frozen
    from fourfold.networks.builder import Body
    from fourfold.preparation.base import Preparation
    from fourfold.preparation.tables.target_encoding import LabelledRows
    from fourfold.training.augmentation import Augmentation, Augmenter
    from fourfold.training.recipe import Recipe

__all__ = ["Data", "Inputs"]


@final
@dataclass(frozen=True)
class Inputs:
    """A fitted preparation, then a frozen network where there is one.

    Standardization of arrays is the first stage of the network itself, so that bytes stay bytes in
    memory and an exported model takes raw rows; other preparations come before the network.

    Attributes
    ----------
    owner
        Name of the estimator, for messages about rows that do not fit.
    frozen
        Lower part of a network that never trains; its outputs are computed once.
    shape, n_features
        Of the rows that the trainable network gets; of the user's rows, where they are vectors.
    apart
        Whether the members of a model prepare rows themselves; ``prepare`` is that of the first.
    typical
        Mean (d,) of the target's rows as the trainable network gets them, where these have columns.
    """

    owner: str
    prepare: Preparation
    frozen: Frozen | None = None
    shape: tuple[int, ...] = ()
    n_features: int | None = None
    apart: bool = False
    typical: NDArray[np.float32] | None = field(default=None, compare=False)

    @classmethod
    def for_rows(
        cls,
        owner: str,
        prepare: Preparation,
        frozen: Frozen | None,
        rows: Rows,
        labels: LabelledRows | None = None,
    ) -> tuple[Self, Rows]:
        """Return inputs for rows like these, and these rows ready for the network."""
        inputs = cls(owner, prepare, frozen)
        ready = inputs.ready(rows, labels)
        shape = ready.shape if inputs.outside else prepare.shape_
        n_features = rows.shape[0] if len(rows.shape) == 1 else None
        return replace(inputs, shape=shape, n_features=n_features), ready

    def knowing(self, ready: Rows) -> Self:
        """Return inputs with the mean of ready rows as the typical one."""
        if self.frozen is not None or self.prepare.feature_columns is None:
            return self
        sums = [np.nansum(block, axis=0, dtype=np.float64) for block in ready.blocks()]
        return replace(self, typical=(np.sum(sums, axis=0) / ready.n).astype(np.float32))

    @property
    def outside(self) -> bool:
        """Whether rows are prepared before the network, not by its first stage."""
        return self.frozen is not None or not isinstance(self.prepare, StagePreparation)

    @property
    def start(self) -> int:
        """Number of leading features that are for trees alone, and may be missing."""
        return self.prepare.start if isinstance(self.prepare, TableViews) else 0

    @property
    def path(self) -> tuple[str, str]:
        """Digests of the preparation and of the frozen network."""
        return self.prepare.digest, "" if self.frozen is None else self.frozen.key

    def ready(self, rows: Rows, labels: LabelledRows | None = None) -> Rows:
        """Prepare rows for the trainable network; unusable ones are refused before any training.

        Rows whose labels the preparation learnt from are prepared by the labels of others.
        """
        if self.apart:
            return rows
        if not self.outside:
            self.prepare.check_rows(rows, self.owner)
            return rows
        if labels is not None and labels.rows is rows:
            return self.above(out_of_fold_once(self.prepare, labels, self.owner))
        ready = prepared_once(self.prepare, rows, self.owner)
        if isinstance(ready, PreparedRows) and self.frozen is None:
            self.prepare.check_rows(rows, self.owner)  # else found only when training reads them
        return self.above(ready)

    @property
    def raw(self) -> bool:
        """Whether an exported model starts from the user's rows, arrays as in training."""
        return isinstance(self.prepare, BlockPreparation)

    @property
    def spoken(self) -> bool:
        """Whether rows are utterances of any length."""
        return isinstance(self.prepare, BlockPreparation) and self.prepare.spoken_

    @property
    def table(self) -> TableStart | None:
        """The columns from which an exported model starts; None where rows are no such table."""
        return None if self.frozen is not None else TableStart.of([self.prepare])

    def exported(self, rows: Rows) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Return rows as an exported model takes them, (n, ...), or the columns of a table."""
        if (table := self.table) is not None:
            return table.feed(table.lines.arrange(rows, self.owner))
        start = rows if self.raw else self.prepare.transform(rows, self.owner)
        read = start.take(np.arange(start.n))
        if start.padded:  # tokens stay integers
            return np.asarray(read)
        whole = np.asarray(read, np.float32)
        return self._padded(whole) if self.spoken else whole

    def _padded(self, utterances: NDArray[np.float32]) -> NDArray[np.float32]:
        """Bring utterances to the number of frames that an exported model takes."""
        frames = self.prepare.shape_[-1]
        if utterances[..., frames:].any():
            raise DataError(
                f"utterances must last at most {frames / 100:g} s for the exported model; got a "
                "longer one"
            )
        missing = max(0, frames - utterances.shape[-1])
        return np.pad(utterances[..., :frames], ((0, 0), (0, 0), (0, missing)))

    def above(self, prepared: Rows) -> Rows:
        """Return the frozen network's outputs for prepared rows; without one, these rows."""
        return prepared if self.frozen is None else compute_once(self.frozen, prepared)

    def above_preparation(self, ready: Rows) -> Rows:
        """Return rows as the network's own layers get them, above a preparation at its bottom."""
        return ready if self.outside else self.prepare.transform(ready, self.owner)

    def data(self, domain: Domain, ready: Rows, task: Task, recipe: Recipe) -> Data:
        """Return a domain's data, with the random changes that a recipe asks for and labels allow.

        Through a frozen network, a few drawn views of each row are computed once.
        """
        data = Data.of(domain, ready, task.encode(domain), task.weigh(domain))
        if recipe.augment is None:
            return data
        raw, augment = domain.rows, self.augmenter(recipe.augment, domain.rows, task)
        if augment is None or self.frozen is None:
            return replace(data, augment=augment)
        if self.raw:
            views = [self.ready(view) for view in drawn_views(raw, augment)]
        else:
            prepared = self.prepare.transform(raw, self.owner)
            views = [self.above(view) for view in drawn_views(prepared, augment)]
        return replace(data, views=tuple(views))

    def augmenter(self, augmentation: Augmentation, rows: Rows, task: Task) -> Augmenter | None:
        """Return the random changes of rows that keep their labels, if there are any."""
        classes = task.classes_ if task.has_classes else None
        return bound(augmentation, rows, classes, self.prepare.shape_)

    def under(self, body: Body) -> Body:
        """Put the preparation at the bottom of a network, where it belongs there."""
        if isinstance(self.prepare, StagePreparation) and not self.outside:
            return body.under(self.prepare.module())
        return body


@final
@dataclass(frozen=True)
class Data:
    """A domain ready for the network: rows (n, ...), and y (n,) or (n, m), encoded.

    Where a label is missing, ``labelled``, (n,), is false, and y has the task's mark. ``weight``,
    (n,), or (n, k) for the rows of k tasks, is that of the labels; None where all are alike. Groups
    are codes (n,) and times moments (n,), None without any: no choice divides a group between
    training and judgement, or judges what comes before the training rows. ``augment`` changes rows
    in training, where these are raw; ``views`` are drawn views of all rows, where they are features
    of a frozen network.
    """

    rows: Rows
    y: Tensor
    labelled: NDArray[np.bool_]
    weight: Tensor | None = None
    groups: NDArray[np.intp] | None = None
    time: NDArray[np.float64] | None = None
    augment: Augmenter | None = field(default=None, compare=False)
    views: tuple[Rows, ...] = ()

    @classmethod
    def of(cls, domain: Domain, rows: Rows, y: Tensor, weight: Tensor | None = None) -> Self:
        """Return a domain's data, from its rows ready for the network and its encoded labels."""
        beside = domain.annotations
        return cls(rows, y, domain.labelled, weight, beside.group_codes, beside.time)

    @property
    def row_weights(self) -> NDArray[np.float32]:
        """Weights of the rows, (n,): 1 where all are alike."""
        n = len(self.y)
        return np.ones(n, np.float32) if self.weight is None else self.weight.numpy()

    def table(self, z: Tensor | None = None) -> Table:
        """Return all rows as a table, with missing labels in y, and z beside them.

        Weights are divided by their mean over the labelled rows, so that a learning rate means the
        same with and without.
        """
        weight = self.weight
        if weight is not None and self.labelled.any():
            weight = weight / weight[torch.from_numpy(self.labelled)].mean(0)
        else:
            weight = None
        return Table(self.rows, self.y, z, weight, augment=self.augment, views=self.views)

    def through(self, frozen: Callable[[Rows], Rows]) -> Data:
        """Return the data with features of a frozen network, also of views that are drawn."""
        drawn = self.views if self.augment is None else drawn_views(self.rows, self.augment)
        views = tuple(frozen(view) for view in drawn)
        return replace(self, rows=frozen(self.rows), augment=None, views=views)

    def fixed(self, rows: Rows) -> Data:
        """Return the data with other features of the same rows, which no training changes."""
        return replace(self, rows=rows, augment=None, views=())

    def sample(self, x: NDArray[np.float32]) -> Sample:
        """Return the rows, all with labels, by features x (n, d), in an order of their own."""
        y, weight = self.y.numpy(), self.row_weights
        rows = Sample(x, y, weight, self.groups, self.time)
        return rows.at(canonical_order(x, y, weight))

    def known(self) -> Data:
        """Return the labelled rows."""
        return self if self.labelled.all() else self.at(np.flatnonzero(self.labelled))

    def joined(self, other: Data, weight: float) -> Data:
        """Return these rows and others that weigh so many times as much; no groups and times."""
        parts = [self, replace(other, weight=weight * torch.from_numpy(other.row_weights))]
        weights = [torch.from_numpy(part.row_weights) for part in parts]
        return Data(
            StackedRows([part.rows for part in parts]),
            torch.cat([part.y for part in parts]),
            np.concatenate([part.labelled for part in parts]),
            torch.cat(weights),
        )

    def at(self, index: NDArray[np.intp]) -> Data:
        """Return the rows at these positions."""
        at = torch.from_numpy(index)
        return Data(
            self.rows.subset(index),
            self.y[at],
            self.labelled[index],
            weight=None if self.weight is None else self.weight[at],
            groups=None if self.groups is None else self.groups[index],
            time=None if self.time is None else self.time[index],
            augment=self.augment,
            views=tuple(view.subset(index) for view in self.views),
        )
