"""Protocol: the rules by which methods are judged and models are chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

if TYPE_CHECKING:
    from collections.abc import Callable

    from fourfold.core.tasks import Task
    from fourfold.study.scores import Score
    from fourfold.study.splits import Splits

__all__ = ["Chooser", "Protocol"]

Chooser: TypeAlias = Literal["labels", "panel", "consensus", "nobody"]
"""Held-out labels, or a validator; a panel of validators, if it believes a model; agreement of the
candidates; or nobody, where there is one answer."""


@final
@dataclass(frozen=True)
class Protocol:
    """Rules of judgement and of model selection on a question.

    Attributes
    ----------
    task
        Fitted.
    score, choice
        Score of the verdicts, and score of model selection on held-out data.
    splits
        Held-out data of each seed.
    chooser
        Authority that chooses the model to hand over.
    validator
        Criterion of model selection where nothing can be held out; None where something always
        can.
    parameters
        Hyper-parameters with the same value in every method that has them.
    notes
        Caveats of the data.
    """

    task: Task
    score: Score
    choice: Score
    splits: Splits
    chooser: Chooser = "labels"
    validator: Callable[[Task, Any], float] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
