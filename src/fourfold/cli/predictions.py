"""Predictions of a saved model as a CSV file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from fourfold.core.tasks import Classification
from fourfold.data.domain import Domain
from fourfold.errors import DataError, FileError, ParameterError
from fourfold.preparation.blockwise import BlockPreparation
from fourfold.readers import read_domain
from fourfold.readers.decoded import DecodedRows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["write_predictions"]


def write_predictions(
    model: Any, data: Path, output: Path, *, among: Any = None, top: int | None = None
) -> int:
    """Predict each row of a file or folder; return how many there were.

    The CSV has a line a row, in order: ``prediction`` (``prediction_1``, … for several), and for
    classes the probability of each, ``p_NAME``; with ``top``, the likeliest classes in order,
    ``prediction_1``, …, and what the model gives for them, ``output_1``, ….

    Parameters
    ----------
    model
        Fitted.
    data, output
        The rows, and the file to write.
    among
        The classes that come into question, as in ``predict``; None for all that the model knows.
    top
        How many classes of each row are written; None for all.

    Raises
    ------
    DataError
        If the rows are not such as the model takes.
    ParameterError
        If the model knows no classes to choose among.
    FileError
        If the CSV cannot be written.
    """
    domain = read_domain(data, missing=None)  # labels that are there are not looked at
    try:
        columns = _columns(model, _fitting(model, domain), among, top)
    except DataError as error:
        raise DataError(f"{data}: {error}") from error
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(columns).to_csv(output, index=False)
    except OSError as error:
        why = error.strerror or error
        raise FileError(f"{output} must be writable for predictions; got: {why}") from error
    return domain.n_rows


def _columns(model: Any, domain: Domain, among: Any, top: int | None) -> dict[str, NDArray[Any]]:
    """Return the columns of the CSV."""
    task = model.task_
    if (among is not None or top is not None) and not isinstance(task, Classification):
        raise ParameterError(
            f"--classes and --top must stand beside a model of classes; got one of a {task.kind}"
        )
    if top is not None:
        names, outputs = model.predict_topk(domain, top, among=among)
        ranked = {f"prediction_{i}": column for i, column in enumerate(names.T, start=1)}
        return ranked | {f"output_{i}": column for i, column in enumerate(outputs.T, start=1)}
    if among is not None:
        names, outputs = model.outputs_among(domain, among)
        guess = names[outputs.argmax(axis=1)]
    else:
        outputs = model.outputs(domain)
        guess = task.decode(outputs)
        names = vars(task).get("classes_")
    if guess.ndim > 1:
        return {f"prediction_{i}": column for i, column in enumerate(guess.T, start=1)}
    columns = {"prediction": guess}
    if isinstance(task, Classification):
        p = task.probabilities(outputs)
        columns |= {f"p_{name}": p[:, i] for i, name in enumerate(names)}
    return columns


def _fitting(model: Any, domain: Domain) -> Domain:
    """Give pictures and sounds the size that a model takes."""
    rows, prepare = domain.rows, model.prepare_
    if not isinstance(rows, DecodedRows) or not isinstance(prepare, BlockPreparation):
        return domain
    return Domain(rows.fitting(prepare.row_shape_), name=domain.name)
