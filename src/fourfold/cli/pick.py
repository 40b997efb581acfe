"""The command ``fourfold pick``."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fourfold.cli.flags import option
from fourfold.cli.options import Memory, Source, reads_data
from fourfold.errors import counted

__all__ = ["pick"]


@reads_data
def pick(
    reading: Any,
    target: Annotated[Path, typer.Option(help="Data to solve, with few labels or none.")],
    number: Annotated[int, typer.Option("-n", "--number", help="Rows to pick.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="CSV file to write.")],
    source: Source = None,
    labelled: Annotated[
        Path | None, typer.Option(help="Rows of the target that were labelled elsewhere.")
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(help="Folder of a finished study of the target, whose models vote."),
    ] = None,
    strategy: Annotated[
        Literal["auto", "typiclust", "probcover", "disagreement"],
        typer.Option(help="By default disagreement where labels or a study are, else typiclust."),
    ] = "auto",
    encoder: Annotated[
        str | None, typer.Option(help="Sentence encoder for texts, as of a study.")
    ] = None,
    _memory: Memory = None,
) -> None:
    """Pick the unlabelled rows to label first: a CSV file to fill in."""
    from fourfold.cli.sheets import check_free, label_columns, write_picks
    from fourfold.core.process import keep_memory
    from fourfold.picking import pick as pick_rows
    from fourfold.preparation.choose import SentenceEncoding
    from fourfold.study.running.execution import own_store
    from fourfold.training.runtime import Runtime

    check_free(output)
    keep_memory()
    paths = [path for path in (*(source or ()), target, labelled) if path is not None]
    read = dict(zip(paths, reading.domains(paths), strict=True))
    with Runtime(threads=1, store=own_store()):
        picks = pick_rows(
            read[target],
            number,
            source=[read[path] for path in source] if source else None,
            labelled=read[labelled] if labelled else None,
            study=study,
            strategy=strategy,
            prepare=SentenceEncoding(model=encoder) if encoder else None,
        )
    labels = label_columns(read[target], reading.hints)
    beside = [(path, read[path]) for path in (target, labelled) if path is not None]
    known = write_picks(picks, beside, labels, output)
    beyond = f", before {known} with labels" if known else ""
    typer.echo(
        f"{counted(number, 'row')} to label in {output}{beyond}, by {picks.strategy} on "
        f"{picks.features}: fill in {', '.join(labels)}, and give it as --target {output} "
        f"{option('label', ','.join(labels))}"
    )
