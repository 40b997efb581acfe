"""Runs: one fit of one method for one seed and split, on one question or several."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
import torch
from sklearn.base import clone
from xxhash import xxh3_128_hexdigest

from fourfold.core.version import VERSION
from fourfold.data.pooling import in_one_order
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.network import UsesRecipe
from fourfold.estimators.transfer import TransferEstimator
from fourfold.study.asking.trained import source_identity
from fourfold.study.running.outcomes import Outcome, is_saved

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from fourfold.data.rows import Index
    from fourfold.study.question import Question
    from fourfold.training.runtime import Runtime

__all__ = ["SHIPPED", "Run", "RunContext", "data_digest", "in_turn", "list_runs", "without_answers"]

SHIPPED: Final = 0
"""The seed whose models are saved."""
NOTHING: Final[Index] = np.empty(0, np.intp)


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
    def trains(self) -> bool:
        """Whether a network is trained."""
        return isinstance(self.estimator, UsesRecipe)

    @property
    def uses_source(self) -> bool:
        """Whether the fit learns from a source."""
        return isinstance(self.estimator, TransferEstimator) and self.estimator.uses_source

    @property
    def ships(self) -> bool:
        """Whether the model is saved, and may be shipped."""
        return self.split is None and self.seed == SHIPPED

    def unfitted(self) -> TransferEstimator | JointEstimator:
        """Return the estimator to fit, with its seed; only shipped transfer measures more."""
        estimator: TransferEstimator | JointEstimator = clone(self.estimator)
        if self.ships and self.uses_source and estimator.takes("measure", value=True):
            estimator.set_params(measure=True)
        return estimator.set_params(random_state=self.seed)


def list_runs(
    questions: Mapping[str, Question], seeds: Iterable[int], methods: Collection[str] | None = None
) -> Iterator[Run]:
    """List the runs of a study, or of some methods: seed after seed.

    A method's fit on the whole target comes before its splits. Without rows to evaluate on, folds
    judge, so that only the first seed has a whole fit; with them, folds of the first seed choose.
    """
    everything = [
        (method, estimator, name)
        for name, question in questions.items()
        for method, estimator in question.candidates.items()
        if methods is None or method in methods
    ]
    fits = [(m, e, [n]) for m, e, n in everything if not isinstance(e, JointEstimator)]
    joint = {m: e for m, e, _ in everything if isinstance(e, JointEstimator)}
    fits += [(m, e, list(questions)) for m, e in joint.items()]
    splits = {name: question.protocol.splits for name, question in questions.items()}
    count = max(one.count for one in splits.values())
    judged = [question.evaluate is not None for question in questions.values()]
    again = not all(judged) or any(one.every_seed for one in splits.values())
    for seed in seeds:
        first = seed == SHIPPED
        folds = range(count if first or again else 0)
        held = {name: one.parts(seed) for name, one in splits.items()} if folds else {}
        for method, estimator, names in fits:
            if first or any(judged) or not count:
                yield Run(method, estimator, seed, None, dict.fromkeys(names, NOTHING))
            for split in folds:
                parts = {name: held[name][split] for name in names}
                yield Run(method, estimator, seed, split, parts)


def in_turn(runs: Iterable[Run]) -> list[Run]:
    """Order runs so that useful answers come early, and processes seldom wait for a source model.

    Methods without training come first, then for each seed a run that trains its source model, then
    networks without a source, and last all others that use the model.
    """
    every, training = list(runs), dict[int, Run]()
    for run in every:
        if run.trains and run.uses_source:
            training.setdefault(run.seed, run)

    def turn(run: Run) -> int:
        if not run.trains:
            return 0
        if not run.uses_source:
            return 2
        return 1 if run is training[run.seed] else 3

    return sorted(every, key=turn)


def without_answers(question: Question) -> Question:
    """Return a question as fits see it: without labels to evaluate on, and without candidates."""
    evaluate = None if question.evaluate is None else question.evaluate.unlabelled()
    return replace(question, evaluate=evaluate, candidates={})


def data_digest(questions: Mapping[str, Question]) -> str:
    """Return a digest of all that questions learn from."""
    data = {
        name: [
            *(domain.digest for domain in (*in_one_order(question.sources), question.target)),
            *source_identity(question.trained),
        ]
        for name, question in questions.items()
    }
    return xxh3_128_hexdigest(json.dumps(data).encode())


@final
@dataclass(frozen=True)
class RunContext:
    """Data and settings of every run of a study.

    Attributes
    ----------
    data
        Name → question :func:`without_answers`.
    folders
        Question → folder of runs and models of this question alone.
    folder
        Folder of the models that answer all questions.
    runtime
        Device, precision and threads of every fit.
    store
        Folder of the store; None keeps nothing.
    """

    data: Mapping[str, Question]
    folders: Mapping[str, Path]
    folder: Path
    runtime: Runtime
    store: Path | None
    _identities: dict[tuple[str, ...], list[Any]] = field(default_factory=dict)

    @classmethod
    def over(
        cls,
        questions: Mapping[str, Question],
        folder: Path,
        runtime: Runtime,
        store: Path | None,
        folders: Mapping[str, Path] | None = None,
    ) -> Self:
        """Return the context of the runs of questions, all in one folder or each in one."""
        data = {name: without_answers(question) for name, question in questions.items()}
        return cls(data, folders or dict.fromkeys(questions, folder), folder, runtime, store)

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
            [name, *_identity(self.data[name], held, whole=whole)]
            for name, held in run.held.items()
        ]
        parts = [self._identities[which], run.seed, run.split, data, self.environment]
        return xxh3_128_hexdigest(json.dumps(parts).encode())

    def base(self, run: Run) -> Path:
        """Return the folder of a run: that of its only question, or the one of all."""
        if len(run.held) == len(self.data):
            return self.folder
        (name,) = run.held
        return self.folders[name]

    def model(self, run: Run) -> Path:
        """Return the folder of the saved model of a run."""
        return self.base(run) / "models" / run.method

    def checkpoints(self, run: Run, key: str) -> Path:
        """Return the folder of the checkpoints of a run."""
        return self.base(run) / "runs" / f"{key}.checkpoint"

    def path(self, question: str, key: str) -> Path:
        """Return the file of a run's outcome on one question."""
        return self.folders[question] / "runs" / f"{key}.safetensors"

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


def _identity(question: Question, held: Index, *, whole: bool) -> list[Any]:
    """Return the dependencies of a run on a question's data, as JSON can hold them."""
    evaluate, splits = question.evaluate, question.protocol.splits
    return [
        [source.digest for source in question.sources] or source_identity(question.trained),
        question.target.digest,
        evaluate.rows.digest if evaluate is not None and whole else None,
        None if whole else type(splits).__name__,
        held.tolist(),
        not splits.count and whole,
    ]
