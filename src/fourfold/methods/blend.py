"""Blend: a convex combination of methods on the same data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np
from sklearn.base import clone

from fourfold.algorithms.calibration import Calibration
from fourfold.algorithms.mixture import Mixture, Scale, alike, mixes
from fourfold.data.rows import as_rows
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.inputs import Inputs
from fourfold.estimators.model import FittedModel
from fourfold.estimators.network_export import (
    ROWS,
    Branches,
    Chain,
    Columns,
    Exportable,
    chain,
    table_note,
)
from fourfold.estimators.predicting import Predicts
from fourfold.estimators.problem import Fitted
from fourfold.estimators.reasons.contributions import Contributions
from fourfold.estimators.transfer import TransferEstimator
from fourfold.preparation.tables.graph import TableStart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.tasks import Task
    from fourfold.data.rows import Rows
    from fourfold.estimators.transfer import Source

__all__ = ["Blend"]


@final
class Blend(Predicts):
    """Average the answers of several methods by weights.

    A study fits the weights to answers for held-out rows; here they are given.

    Parameters
    ----------
    members
        Methods, unfitted.
    weights
        One for each member, 0 or more; they are divided by their sum. None: all are alike.
    scale
        What is averaged: ``"log-odds"``, log-probabilities of classes, or ``"probabilities"``;
        numbers are averaged as they are.

    References
    ----------
    Wolpert, Stacked Generalization, Neural Networks 1992; Breiman, Stacked Regressions, Machine
    Learning 1996.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import KernelSVM, Linear
    >>> X, y = load_iris(return_X_y=True)
    >>> Blend(members=(Linear(), KernelSVM())).fit(X, y).score(X, y) > 0.9
    True
    """

    members: tuple[TransferEstimator, ...] = ()
    weights: tuple[float, ...] | None = None
    scale: Scale = "log-odds"

    def _check_together(self) -> None:
        if not self.members:
            raise ParameterError("members of Blend must be one method at least; got none")
        given = self.weights
        if given is not None and (
            len(given) != len(self.members) or min(given) < 0 or sum(given) == 0
        ):
            raise ParameterError(
                f"weights of Blend must be 0 or more, one for each of {len(self.members)} members, "
                f"and not all 0; got {given}"
            )

    def fit(
        self, X: Any, y: Any = None, *, source: Source | Sequence[Source] | None = None
    ) -> Self:
        """Fit every member, as in :meth:`TransferEstimator.fit`.

        Raises
        ------
        ParameterError
            If a hyper-parameter is out of its bounds.
        DataError
            If members would answer for other labels than one another.
        """
        self.check()
        return self.of([clone(member).fit(X, y, source=source) for member in self.members])

    def of(self, members: Sequence[TransferEstimator]) -> Self:
        """Become fitted with fitted members.

        Raises
        ------
        DataError
            If they answer for other labels than one another.
        """
        tasks = [member.task_ for member in members]
        if not mixes(tasks[0]) or any(not alike(task, tasks[0]) for task in tasks):
            raise DataError("members of Blend must predict the same classes, or numbers")
        given = self.weights or (1.0,) * len(members)
        mixture = Mixture(tuple(weight / sum(given) for weight in given), self.scale)
        self.members = tuple(members)
        self.task_ = tasks[0]
        first = members[0]
        self.inputs_ = Inputs("Blend", first.prepare_, n_features=first.n_features_in_, apart=True)
        found = mixture.bars([type(member).__name__ for member in members])
        self.fitted_ = Fitted(_Members(self.task_, mixture, members), findings=[found])
        return self

    # --- saving ----------------------------------------------------------------------------------

    def save_fitted(self, folder: Path) -> dict[str, Any]:
        notes = []
        for i, member in enumerate(self.members):
            place = folder / f"member-{i}"
            place.mkdir()
            notes.append(member.save_fitted(place))
        return {"members": notes, "calibration": self.fitted_.calibration}

    def load_fitted(self, folder: Path, notes: Mapping[str, Any]) -> Self:
        pairs = zip(self.members, notes["members"], strict=True)
        self.of(
            [one.load_fitted(folder / f"member-{i}", own) for i, (one, own) in enumerate(pairs)]
        )
        if notes["calibration"] is not None:
            self.fitted_ = replace(self.fitted_, calibration=Calibration(*notes["calibration"]))
        return self

    def onnx_input(self, X: Any) -> NDArray[np.float32] | dict[str, NDArray[Any]]:
        """Return the rows of X as :meth:`Predicts.onnx_input`, prepared ones side by side."""
        self.check_fitted()
        if self._raw or self._table is not None:
            return self.members[0].onnx_input(X)
        apart = dict(zip(self._preparations, self.members, strict=True))
        return np.concatenate([one.onnx_input(X) for one in apart.values()], axis=1)

    def explain_rows(self, ready: Rows) -> Contributions:
        parts = [one.explain_rows(one.ready(ready)) for one in self.members]
        mixed = Contributions.mixed(self.task_, self.model_.mixture, parts)
        calibration = self.fitted_.calibration
        return mixed if calibration is None else mixed.calibrated(calibration)

    @property
    def _raw(self) -> bool:
        """Whether an exported blend starts from the user's rows, as all of its members do."""
        return all(one.inputs_.raw for one in self.members)

    @property
    def _table(self) -> TableStart | None:
        """The columns from which an exported blend starts, if all of its members do."""
        frozen = any(one.inputs_.frozen is not None for one in self.members)
        return None if frozen else TableStart.of([one.inputs_.prepare for one in self.members])

    @property
    def _preparations(self) -> list[str]:
        """Digest of each member's preparation; an exported blend takes each one's rows once."""
        return [one.inputs_.prepare.digest for one in self.members]

    def exportable(self) -> Exportable:
        """Return the members as chains side by side, and their mixture above them."""
        self.check_fitted()
        table = self._table
        plain = None if table is None else table.draw(ROWS)
        chains = [chain(one.inputs_, one.fitted_, plain) for one in self.members]
        of, mixture, own = [m.task_ for m in self.members], self.model_.mixture, self.fitted_
        parts, below = [one.stages for one in chains], []
        if self._raw:
            rows, start = chains[0].example.numpy(), chains[0].start
            example, outputs = {"input": rows}, self.model_.outputs(as_rows(rows))
        else:
            digests = self._preparations
            apart = dict(zip(digests, chains, strict=True))  # members may share a preparation
            if len(apart) > 1:
                _check_joinable(chains)
                ends = np.cumsum([one.example.shape[1] for one in apart.values()]).tolist()
                cuts = dict(zip(apart, zip([0, *ends], ends, strict=False), strict=True))
                parts = [[Columns(*cuts[d]), *part] for d, part in zip(digests, parts, strict=True)]
            outputs = mixture.mix(self.task_, of, [one.outputs for one in chains])
            if table is None or plain is None:
                rows = np.concatenate([one.example for one in apart.values()], axis=1)
                example, start = (
                    {"input": rows},
                    ", beside them ".join(c.start for c in apart.values()),
                )
            else:
                below, example, start = [table.file()], table.feed(plain), table_note(table)
        stages = [*below, Branches(parts), mixture.module(self.task_, of)]
        stages += own.last_stages()
        made = Exportable.of("Blend", self.task_, stages, example, own.finished(outputs), start)
        return replace(made, beside=self.prepare_.beside_export())


def _check_joinable(chains: Sequence[Chain]) -> None:
    """Refuse tokens beside other inputs, which cannot stand in one array."""
    if any(not one.example.is_floating_point() for one in chains):
        raise ParameterError(
            "members of a Blend to export must all read tokens, or none; got both: export a member "
            "alone"
        )


@final
class _Members(FittedModel):
    """Models whose outputs are mixed to those of a task."""

    def __init__(self, task: Task, mixture: Mixture, members: Sequence[TransferEstimator]) -> None:
        self.task, self.mixture, self.members = task, mixture, members

    def outputs(self, rows: Rows) -> NDArray[np.float32]:
        """Compute outputs (n, k) of the mixture."""
        of = [member.task_ for member in self.members]
        return self.mixture.mix(self.task, of, [one.outputs(rows) for one in self.members])

    def embed(self, rows: Rows) -> NDArray[np.float32]:
        """Compute features (n, d) of the member with the largest weight."""
        weights = self.mixture.weights
        return self.members[weights.index(max(weights))].embed(rows)
