"""Commands on saved models: predictions and export."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from pathlib import Path
from typing import Annotated, Any

import typer

from fourfold.cli.options import Memory, Model, Task, Vectors
from fourfold.errors import ParameterError, counted

__all__ = ["export", "predict"]


def predict(
    model: Model,
    data: Annotated[Path, typer.Argument(help="File or folder of rows, as in training.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file to write.")],
    task: Task = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            help="Descriptions of the candidate classes, new ones, too, for a zero-shot model."
        ),
    ] = None,
    vectors: Vectors = None,
    top: Annotated[
        int | None, typer.Option(help="Classes to write per row, the most likely first.")
    ] = None,
    reasons: Annotated[
        int | None,
        typer.Option(help="Columns to name per row, those that move its prediction most."),
    ] = None,
    no_escape: Annotated[
        bool,
        typer.Option("--no-escape", help="Write texts such as =A1 as they are, for spreadsheets."),
    ] = False,
    _memory: Memory = None,
) -> None:
    """Predict with a saved model: a CSV file with one line per row."""
    from fourfold.cli.inputs import check_vectors, read_descriptions
    from fourfold.cli.predictions import write_predictions
    from fourfold.core.tasks import Classification
    from fourfold.methods.saved import load_one

    check_vectors(classes, vectors)
    fitted: Any = load_one(model, task)
    labels = fitted.task_.classes_ if isinstance(fitted.task_, Classification) else None
    among = None if classes is None else read_descriptions(classes, vectors, labels)
    n = write_predictions(
        fitted, data, output, among=among, top=top, reasons=reasons, escape=not no_escape
    )
    typer.echo(f"{counted(n, 'prediction')} in {output}")


def export(
    model: Model,
    output: Annotated[
        Path,
        typer.Argument(help="ONNX file, compared with the model; or a .csv of points, of a line."),
    ],
    task: Task = None,
    event: Annotated[
        str | None,
        typer.Option(help="Class against which points speak; by default the second one."),
    ] = None,
    _memory: Memory = None,
) -> None:
    """Export a saved model to ONNX, or a line as a table of points."""
    from fourfold.bundle import export as write_onnx
    from fourfold.cli.points import write_points
    from fourfold.methods.saved import load_one

    if output.suffix.lower() == ".csv":
        lines = write_points(load_one(model, task), output, event)
        typer.echo(f"{counted(lines, 'line')} of points in {output}")
        return
    if event is not None:
        raise ParameterError(f"--event must stand beside a .csv file of points; got {output}")
    difference = write_onnx(load_one(model, task), output)
    typer.echo(f"{output} is written; it differs from the model by {difference:.1e} at most")
