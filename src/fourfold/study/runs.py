"""Runs: one fit of one method on one seed and split, finished once and read for ever after."""

from __future__ import annotations

import copy
import json
import shutil
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar, final

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from sklearn.frozen import FrozenEstimator
from xxhash import xxh3_128_hexdigest

from fourfold import bundle
from fourfold.core import findings
from fourfold.core.atomic import disk_is_full, whole_file
from fourfold.core.process import keep_memory, threads
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.tasks import TASKS, Task
from fourfold.core.version import VERSION
from fourfold.errors import FileError, FourfoldError, FourfoldWarning
from fourfold.frozen.fingerprint import fingerprint
from fourfold.frozen.store import Store, using
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.splits import Splits

__all__ = [
    "DRAWN",
    "SHIPPED",
    "Bench",
    "Failure",
    "Outcome",
    "Run",
    "ask",
    "attempt",
    "execute",
    "forget",
    "is_kept",
    "keep",
    "loss_curve",
    "timed",
]

T = TypeVar("T")

DRAWN: Final = ("drawn source", "drawn target")
SHIPPED: Final = 0
"""The seed whose models are saved."""


@final
@dataclass(frozen=True)
class Run:
    """One fit.

    Attributes
    ----------
    method
        Its name on the leaderboard.
    estimator
        Not fitted, with its seed.
    seed
        Of the fit.
    split
        Which of the splits of this seed; None for the whole target.
    held
        What it is kept from, as the study's splits say: positions of rows, or of classes.
    """

    method: str
    estimator: TransferEstimator | JointEstimator
    seed: int
    split: int | None = None
    held: Index = field(default_factory=lambda: np.empty(0, np.intp))

    @property
    def ships(self) -> bool:
        """Whether its model is saved, and may be the one that is handed over."""
        return self.split is None and self.seed == SHIPPED


@final
@dataclass(frozen=True)
class Bench:
    """What every run of a study works on.

    Attributes
    ----------
    sources, target
        The data.
    splits
        What the fits of splits are given and asked.
    evaluate
        Rows that models are asked about at the end, without their labels; or None.
    drawn
        Rows of the source and of the target whose features are wanted of the models that are saved.
    validate
        Whether models are asked about the target's rows, for a validator.
    folder
        Where runs are kept.
    store
        The folder of the store; None keeps nothing.
    threads
        That a fit computes with.
    own
        Whether the process is ours, and may be set up for training.
    fingerprints
        Method → that of its network where it is a module, which is the same for all its runs.
    """

    sources: Sequence[Domain]
    target: Domain
    splits: Splits
    evaluate: Domain | None
    drawn: Sequence[Domain]
    validate: bool
    folder: Path
    store: Path | None
    threads: int
    own: bool
    fingerprints: dict[str, str | None] = field(default_factory=dict)

    def key(self, run: Run) -> str:
        """Name all that a run depends on: another key is another run."""
        if run.method not in self.fingerprints:
            network = vars(run.estimator).get("network")
            module = fingerprint(network) if isinstance(network, torch.nn.Module) else None
            self.fingerprints[run.method] = module
        prepare = vars(run.estimator).get("prepare")
        parts = [
            to_plain(run.estimator),
            self.fingerprints[run.method],
            prepare.estimator.digest if isinstance(prepare, FrozenEstimator) else None,
            [source.digest for source in self.sources],
            self.target.digest,
            self.evaluate.rows.digest if self.evaluate is not None and run.split is None else None,
            [type(self.splits).__name__ if run.split is not None else None],
            [run.seed, run.split, run.held.tolist(), self.validate and run.split is None],
            [self.threads, VERSION, torch.__version__],
        ]
        return xxh3_128_hexdigest(json.dumps(parts).encode())

    def given(self, run: Run) -> tuple[list[Domain], Domain]:
        """Return what a run learns from."""
        if run.split is None:
            return list(self.sources), self.target
        posed = self.splits.pose(run.held)
        return posed.sources, posed.target

    def model(self, run: Run) -> Path:
        """Return the folder of the model that a run saves."""
        return self.folder / "models" / run.method

    def path(self, key: str) -> Path:
        """Return the file that a run is kept in."""
        return self.folder / "runs" / f"{key}.safetensors"

    def finished(self, run: Run, key: str) -> Outcome | None:
        """Read a finished run; None where it, or the model that it saved, is not there."""
        if run.ships and not is_kept(self.model(run), key):
            return None
        return Outcome.load(self.path(key), run)


