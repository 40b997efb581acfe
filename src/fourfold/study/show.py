"""What is seen while a study runs: a bar, and what was just finished."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from types import TracebackType

    from fourfold.study.runs import Failure, Outcome

__all__ = ["Shown"]


@final
class Shown:
    """A live bar of fits.

    Parameters
    ----------
    total, done
        How many there are, and how many were finished before.
    on
        Whether there is one at all.
    """

    def __init__(self, total: int, done: int, *, on: bool) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("fits,"),
            TimeRemainingColumn(elapsed_when_finished=True),
            disable=not on,
        )
        self.task = self.progress.add_task("training", total=total, completed=done)

    def __enter__(self) -> Self:
        self.progress.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.progress.stop()

    def advance(self, outcome: Outcome | Failure) -> None:
        """Move on by one fit."""
        description = f"{outcome.method}, seed {outcome.seed}"
        self.progress.update(self.task, advance=1, description=f"{description:<24}")
