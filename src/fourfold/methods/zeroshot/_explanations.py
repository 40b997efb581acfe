"""Explanations of attribute prediction: the attributes that led to an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch

from fourfold.core.findings import Bars
from fourfold.errors import ParameterError
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._attribute_heads import PosteriorHead
from fourfold.methods.zeroshot._label_heads import InputEmbedding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.algorithms.zeroshot.signatures import AttributeEncoder
    from fourfold.core.tasks import Classification
    from fourfold.data.rows import Rows
    from fourfold.estimators.model import Model

    Array = NDArray[np.float64]

__all__ = ["Explanation", "Reason", "explain_answers", "explain_rows"]

EXPLAINED: Final = 3
"""Rows that are explained for the report."""
LOOKED_AT: Final = 2000
"""Rows of the target among which these are found."""


@final
@dataclass(frozen=True)
class Reason:
    """Evidence of one attribute for one class and against another.

    Attributes
    ----------
    attribute
        Its name.
    predicted
        The row's predicted value in words, with its probability.
    winner, other
        Values of the two classes; "?" where one is missing.
    weight
        Evidence for the winner, in nats; below 0, for the other.
    """

    attribute: str
    predicted: str
    winner: str
    other: str
    weight: float


@final
@dataclass(frozen=True)
class Explanation:
    """Evidence for the predicted class of a row and against another one.

    Attributes
    ----------
    winner, other
        The classes.
    reasons
        One an attribute; their weights add up to the margin.
    """

    winner: Any
    other: Any
    reasons: list[Reason]

    @property
    def margin(self) -> float:
        """The winner's lead: the logarithm of the odds."""
        return sum(reason.weight for reason in self.reasons)

    def __str__(self) -> str:
        rows = [("", "predicted", str(self.winner), str(self.other), "weight")]
        rows += [
            (r.attribute, r.predicted, r.winner, r.other, f"{r.weight:+.2f}") for r in self._sorted
        ]
        wide = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  ".join([*map(str.ljust, row, wide), row[-1]]) for row in rows]
        total = f"{self.winner} rather than {self.other}"
        return "\n".join([*lines, f"{total:<{sum(wide) + 6}}  {self.margin:+.2f}"])

    def as_bars(self) -> Bars:
        """Return the evidence as bars for the report."""
        return Bars(
            title=f"Why {self.winner} rather than {self.other}: one row",
            across=f"nats, above 0 for {self.winner}; below 0 for {self.other}",
            names=[f"{r.attribute}: {r.predicted}".removesuffix(": ") for r in self._sorted],
            values=[r.weight for r in self._sorted],
            notes=[f"{self.winner}: {r.winner}; {self.other}: {r.other}" for r in self._sorted],
        )

    @property
    def _sorted(self) -> list[Reason]:
        return sorted(self.reasons, key=lambda reason: -abs(reason.weight))


def _believed(group: AttributeEncoder, values: Array) -> str:
    """Write a row's predicted value in words."""
    if group.kind == "continuous":
        return group.decode(values[None])[0]
    likely = max(values[0], 1 - values[0]) if group.kind == "binary" else values.max()
    return f"{group.decode(values[None])[0]} ({likely:.2f})"


def explain_rows(
    model: Model, task: Classification, rows: Rows, seen: Sequence[Any], against: Any = None
) -> list[Explanation]:
    """Explain the answers for rows, against a class, or else the runner-up of each.

    Raises
    ------
    ParameterError
        If ``against`` is no candidate class, or the answer itself.
    """
    head = _posterior(model)
    scores = model.outputs(rows)
    facets = in_blocks(InputEmbedding(model), rows).astype(np.float64)
    predicted = in_blocks(model.body, rows, head.predictor)
    values = head.posterior.shrunk(torch.from_numpy(predicted)).double().numpy()
    best = np.argsort(-scores, axis=1, kind="stable")[:, :2]
    if against is not None:
        best[:, 1] = task.codes(np.array([against]))
        if best[0, 1] in {-1, best[0, 0]}:
            raise ParameterError(
                f"against must be another candidate class than the answer; got {against!r}"
            )
    return [
        _explanation(head, task.classes_[row[2]].tolist(), seen, *row)
        for row in zip(facets, values, best, strict=True)
    ]


def explain_answers(
    model: Model, task: Classification, rows: Rows, seen: Sequence[Any]
) -> list[Explanation]:
    """Explain a typical row of each of the most frequent answers."""
    rows = rows.subset(rows.draw(LOOKED_AT))
    outputs = model.outputs(rows)
    guess, ranked = outputs.argmax(axis=1), np.sort(outputs, axis=1)
    lead = ranked[:, -1] - ranked[:, -2]
    often = np.argsort(-np.bincount(guess), kind="stable")[:EXPLAINED]
    each = [np.flatnonzero(guess == c) for c in often]
    middle = [own[np.argsort(lead[own])[len(own) // 2]] for own in each if len(own)]
    return explain_rows(model, task, rows.subset(np.array(middle, np.intp)), seen)


def _explanation(
    head: PosteriorHead,
    names: list[Any],
    seen: Sequence[Any],
    facets: Array,
    values: Array,
    two: NDArray[np.intp],
) -> Explanation:
    labels, bias = head.labels[two], head.bias[two].double().numpy()
    own, other = labels.double().numpy()
    parts = facets * (own - other)  # (F,) in the score's own units
    classes = head.posterior.signatures_of(labels)
    reasons = []
    for i, (group, on) in enumerate(head.posterior.columns):
        weight = float(parts[head.posterior.attribute_of == i].sum())
        first, second = group.decode(classes[:, on])
        reasons.append(Reason(group.name, _believed(group, values[on]), first, second, weight))
    if bias[0] != bias[1]:  # the penalty of a seen class
        first, second = ("seen" if name in seen else "new" for name in names)
        reasons.append(Reason("class", "", first, second, float(bias[0] - bias[1])))
    return Explanation(names[0], names[1], reasons)


def _posterior(model: Model) -> PosteriorHead:
    if not isinstance(model.head, PosteriorHead):
        raise TypeError(f"attributes must be predicted; got {type(model.head)}")
    return model.head
