"""``fourfold export``: a saved model as an ONNX file."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from pathlib import Path
from typing import Annotated

import typer

from fourfold.cli.options import Model, Task

__all__ = ["export"]


def export(
    model: Model,
    output: Annotated[Path, typer.Argument(help="ONNX file to write.")],
    task: Task = None,
) -> None:
    """Export a saved model to ONNX, checked against its own outputs."""
    from fourfold.bundle import export as write_onnx
    from fourfold.methods.saved import load_one

    difference = write_onnx(load_one(model, task), output)
    typer.echo(f"{output} is written; it differs from the model by {difference:.1e} at most")
