"""Outcomes of fits: answers on some rows and the cost, kept in a file; models beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias, final

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError

from fourfold import bundle
from fourfold.core import findings
from fourfold.core.atomic import whole_file
from fourfold.core.digests import DamagedError, load_tensors, save_tensors
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS, Task
from fourfold.errors import FileError

if TYPE_CHECKING:
    from pathlib import Path

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator

__all__ = [
    "ANSWERED",
    "PLOTTED",
    "Answers",
    "Failure",
    "Outcome",
    "finished",
    "is_saved",
    "save_model",
    "take",
    "whole",
]

Answers: TypeAlias = NDArray[Any] | Sequence[NDArray[Any]]
"""Outputs for n rows: an array (n, ...), or ragged, n arrays of any lengths as of utterances."""

ANSWERED: Final = ("held", "evaluate", "target")
"""Names of the rows that models answer for."""
PLOTTED: Final = ("plotted source", "plotted target")
"""Names of the features of plotted rows in an outcome."""
LENGTHS: Final = " lengths"
"""Suffix of the array with the lengths of ragged answers in a file."""


def take(answers: Answers, index: Index) -> Answers:
    """Return the answers for the rows at these positions, (m,)."""
    if isinstance(answers, np.ndarray):
        return answers[index]
    return [answers[i] for i in index]


@final
@dataclass(frozen=True)
class Outcome:
    """Answers of one fitted model, and the cost of its fit.

    Attributes
    ----------
    method, seed, split
        Of the run.
    held
        (m,) positions that were held out: of rows, or of classes, as the splits count them.
    task
        Fitted; it decodes and scores the answers.
    outputs
        ``"held"``, ``"evaluate"`` and ``"target"`` rows → answers, as far as asked; of a saved
        model also features (n, d) of the rows that are plotted.
    seconds
        Duration of the fit.
    losses
        One value an epoch.
    findings
        Findings of the method.
    """

    method: str
    seed: int
    split: int | None
    held: Index
    task: Task
    outputs: dict[str, Answers]
    seconds: float
    losses: list[float]
    findings: list[Finding] = field(default_factory=list)

    def predictions(self, name: str) -> NDArray[Any]:
        """Decode the answers on ``"held"``, ``"evaluate"`` or ``"target"`` rows: (n,) or (n, m)."""
        answers: Any = self.outputs[name]  # of the kind that the task decodes
        return self.task.decode(answers)

    def judged(self, evaluate: Domain) -> Answers:
        """Return the answers on the labelled rows to evaluate on."""
        return take(self.outputs["evaluate"], np.flatnonzero(evaluate.labelled))

    def save(self, path: Path) -> None:
        """Write the outcome, all or nothing."""
        notes = {
            "run": path.stem,
            "seconds": self.seconds,
            "losses": self.losses,
            "findings": [findings.to_json(finding) for finding in self.findings],
            "task": to_plain(self.task),
            "state": self.task.state(),
        }
        arrays = _to_arrays(self.outputs)
        try:
            save_tensors(path, {name: torch.tensor(a) for name, a in arrays.items()}, notes)
        except (OSError, SafetensorError) as error:
            raise FileError(f"{path.parent} must be writable for finished runs; {error}") from error

    @classmethod
    def load(
        cls, path: Path, method: str, seed: int, split: int | None, held: Index
    ) -> Outcome | None:
        """Read the outcome of a finished run; None if it is missing or damaged."""
        try:
            tensors, notes = load_tensors(path)
        except (FileNotFoundError, DamagedError):
            return None
        if notes["run"] != path.stem:
            return None
        task = from_plain(notes["task"], TASKS).restore(notes["state"])
        found = [findings.from_json(raw) for raw in notes["findings"]]
        outputs = _from_arrays({name: tensor.numpy() for name, tensor in tensors.items()})
        seconds, losses = notes["seconds"], notes["losses"]
        return cls(method, seed, split, held, task, outputs, seconds, losses, found)


@final
@dataclass(frozen=True)
class Failure:
    """A run without an outcome, and the reason in a sentence."""

    method: str
    seed: int
    split: int | None
    error: str


def finished(outcomes: Sequence[Outcome | Failure]) -> list[Outcome]:
    """Return the outcomes without failures, in the order of seeds and splits."""
    done = [outcome for outcome in outcomes if isinstance(outcome, Outcome)]
    return sorted(done, key=lambda o: (o.seed, -1 if o.split is None else o.split))


def whole(outcomes: Sequence[Outcome | Failure]) -> list[Outcome]:
    """Return the outcomes on the whole target, one a seed."""
    return [outcome for outcome in finished(outcomes) if outcome.split is None]


def save_model(estimator: TransferEstimator | JointEstimator, folder: Path, key: str) -> None:
    """Save the model of a run, and beside it the run's key."""
    mark = _mark(folder)
    mark.unlink(missing_ok=True)  # first: a kill in between leaves a model of no run
    bundle.save(estimator, folder)
    with whole_file(mark) as part:
        part.write_text(key, encoding="utf-8")


def is_saved(folder: Path, key: str) -> bool:
    """Return whether a folder holds the model of this run, whole, and not of an earlier one."""
    try:
        marked = _mark(folder).read_bytes() == key.encode()
    except FileNotFoundError:
        return False
    return marked and bundle.is_whole(folder)


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.run")


def _to_arrays(outputs: dict[str, Answers]) -> dict[str, NDArray[Any]]:
    """Return one array for each name, and the lengths of ragged answers beside it."""
    arrays = {}
    for name, answers in outputs.items():
        if isinstance(answers, np.ndarray) and answers.dtype != object:
            arrays[name] = np.ascontiguousarray(answers)
        else:
            arrays[name] = np.concatenate(list(answers))
            arrays[name + LENGTHS] = np.array([len(one) for one in answers])
    return arrays


def _from_arrays(arrays: dict[str, NDArray[Any]]) -> dict[str, Answers]:
    """Return the answers in arrays of :func:`_to_arrays`."""
    outputs: dict[str, Answers] = {}
    for name, array in arrays.items():
        if name.endswith(LENGTHS):
            continue
        lengths = arrays.get(name + LENGTHS)
        outputs[name] = array if lengths is None else np.split(array, np.cumsum(lengths)[:-1])
    return outputs
