"""The bar of a study's fits."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["fit_progress"]


@contextmanager
def fit_progress(total: int, done: int, *, on: bool) -> Iterator[Callable[[str, int], None]]:
    """Show a bar of fits, and yield the function that counts one, given its method and seed.

    Parameters
    ----------
    total, done
        Number of fits, and of those that are finished already.
    on
        Whether the bar is shown.
    """
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("fits,"),
        TimeRemainingColumn(elapsed_when_finished=True),
        disable=not on,
    ) as progress:
        bar = progress.add_task("training", total=total, completed=done)

        def advance(method: str, seed: int) -> None:
            description = f"{method}, seed {seed}"
            progress.update(bar, advance=1, description=f"{description:<24}")

        yield advance
