"""CSV files of predictions."""

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
    """Predict each row of a file or folder, and return the number of rows.

    The CSV file has one line per row, in order: ``prediction`` (``prediction_1``, … for several
    values), and for classes the probability of each, ``p_NAME``. With ``top`` it has the most
    likely classes in order, ``prediction_1``, …, and the model's outputs for them, ``output_1``, ….

    Parameters
    ----------
    model
        Fitted estimator.
    data, output
        The rows, and the file to write.
    among
        Candidate classes, as in ``predict``; None for all that the model knows.
    top
        Number of classes to write for each row; None for all.

    Raises
    ------
    DataError
        If the rows do not fit the model.
    ParameterError
        If candidate classes or ``top`` are given for a model without classes.
    FileError
        If the CSV file cannot be written.
    """
    domain = read_domain(data, missing=None)  # labels in the file are ignored
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
    if not isinstance(task, Classification):
        if among is not None or top is not None:
            raise ParameterError(
                "--classes and --top must stand beside a model of classes; got one of a "
                f"{task.kind}"
            )
        predicted = task.decode(model.outputs(domain))
        return (
            _numbered("prediction", predicted) if predicted.ndim > 1 else {"prediction": predicted}
        )
    if top is not None:
        names, outputs = model.predict_topk(domain, top, among=among)
        return _numbered("prediction", names) | _numbered("output", outputs)
    if among is not None:
        names, outputs = model.outputs_among(domain, among)
    else:
        names, outputs = task.classes_, model.outputs(domain)
    p = task.probabilities(outputs)
    predicted = {"prediction": names[outputs.argmax(axis=1)]}
    return predicted | {f"p_{name}": p[:, i] for i, name in enumerate(names)}


def _numbered(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"{name}_{i}": column for i, column in enumerate(values.T, start=1)}


def _fitting(model: Any, domain: Domain) -> Domain:
    """Resize pictures and sounds to the rows of a model."""
    rows, prepare = domain.rows, model.prepare_
    if not isinstance(rows, DecodedRows) or not isinstance(prepare, BlockPreparation):
        return domain
    return Domain(rows.fitting(prepare.row_shape_), name=domain.name)
