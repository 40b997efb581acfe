"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Classes", "Label", "Model", "Source", "Task", "Tasks", "Vectors"]

Source = Annotated[
    list[Path] | None, typer.Option(help="Data to transfer from; may be given several times.")
]
Tasks = Annotated[
    list[str] | None, typer.Option(help="NAME=PATH of each of several tasks that all matter.")
]
Label = Annotated[
    str | None, typer.Option(help="Column with the labels; a file without it is unlabelled.")
]
Classes = Annotated[
    Path | None,
    typer.Option(
        help="Descriptions of classes, one per row, names first; or names, with --vectors."
    ),
]
Vectors = Annotated[Path | None, typer.Option(help="Word vectors for the names of the classes.")]
Model = Annotated[Path, typer.Argument(help="Folder of a saved model, e.g. runs/mine/best.")]
Task = Annotated[str | None, typer.Option(help="Name of the task, for a model of several tasks.")]
