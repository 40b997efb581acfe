"""Progress of a study: a bar of fits."""

from __future__ import annotations

from typing import Self, final

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

__all__ = ["FitProgress"]


@final
class FitProgress:
    """A bar of fits, in a context.

    Parameters
    ----------
    on
        Whether it is shown.

    Attributes
    ----------
    best
        The candidate that would be chosen now.
    jobs
        Largest number of fits at a time.
    """

    def __init__(self, *, on: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("fits,"),
            TimeRemainingColumn(elapsed_when_finished=True),
            disable=not on,
        )
        self._task = self._bar.add_task("training", total=0)
        self.best: str | None = None
        self.jobs = 1

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.stop()

    def add(self, total: int, done: int) -> None:
        """Count more fits, some of which are done."""
        whole = self._bar.tasks[0].total or 0
        self._bar.update(self._task, total=whole + total, advance=done)

    def advance(self, method: str, seed: int) -> None:
        """Count a fit that is done."""
        best = f"; best so far {self.best}" if self.best else ""
        text = f"{method}, seed {seed}{best}"
        self._bar.update(self._task, advance=1, description=f"{text:<24}")

    def say(self, text: str) -> None:
        """Show a step after the fits."""
        self._bar.update(self._task, description=f"{text:<24}")
