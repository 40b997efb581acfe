"""Options that several commands share: their data, and how these are read."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

import typer

from fourfold.core.memory import max_memory

__all__ = [
    "Adapter",
    "Classes",
    "Memory",
    "Model",
    "Network",
    "OpenSet",
    "Prompt",
    "Source",
    "Task",
    "Tasks",
    "Vectors",
    "Weights",
    "reads_data",
]

Names = list[str] | None


def _bound(context: typer.Context, limit: str | None) -> None:
    """Bound the memory that the readers of a command may take."""
    if limit is not None:
        context.with_resource(max_memory(limit))


Source = Annotated[
    list[Path] | None,
    typer.Option(
        help="Data to transfer from; may be given several times. Or the folder of a saved model."
    ),
]
Network = Annotated[
    str | None,
    typer.Option(
        help="mlp, convnet, conv1d, or a pretrained network: timm:NAME, hf:NAME, st:NAME (or a "
        "folder), onnx:FILE; by default chosen from the data. Without --source a pretrained one "
        "is the source. Of several, separated by commas, a study takes the best."
    ),
]
Weights = Annotated[
    str | None, typer.Option(help="File of weights for a network of timm, or none for random ones.")
]
Adapter = Annotated[
    Literal["lora"] | None, typer.Option(help="lora: train low-rank adapters of a pretrained one.")
]
Prompt = Annotated[
    list[str] | None,
    typer.Option(
        help="Text around names of classes for a network of two towers, e.g. 'a photo of a {}.'; "
        "may be given several times."
    ),
]
Tasks = Annotated[
    list[str] | None, typer.Option(help="NAME=PATH of each of several tasks that all matter.")
]
Classes = Annotated[
    Path | None,
    typer.Option(
        help="Descriptions of classes, one per row, names first; or names, with --vectors or a "
        "network of two towers."
    ),
]
OpenSet = Annotated[
    bool,
    typer.Option("--open-set", help="Rows may be of classes that the source lacks: unknown ones."),
]
Vectors = Annotated[Path | None, typer.Option(help="Word vectors for the names of the classes.")]
Model = Annotated[Path, typer.Argument(help="Folder of a saved model, e.g. runs/mine/best.")]
Task = Annotated[str | None, typer.Option(help="Name of the task, for a model of several tasks.")]
Memory = Annotated[
    str | None,
    typer.Option(
        "--max-memory",
        help="Memory that reading a file may take, e.g. 4G; by default half of what is free.",
        callback=_bound,
        expose_value=False,
    ),
]


def reads_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options on the reading of data; it gets them as one, ``reading``."""

    @wraps(command)
    def wrapped(**given: Any) -> Any:
        said = {name: given.pop(name) for name in OPTIONS}
        return command(**given, reading=_reading(**said))

    own = inspect.signature(command, eval_str=True)
    kept = [p.replace(kind=p.KEYWORD_ONLY) for p in own.parameters.values() if p.name != "reading"]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option)
        for name, option in OPTIONS.items()
    ]
    wrapped.__signature__ = own.replace(parameters=[*kept, *more])  # type: ignore[attr-defined]
    annotations = get_type_hints(command, include_extras=True)
    wrapped.__annotations__ = {k: v for k, v in annotations.items() if k != "reading"} | OPTIONS
    return wrapped


def _option(kind: Any, text: str) -> Any:
    return Annotated[kind, typer.Option(help=text)]


OPTIONS: Final[dict[str, Any]] = {
    "label": _option(
        Names, "Column with the labels; A,B for several. A file without it is unlabelled."
    ),
    "label_type": _option(
        str | None, "classes, numbers, yes-no (several answers), or transcripts (of sounds)."
    ),
    "missing_label": _option(Names, "Mark of a missing label, instead of the usual ones."),
    "numbers": _option(
        Names, "Columns of numbers, A,B; here and below a name with a comma is taken whole."
    ),
    "categories": _option(Names, "Columns of categories."),
    "dates": _option(Names, "Columns of dates: NAME, or NAME=FORMAT as in %d/%m/%Y; A=FORMAT,B."),
    "text": _option(Names, "Columns of text."),
    "drop": _option(Names, "Columns to leave out."),
    "keep": _option(Names, "Columns to use that would be left out."),
    "missing": _option(Names, "Further mark of a missing cell, e.g. -9999."),
    "decimal": _option(str | None, "Sign of decimals: . or ,"),
    "layout": _option(str | None, "pictures or series, for arrays (n, a, b)."),
    "group": _option(str | None, "Column of persons, accounts, ...: no fold divides one."),
    "time": _option(str | None, "Column of moments: models are judged on later rows."),
    "weight": _option(str | None, "Column of weights of the rows."),
    "id": _option(str | None, "Column of names of the rows, for predictions."),
    "schema": _option(Path | None, "File of a schema, as --write-schema writes it."),
    "write_schema": _option(Path | None, "Write how the data were read to a JSON file."),
}


def _reading(
    *,
    schema: Path | None,
    write_schema: Path | None,
    dates: Names,
    missing_label: Names,
    **said: Any,
) -> Any:
    """Return all that is said about the data."""
    from fourfold.cli.inputs import Reading
    from fourfold.data.schema import Hints

    for name in ("label", "numbers", "categories", "text", "drop", "keep", "missing"):
        said[name] = tuple(said[name] or ())
    marks = None if missing_label is None else tuple(missing_label)
    formats = dict.fromkeys(dates or (), "")  # the columns of the data tell where names end
    hints = Hints(dates=formats, missing_label=marks, **said, joined=True)
    return Reading(hints, schema, write_schema)
