"""CSV files of picked rows, to be labelled and read again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from fourfold.core.atomic import whole_file
from fourfold.errors import FileError, ParameterError
from fourfold.readers.sheets import read_sheet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fourfold.data.domain import Domain
    from fourfold.data.schema import Hints
    from fourfold.picking import Picks

__all__ = ["check_free", "label_columns", "write_picks"]


def check_free(output: Path) -> None:
    """Refuse to write over a file, in which somebody may have filled in labels.

    Raises
    ------
    ParameterError
        If it is no CSV file.
    FileError
        If it is there.
    """
    if output.suffix.lower() != ".csv":
        raise ParameterError(f"--output must be a .csv file; got {output}")
    if output.exists():
        raise FileError(
            f"{output} must be free for the picked rows; it is there, maybe with labels: name "
            "another file, or remove it"
        )


def label_columns(target: Domain, hints: Hints) -> tuple[str, ...]:
    """Return the columns of labels: those of the data, or the ones that were said, or ``label``."""
    schema = target.schema
    known = () if schema is None or schema.labels is None else schema.labels.columns
    return known or hints.among(()).label or ("label",)


def write_picks(
    picks: Picks, piles: Sequence[tuple[Path, Domain]], labels: Sequence[str], output: Path
) -> int:
    """Write the picked rows without labels, then those that have some; return the latter's number.

    Their cells are as in the target, so that the file is read back as it: texts that a spreadsheet
    would run stay, too.

    Parameters
    ----------
    picks
        Picked rows of the target.
    piles
        Path and content of the target, and, if there are some, of rows labelled elsewhere.
    labels
        Columns of labels.
    output
        CSV file.

    Raises
    ------
    FileError
        If it cannot be written.
    """
    sheets = [read_sheet(path, labels, output.parent) for path, _ in piles]
    first = sheets[0].iloc[picks.positions].copy()
    first[list(labels)] = None
    pairs = zip(sheets, piles, strict=True)
    known = [sheet[domain.labelled].reindex(columns=first.columns) for sheet, (_, domain) in pairs]
    try:
        sheet = pd.concat([first, *known])
        with whole_file(output) as part:
            sheet.to_csv(part, index=False)
    except OSError as error:
        why = error.strerror or error
        raise FileError(f"{output} must be writable for the picked rows; got: {why}") from error
    return len(sheet) - len(first)
