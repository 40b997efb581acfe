"""Joint runs: one fit of one method on all tasks at once, kept as an outcome of each task."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, final

from xxhash import xxh3_128_hexdigest

from fourfold.study.runs import (
    SHIPPED,
    Failure,
    Outcome,
    Run,
    ask,
    attempt,
    execute,
    forget,
    is_kept,
    keep,
    loss_curve,
    timed,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from fourfold.data.rows import Index
    from fourfold.estimators.joint import JointEstimator
    from fourfold.study.runs import Bench

__all__ = ["JointBench", "JointRun", "Said", "execute_alone", "execute_joint"]

Said: TypeAlias = "dict[str, Outcome | Failure]"
"""Task → what a fit said of it."""


@final
@dataclass(frozen=True)
class JointRun:
    """One fit on all tasks.

    Attributes
    ----------
    method, estimator, seed, split
        As of a :class:`~fourfold.study.runs.Run`.
    held
        Task → positions of its rows whose labels the fit does not see.
    """

    method: str
    estimator: JointEstimator
    seed: int
    split: int | None
    held: Mapping[str, Index]

    @property
    def ships(self) -> bool:
        """Whether its model is saved, and may be handed over for some task."""
        return self.split is None and self.seed == SHIPPED

    def of(self, task: str) -> Run:
        """Return what the run is to one task."""
        return Run(self.method, self.estimator, self.seed, self.split, self.held[task])


@final
@dataclass(frozen=True)
class JointBench:
    """What every joint run works on.

    Attributes
    ----------
    tasks
        Task → the bench on which it is learnt alone.
    folder
        Where joint models are kept.
    """

    tasks: Mapping[str, Bench]
    folder: Path

    @property
    def any(self) -> Bench:
        """A bench of one of the tasks: threads and store are the same."""
        return next(iter(self.tasks.values()))

    def key(self, run: JointRun) -> str:
        """Name all that a run depends on: another key is another run."""
        keys = [f"{name} {bench.key(run.of(name))}" for name, bench in self.tasks.items()]
        return xxh3_128_hexdigest("\n".join(keys).encode())

    def model(self, method: str) -> Path:
        """Return the folder of the model that a method saves."""
        return self.folder / "models" / method

    def finished(self, run: JointRun, key: str) -> Said | None:
        """Read a finished run; None where some of it is not there."""
        if run.ships and not is_kept(self.model(run.method), key):
            return None
        said: Said = {}
        for name, bench in self.tasks.items():
            outcome = Outcome.load(bench.path(key), run.of(name))
            if outcome is None:
                return None
            said[name] = outcome
        return said


def execute_alone(task: str, run: Run, bench: Bench, key: str) -> Said:
    """Fit one task by itself."""
    return {task: execute(run, bench, key)}


def execute_joint(run: JointRun, bench: JointBench, key: str) -> Said:
    """Fit all tasks at once, ask each task's model, and keep what it says.

    A method that cannot run gives a Failure of each task; the study goes on without it.
    """
    outcomes = attempt(lambda: _fit(run, bench, key), bench.any)
    if isinstance(outcomes, str):
        return {name: Failure(run.method, run.seed, run.split, outcomes) for name in bench.tasks}
    for name, outcome in outcomes.items():
        outcome.save(bench.tasks[name].path(key))
    return {**outcomes}


def _fit(run: JointRun, bench: JointBench, key: str) -> dict[str, Outcome]:
    estimator: Any = copy.copy(run.estimator)
    checkpoints = bench.folder / "runs" / f"{key}.checkpoint"
    tasks = {name: part.target.hide(run.held[name]) for name, part in bench.tasks.items()}
    seconds = timed(lambda: estimator.fit(tasks), checkpoints)
    if run.ships:
        keep(estimator, bench.model(run.method), key)
    forget(checkpoints)
    losses, found = loss_curve(estimator), estimator.findings_
    outcomes = {}
    for name, part in bench.tasks.items():
        member, own = estimator.of(name), run.of(name)
        said = ask(member, own, part)
        outcomes[name] = Outcome(
            run.method, run.seed, run.split, member.task_, said, seconds, losses, found
        )
    return outcomes
