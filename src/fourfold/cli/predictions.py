"""Predictions of a saved model as a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fourfold.core.preparation import BlockPreparation
from fourfold.core.tasks import Classification
from fourfold.domain import Domain
from fourfold.errors import DataError, FileError
from fourfold.readers import read_domain
from fourfold.readers.decoded import DecodedRows

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["write_predictions"]


def write_predictions(model: Any, data: Path, output: Path) -> int:
    """Predict each row of a file or folder; return how many there were.

    The CSV has a line a row, in order: ``prediction`` (``prediction_1``, … for several), and for
    classes the probability of each, ``p_NAME``.

    Raises
    ------
    DataError
        If the rows are not such as the model takes.
    FileError
        If the CSV cannot be written.
    """
    domain = read_domain(data, missing=None)  # labels that are there are not looked at
    try:
        outputs = model.outputs(_fitting(model, domain))
    except DataError as error:
        raise DataError(f"{data}: {error}") from error
    guess = model.task_.decode(outputs)
    if guess.ndim == 1:
        columns = {"prediction": guess}
    else:
        columns = {f"prediction_{i}": column for i, column in enumerate(guess.T, start=1)}
    if isinstance(model.task_, Classification):
        p = model.task_.probabilities(outputs)
        columns |= {f"p_{name}": p[:, i] for i, name in enumerate(model.task_.classes_)}
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(output, index=False)
    except OSError as error:
        why = error.strerror or error
        raise FileError(f"{output} must be writable for predictions; got: {why}") from error
    return len(guess)


def _fitting(model: Any, domain: Domain) -> Domain:
    """Give pictures and sounds the size that a model takes."""
    rows, prepare = domain.rows, model.prepare_
    if not isinstance(rows, DecodedRows) or not isinstance(prepare, BlockPreparation):
        return domain
    return Domain(rows.fitting(prepare.row_shape_), name=domain.name)
