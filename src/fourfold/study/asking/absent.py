"""Classes of the source that no label of the target is of yet, and the methods that lack them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Self, final

import numpy as np

from fourfold.core.tasks import Classification
from fourfold.data.kinds import called
from fourfold.data.pooling import pool
from fourfold.errors import DataError, some
from fourfold.estimators.problem import Given

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.scores import Score

__all__ = ["Absent"]


@final
class Absent(NamedTuple):
    """Methods that cannot predict some classes of the source.

    Attributes
    ----------
    classes
        The source's classes without a label of the target, where the two share some.
    shares
        Method → share of the source's labelled rows that are of classes it cannot predict.
    possible
        All classes that some method can predict.
    """

    classes: list[Any] = []  # noqa: RUF012  never changed
    shares: Mapping[str, float] = {}
    possible: Classification | None = None

    @classmethod
    def of(
        cls, candidates: Mapping[str, TransferEstimator], sources: Sequence[Domain], target: Domain
    ) -> Self:
        """Ask each method for the classes that it would predict."""
        source = pool(sources) if sources else None
        tasks = {n: e.infer_task(Given(target, source, None), None) for n, e in candidates.items()}
        kinds = {n: task for n, task in tasks.items() if isinstance(task, Classification)}
        if not kinds:
            return cls()
        every = np.unique(np.concatenate([task.classes_ for task in kinds.values()]))
        possible = Classification().among(every)
        if source is None or not source.n_labelled or not target.n_labelled:
            return cls(possible=possible)
        known, labels = source.known, Classification().fit(target)
        if known.ndim > 1 or (labels.codes(known) >= 0).sum() == 0:  # other classes altogether
            return cls(possible=possible)
        absent = [label for label in source.counts if label not in target.counts]
        shares = {n: float((task.codes(known) < 0).mean()) for n, task in kinds.items()}
        return cls(absent, {n: share for n, share in shares.items() if share}, possible)

    def check(self, evaluate: Domain | None, target: Domain) -> None:
        """Refuse rows to evaluate on of a class that no method can predict.

        Raises
        ------
        DataError
            If there are such.
        """
        if evaluate is None or self.possible is None:
            return
        known = evaluate.known
        unknown = np.unique(known[self.possible.codes(known) < 0]).tolist()
        if unknown:
            raise DataError(
                f"each class of {called(evaluate)}, to evaluate on, must be one that some method "
                f"can predict; got also {some(map(repr, unknown), 4)}: bring labels of it in "
                f"{called(target)}, or leave these rows out"
            )

    def discounted(self, values: Sequence[float], method: str, score: Score) -> list[float]:
        """Count the classes that a method cannot predict as missed, by their share of the source.

        The target's labels, by which it is rated, are all of other classes.
        """
        share = self.shares.get(method, 0.0)
        return [(1 - share) * value + share * score.worst for value in values]

    def notes(self) -> list[str]:
        """List the classes without a label yet and the methods that lack them, in a sentence."""
        if not self.classes:
            return []
        names, several = some(map(repr, self.classes), 4), len(self.classes) > 1
        it, its = ("them", "their") if several else ("it", "its")
        begin = f"The target has no label of class {names} yet, which the source has"
        if self.possible is not None and (self.possible.codes(np.array(self.classes)) < 0).all():
            why = "as it has classes that the source lacks"
            return [f"{begin}; {why}, no method can predict {it}."]
        if not self.shares:
            return [f"{begin}: every method can predict {it}."]
        lacking, share = ", ".join(self.shares), max(self.shares.values())
        said = (
            f"{begin}: {lacking} cannot predict {it}, which counts as a miss on {its} share of "
            f"the source's rows, {share:.0%}, where models are compared on the target's labels. "
            f"If the target has none of {it}, leave {its} rows out of the source."
        )
        return [said]
