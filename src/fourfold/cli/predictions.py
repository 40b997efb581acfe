"""CSV files of predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from fourfold.cli.sheets import write_sheet
from fourfold.core.tasks import Attributes, Classification, Regression, Transcription
from fourfold.data.domain import Domain
from fourfold.data.rows import FrameRows
from fourfold.errors import DataError, ParameterError
from fourfold.preparation.blockwise import BlockPreparation
from fourfold.preparation.choose import TablePreparation, TableViews
from fourfold.readers import read_inputs
from fourfold.readers.media.decoded import DecodedRows
from fourfold.readers.media.transcribed import as_speech

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["write_predictions"]


MOST_CELLS: Final = 1 << 24
"""Outputs of rows × classes that are held in memory at once."""


def write_predictions(
    model: Any,
    data: Path,
    output: Path,
    *,
    among: Any = None,
    top: int | None = None,
    reasons: int | None = None,
    escape: bool = True,
) -> int:
    """Predict each row of a file or folder, and return the number of rows.

    The CSV file has one line per row, in order. Its first column names the row: ``file``, a path in
    a folder; ``id``, the table's column of names; else ``row``, its number from 1. Then follow
    ``prediction`` (``prediction_1``, … for several values), and the probability of each class,
    ``p_NAME``, or of each yes, ``p_1``, …; beside a transcript stands the ``confidence`` of its
    least sure word, and each of its ``words`` with its own. With ``top`` it has the most likely
    classes in order, ``prediction_1``, …, and their probabilities among all candidate classes,
    ``p_1``, ….
    With ``reasons`` the columns of the table follow that move the score of the prediction most,
    ``reason_1``, …, each with its ``contribution_1``, …, as ``explain`` computes them.

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
    reasons
        Number of columns to name for each row; None for none.
    escape
        Whether texts that a spreadsheet would run begin with an apostrophe; numbers never do.

    Raises
    ------
    DataError
        If the rows do not fit the model.
    ParameterError
        If candidate classes or ``top`` are given for a model without classes, or the output would
        replace an input.
    FileError
        If the CSV file cannot be written.
    """
    if _is_input(output, data):
        raise ParameterError(f"predictions must go to a file of their own; got {output}, an input")
    domain = read_inputs(data)
    try:
        fitting = _fitting(model, domain)
        found = _columns(model, fitting, among, top)
        if reasons is not None:
            found |= _reasons(model, fitting, found, reasons)
    except DataError as error:
        raise DataError(f"{data}: {error}") from error
    columns = _names(model, domain, data) | found
    write_sheet(pd.DataFrame(columns), output, "predictions", escape=escape)
    return domain.n_rows


def _names(model: Any, domain: Domain, data: Path) -> dict[str, NDArray[Any]]:
    """Return the column that names the rows: a file, an id of the model's schema, or a number."""
    ids, prepare = domain.annotations.ids, model.prepare_
    table = prepare.lines_ if isinstance(prepare, TableViews) else prepare
    if isinstance(table, TablePreparation) and isinstance(domain.rows, FrameRows):
        name = table.columns_.names_rows
        if name in domain.rows.frame.columns:
            ids = domain.rows.frame[name].to_numpy(object)
    if ids is None:
        return {"row": np.arange(1, domain.n_rows + 1)}
    files = data.is_dir() or isinstance(domain.rows, DecodedRows)
    return {"file" if files else "id": ids}


def _columns(model: Any, domain: Domain, among: Any, top: int | None) -> dict[str, NDArray[Any]]:
    """Return the columns of the CSV."""
    task = model.task_
    if not isinstance(task, Classification):
        if among is not None or top is not None:
            raise ParameterError(
                "--classes and --top must stand beside a model of classes; got one of a "
                f"{task.kind}"
            )
        outputs = model.outputs(domain)
        predicted = task.decode(outputs)
        if isinstance(task, Transcription):
            return {"prediction": predicted} | _confidences(task, outputs)
        if predicted.ndim == 1:
            return {"prediction": predicted}
        columns = _numbered("prediction", predicted)
        if isinstance(task, Attributes):
            columns |= _numbered("p", task.probabilities(outputs))
        return columns
    if top is not None:
        return _likeliest(model, domain, among, top)
    if among is not None:
        names, outputs = model.outputs_among(domain, among)
    else:
        names, outputs = task.names, model.outputs(domain)
    p = task.probabilities(outputs)
    best = {"prediction": names[outputs.argmax(axis=1)]}
    return best | {f"p_{name}": p[:, i] for i, name in enumerate(names)}


def _confidences(task: Transcription, outputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the least confidence of each transcript's words, and every word's, as columns."""
    found = task.words(outputs)
    least = [min((word.confidence for word in of), default=0.0) for of in found]
    said = [" ".join(f"{word.text}:{word.confidence:.2f}" for word in of) for of in found]
    return {"confidence": np.round(least, 3), "words": np.array(said, object)}


def _likeliest(model: Any, domain: Domain, among: Any, top: int) -> dict[str, NDArray[Any]]:
    """Return the columns of the likeliest classes; of very many, for a few rows at once."""
    candidates = model.classes_ if among is None else among
    if not 1 <= top <= len(candidates):
        raise ParameterError(
            f"--top must lie in [1, {len(candidates)}], the number of classes; got {top}"
        )
    step = max(1, MOST_CELLS // len(candidates))
    found = []
    for start in range(0, domain.n_rows, step):
        part = domain.subset(np.arange(start, min(start + step, domain.n_rows)))
        names, outputs = model.outputs_among(part, candidates)
        order = np.argsort(-outputs, axis=1, kind="stable")[:, :top]
        p = model.task_.probabilities(outputs)
        found.append((names[order], np.take_along_axis(p, order, axis=1)))
    names, p = (np.concatenate(each) for each in zip(*found, strict=True))
    return _numbered("prediction", names) | _numbered("p", p)


def _reasons(
    model: Any, domain: Domain, found: dict[str, NDArray[Any]], most: int
) -> dict[str, NDArray[Any]]:
    """Return the columns that move the score of each prediction most, and their contributions."""
    task, predicted = model.task_, found.get("prediction")
    if predicted is None or not isinstance(task, (Classification, Regression)) or most < 1:
        raise ParameterError(
            "--reasons must be 1 or more, for a model with one prediction a row and without --top; "
            f"got {most} for a {task.kind}"
        )
    classes = isinstance(task, Classification)
    of = task.places(predicted) if classes else np.ones(len(predicted), np.intp)  # up is up
    names, values = model.explain(domain).strongest(most, of)
    pairs = zip(
        _numbered("reason", names).items(), _numbered("contribution", values).items(), strict=True
    )
    return {name: column for pair in pairs for name, column in pair}


def _is_input(output: Path, data: Path) -> bool:
    """Return whether an output would replace an input, under any of its names."""
    if not output.exists():
        return False
    inside = data.is_dir() and output.resolve().is_relative_to(data.resolve())
    return inside or output.samefile(data)


def _numbered(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {f"{name}_{i}": column for i, column in enumerate(values.T, start=1)}


def _fitting(model: Any, domain: Domain) -> Domain:
    """Resize pictures and sounds to the rows of a model."""
    rows, prepare = domain.rows, model.prepare_
    if not isinstance(rows, DecodedRows) or not isinstance(prepare, BlockPreparation):
        return domain
    if prepare.spoken_:
        spoken = as_speech(domain, prepare.row_shape_[0])
        return Domain(spoken.rows, name=domain.name)
    return Domain(rows.fitting(prepare.row_shape_, prepare.white_), name=domain.name)
