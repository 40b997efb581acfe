"""CSV files of points: linear models as scorecards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fourfold.cli.sheets import write_sheet
from fourfold.core.tasks import Classification
from fourfold.estimators.reasons.scorecard import scorecard

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_points"]


def write_points(model: Any, output: Path, event: str | None) -> int:
    """Write a linear model of a table as points, and return the number of lines.

    Raises
    ------
    ParameterError
        As :func:`~fourfold.scorecard` does.
    FileError
        If the CSV file cannot be written.
    """
    task = model.task_
    names = task.classes_.tolist() if isinstance(task, Classification) else []
    against = next((name for name in names if str(name) == event), event)
    card = scorecard(model, event=against)
    write_sheet(card, output, "points", escape=True)
    return len(card)
