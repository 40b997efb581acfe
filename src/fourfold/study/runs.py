"""Runs: one fit of one method for one seed and split, on one question or several."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from xxhash import xxh3_128_hexdigest

from fourfold.core.version import VERSION
from fourfold.estimators.joint import JointEstimator
from fourfold.study.candidates import seeded, with_diagnostics
from fourfold.study.outcomes import Outcome, is_saved

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.study.question import Question
    from fourfold.study.splits import Split, Splits
    from fourfold.training.runtime import Runtime

__all__ = ["SHIPPED", "Run", "RunContext", "RunData", "list_runs"]

SHIPPED: Final = 0
"""The seed whose models are saved."""


@final
@dataclass(frozen=True)
class Run:
    """One fit.

    Attributes
    ----------
    method
        Name on the leaderboard.
    estimator
        Candidate, unfitted and without the run's seed.
    seed
        Seed of the fit.
    split
        Split of this seed; None for the whole target.
    held
        Question → held-out positions, for each question that the run answers.
    """

    method: str
    estimator: TransferEstimator | JointEstimator
    seed: int
    split: int | None
    held: Mapping[str, Index]

    @property
    def ships(self) -> bool:
        """Whether the model is saved, and may be shipped."""
        return self.split is None and self.seed == SHIPPED

    def unfitted(self) -> TransferEstimator | JointEstimator:
        """Return the estimator to fit, with its seed."""
        estimator = seeded(self.estimator, self.seed)
        return with_diagnostics(estimator) if self.ships else estimator


def list_runs(questions: Mapping[str, Question], seeds: int) -> Iterator[Run]:
    """List all runs of a study: the whole targets first, then splits; seeds side by side."""
    everything = [(m, e, n) for n, q in questions.items() for m, e in q.candidates.items()]
    fits = [(m, e, [n]) for m, e, n in everything if not isinstance(e, JointEstimator)]
    joint = {m: e for m, e, _ in everything if isinstance(e, JointEstimator)}
    fits += [(m, e, list(questions)) for m, e in joint.items()]
    splits = {name: question.protocol.splits for name, question in questions.items()}
    count = max(one.count for one in splits.values())
    judged = any(question.evaluate is not None for question in questions.values())
    for method, estimator, names in fits:
        nothing = {name: np.empty(0, np.intp) for name in names}
        for seed in range(seeds if judged or not count else 1):
            yield Run(method, estimator, seed, None, nothing)
    held = {name: [one.parts(seed) for seed in range(seeds)] for name, one in splits.items()}
    for split in range(count):
        for method, estimator, names in fits:
            for seed in range(seeds):
                parts = {name: held[name][seed][split] for name in names}
                yield Run(method, estimator, seed, split, parts)


@final
@dataclass(frozen=True)
class RunData:
    """Data of one question as fits see them: without labels to evaluate on.

    Attributes
    ----------
    sources, target, splits
        Training domains, and what is held out of them.
    evaluate
        Rows without labels, asked of models of the whole target; or None.
    plotted
        Rows whose features are asked of saved models.
    validate
        Whether models are asked about the target's rows, for a validator.
    folder
        Folder of runs and models of this question alone.
    """

    sources: tuple[Domain, ...]
    target: Domain
    splits: Splits
    evaluate: Domain | None
    plotted: tuple[Domain, ...]
    validate: bool
    folder: Path

    @classmethod
    def of(cls, question: Question, folder: Path) -> RunData:
        """Return the data of a question, without its labels to evaluate on."""
        evaluate, splits = question.evaluate, question.protocol.splits
        return cls(
            sources=question.sources,
            target=question.target,
            splits=splits,
            evaluate=None if evaluate is None else evaluate.unlabelled(),
            plotted=question.plotted,
            validate=not splits.count,
            folder=folder,
        )

    def identity(self, held: Index, *, whole: bool) -> list[Any]:
        """Return the dependencies of a run on these data, as JSON can hold them."""
        asked = self.evaluate.rows.digest if self.evaluate is not None and whole else None
        return [
            [source.digest for source in self.sources],
            self.target.digest,
            asked,
            None if whole else type(self.splits).__name__,
            held.tolist(),
            self.validate and whole,
        ]

    def asked(self, split: Split | None) -> dict[str, Domain]:
        """Return the rows to ask models about, by name."""
        if split is not None:
            return {"held": split.asked}
        asked = {} if self.evaluate is None else {"evaluate": self.evaluate}
        return asked | ({"target": self.target} if self.validate else {})


@final
@dataclass(frozen=True)
class RunContext:
    """Data and settings of every run of a study.

    Attributes
    ----------
    data
        Question → its data.
    folder
        Folder of the models that answer all questions.
    runtime
        Device, precision and threads of every fit.
    store
        Folder of the store; None keeps nothing.
    own
        Whether the process is ours, and may be set up for training.
    """

    data: Mapping[str, RunData]
    folder: Path
    runtime: Runtime
    store: Path | None
    own: bool
    _identities: dict[tuple[str, ...], list[Any]] = field(default_factory=dict)

    @cached_property
    def environment(self) -> list[Any]:
        """Influences on a result besides data and method."""
        with self.runtime:
            return [*self.runtime.identity(), VERSION, torch.__version__]

    def key(self, run: Run) -> str:
        """Return a digest of all dependencies of a run."""
        which = (run.method, *run.held)
        if which not in self._identities:  # weights of modules are long to digest
            self._identities[which] = run.estimator.identity()
        whole = run.split is None
        data = [
            [name, *self.data[name].identity(held, whole=whole)] for name, held in run.held.items()
        ]
        parts = [self._identities[which], run.seed, run.split, data, self.environment]
        return xxh3_128_hexdigest(json.dumps(parts).encode())

    def base(self, run: Run) -> Path:
        """Return the folder of a run: that of its only question, or the one of all."""
        if len(run.held) == len(self.data):
            return self.folder
        (name,) = run.held
        return self.data[name].folder

    def model(self, run: Run) -> Path:
        """Return the folder of the saved model of a run."""
        return self.base(run) / "models" / run.method

    def checkpoints(self, run: Run, key: str) -> Path:
        """Return the folder of the checkpoints of a run."""
        return self.base(run) / "runs" / f"{key}.checkpoint"

    def path(self, question: str, key: str) -> Path:
        """Return the file of a run's outcome on one question."""
        return self.data[question].folder / "runs" / f"{key}.safetensors"

    def finished(self, run: Run, key: str) -> dict[str, Outcome] | None:
        """Read a finished run; None where an outcome, or the saved model, is not there."""
        if run.ships and not is_saved(self.model(run), key):
            return None
        outcomes = {}
        for name, held in run.held.items():
            path = self.path(name, key)
            outcome = Outcome.load(path, run.method, run.seed, run.split, held)
            if outcome is None:
                return None
            outcomes[name] = outcome
        return outcomes