@final
@dataclass(frozen=True)
class Outcome:
    """What a run gave: what its model says of some rows, and what it cost.

    Attributes
    ----------
    method, seed, split
        Of the run.
    task
        Fitted, to read outputs with.
    outputs
        ``"held"``, ``"evaluate"`` and ``"target"`` rows → outputs (n, k), as far as asked; of a
        model that is saved also features (n, d) of the rows that are ``DRAWN``.
    seconds
        That the fit took.
    losses
        One value an epoch.
    findings
        What else the method found out.
    """

    method: str
    seed: int
    split: int | None
    task: Task
    outputs: dict[str, NDArray[np.float32]]
    seconds: float
    losses: list[float]
    findings: list[Finding] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write it, all or nothing."""
        notes = {
            "seconds": self.seconds,
            "losses": self.losses,
            "findings": [findings.to_json(finding) for finding in self.findings],
            "task": to_plain(self.task),
            "state": self.task.state(),
        }
        try:
            arrays = {name: np.ascontiguousarray(array) for name, array in self.outputs.items()}
            with whole_file(path) as part:
                save_file(arrays, part, {"fourfold": json.dumps(notes)})
        except (OSError, SafetensorError) as error:
            raise FileError(f"{path.parent} must be writable for finished runs; {error}") from error

    @classmethod
    def load(cls, path: Path, run: Run) -> Outcome | None:
        """Read a finished run; None where there is none that can be read."""
        try:
            with safe_open(path, "np") as file:
                outputs = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
                notes = json.loads((file.metadata() or {})["fourfold"])
            task = from_plain(notes["task"], TASKS).restore(notes["state"])
            found = [findings.from_json(raw) for raw in notes["findings"]]
        except (OSError, SafetensorError, KeyError, ValueError, TypeError):
            return None
        seconds, losses = notes["seconds"], notes["losses"]
        return cls(run.method, run.seed, run.split, task, outputs, seconds, losses, found)


@final
@dataclass(frozen=True)
class Failure:
    """A run that could not be: which, and why in a sentence."""

    method: str
    seed: int
    split: int | None
    error: str


def execute(run: Run, bench: Bench, key: str) -> Outcome | Failure:
    """Fit, ask the model about the rows that are wanted, and keep what it says.

    A method that cannot run gives a Failure; the study goes on without it.
    """
    outcome = attempt(lambda: _fit(run, bench, key), bench)
    if isinstance(outcome, str):
        return Failure(run.method, run.seed, run.split, outcome)
    outcome.save(bench.path(key))
    return outcome


def attempt(fit: Callable[[], T], bench: Bench) -> T | str:
    """Fit with a bench's threads and store; return why it could not be, if so, in a sentence.

    Raises
    ------
    FileError
        If a file cannot be written: that is no fault of the method.
    """
    if bench.own:
        keep_memory()
    try:
        with threads(bench.threads):
            return _with_store(fit, bench)
    except FileError:
        raise
    except Exception as error:  # noqa: BLE001  whatever one method raises, the others go on
        kind = "" if isinstance(error, FourfoldError) else f"{type(error).__name__}: "
        return f"{kind}{error}"


def _with_store(fit: Callable[[], T], bench: Bench) -> T:
    """Fit; where the store's disk is full, again without it."""
    try:
        with using(None if bench.store is None else Store(bench.store)):
            return fit()
    except OSError as error:
        if bench.store is None or not (disk_is_full(error) or disk_is_full(error.__cause__)):
            raise
        warnings.warn(
            f"the disk of the store {bench.store} is full: nothing more is kept there",
            FourfoldWarning,
            stacklevel=2,
        )
    with using(None):
        return fit()


def _fit(run: Run, bench: Bench, key: str) -> Outcome:
    estimator: Any = copy.copy(run.estimator)
    checkpoints = bench.path(key).with_suffix(".checkpoint")
    sources, target = bench.given(run)
    seconds = timed(lambda: estimator.fit(target, source=sources), checkpoints)
    if run.ships:
        keep(estimator, bench.model(run), key)
    forget(checkpoints)
    outputs, task, found = ask(estimator, run, bench), estimator.task_, estimator.findings_
    losses = loss_curve(estimator)
    return Outcome(run.method, run.seed, run.split, task, outputs, seconds, losses, found)


def timed(fit: Callable[[], object], checkpoints: Path) -> float:
    """Fit with checkpoints to go on from after a kill; return the seconds that it took."""
    with current().but(checkpoints=checkpoints):
        began = time.perf_counter()
        fit()
        return time.perf_counter() - began


def keep(estimator: Any, folder: Path, key: str) -> None:
    """Save the model of a run, and beside it which run it is of."""
    mark = _mark(folder)
    mark.unlink(missing_ok=True)  # first: a kill in between leaves a model of no run
    bundle.save(estimator, folder)
    with whole_file(mark) as part:
        part.write_text(key, encoding="utf-8")


def is_kept(folder: Path, key: str) -> bool:
    """Tell whether a folder holds the model of a run, and not of another one before it."""
    mark = _mark(folder)
    return folder.exists() and mark.exists() and mark.read_text(encoding="utf-8") == key


def _mark(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.run")


def forget(checkpoints: Path) -> None:
    """Remove the checkpoints of a fit that is over."""
    shutil.rmtree(checkpoints, ignore_errors=True)


def loss_curve(estimator: Any) -> list[float]:
    """Return one loss an epoch of a fitted estimator; none where it was not trained."""
    history = vars(estimator).get("history_")
    return [float(sum(epoch)) for epoch in history.losses] if history is not None else []


def ask(estimator: Any, run: Run, bench: Bench) -> dict[str, NDArray[np.float32]]:
    """Return what a model says of the rows that are wanted of it."""
    asked = {} if run.split is None else {"held": bench.splits.pose(run.held).asked}
    if run.split is None and bench.evaluate is not None:
        asked["evaluate"] = bench.evaluate
    if run.split is None and bench.validate:
        asked["target"] = bench.target
    answers = {name: estimator.outputs(domain) for name, domain in asked.items()}
    if run.ships and bench.drawn:
        features = [estimator.embed(domain) for domain in bench.drawn]
        answers |= dict(zip(DRAWN, features, strict=True))
    return answers
