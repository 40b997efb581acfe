"""Execution of runs: fits in several processes, each in the study's runtime."""

from __future__ import annotations

import math
import shutil
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from joblib import cpu_count

from fourfold.core.atomic import disk_is_full
from fourfold.errors import DataError, FileError, FourfoldError, FourfoldWarning
from fourfold.estimators.joint import JointEstimator
from fourfold.frozen.store import Store, compute_once, using
from fourfold.networks.cut import Cut
from fourfold.study.running.outcomes import PLOTTED, Failure, Outcome, save_model
from fourfold.study.running.processes import in_processes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Answers
    from fourfold.study.running.progress import FitProgress
    from fourfold.study.running.runs import Run, RunContext
    from fourfold.study.splits import Split

__all__ = ["execute", "execute_all", "own_store", "precompute"]

Outcomes: TypeAlias = Mapping[str, Outcome | Failure]
"""Question → outcome or failure of one run."""

MOST_KEPT: Final = 1 << 24
"""Numbers of prepared tables that each of several processes may keep."""
LONG: Final = 1 << 20
"""Numbers of prepared rows from which a network learns so long that processes begin at once."""


def own_store() -> Store | None:
    """Open the user's store; return None where its disk is full."""
    try:
        return Store.default()
    except OSError as error:
        if not disk_is_full(error):
            raise
        warnings.warn(
            f"the disk of the store is full, so that nothing is kept in it; got: {error}",
            FourfoldWarning,
            stacklevel=3,
        )
        return None


def precompute(network: object, questions: Mapping[str, Question], store: Store | None) -> None:
    """Compute the features of a frozen network with all threads, before fits share them out."""
    if not isinstance(network, Cut):
        return
    with using(store):
        for question in questions.values():
            for domain in question.domains:
                rows = question.preparation.transform(domain.rows)
                for _ in compute_once(network.frozen, rows).blocks():
                    pass


def execute_all(
    runs: Sequence[Run], context: RunContext, bar: FitProgress, *, resume: bool, jobs: int | None
) -> Iterator[Outcomes]:
    """Yield the outcomes of all runs: first those of finished ones, then as they come.

    Finished runs are read and not repeated with ``resume``. There are ``jobs`` fits at a time: one
    here, the others in processes of their own. None begins here, and takes all cores where that is
    worth the start of processes.
    """
    left, done = [], []
    for run in runs:
        key = context.key(run)
        found = context.finished(run, key) if resume else None
        if found is None:
            left.append(partial(execute, run, context, key))
        else:
            done.append(found)
    bar.add(len(done) + len(left), len(done))
    yield from done
    most = _cores(context) if jobs is None else jobs
    at_once = jobs is not None or _learn_long(runs, context)
    for outcomes in in_processes(left, most, bar, at_once=at_once):
        yield outcomes
        one = next(iter(outcomes.values()))
        bar.advance(one.method, one.seed)


def _cores(context: RunContext) -> int:
    """Return the number of processes that are worth their memory: each keeps prepared tables."""
    kept = sum(n for kind, n in _prepared(context) if kind == "table")
    return 1 if kept > MOST_KEPT else cpu_count()


def _learn_long(runs: Sequence[Run], context: RunContext) -> bool:
    """Return whether networks learn from as many numbers as keep a process busy for seconds."""
    most = max((n for _, n in _prepared(context)), default=0)
    return most > LONG and any(run.trains for run in runs)


def _prepared(context: RunContext) -> Iterator[tuple[str, int]]:
    """Yield the kind of each domain, and the count of the numbers that prepared rows hold."""
    for question in context.data.values():
        width = math.prod(question.preparation.shape_)
        for domain in question.domains:
            yield domain.rows.kind, domain.n_rows * width


def execute(run: Run, context: RunContext, key: str) -> Outcomes:
    """Fit, ask the model about the wanted rows, and write its outcome on each question.

    A method that cannot run gives failures; the study goes on without it.

    Raises
    ------
    FileError
        If a file cannot be written, which is no fault of the method.
    """
    try:
        outcomes = _in_runtime(run, context, key)
    except FileError:
        raise
    except Exception as error:  # noqa: BLE001  whatever one method raises, the others go on
        kind = "" if isinstance(error, FourfoldError) else f"{type(error).__name__}: "
        failure = Failure(run.method, run.seed, run.split, f"{kind}{error}")
        return dict.fromkeys(run.held, failure)
    for name, outcome in outcomes.items():
        outcome.save(context.path(name, key))
    return outcomes


def _in_runtime(run: Run, context: RunContext, key: str) -> dict[str, Outcome]:
    """Fit in the study's runtime; where the store's disk is full, again without the store."""
    runtime = context.runtime.but(checkpoints=context.checkpoints(run, key))
    if context.store is not None:
        try:
            with runtime.but(store=Store(context.store)):
                return _fit(run, context, key)
        except OSError as error:
            if not (disk_is_full(error) or disk_is_full(error.__cause__)):
                raise
            warnings.warn(
                f"the disk of the store {context.store} is full: nothing more is kept there",
                FourfoldWarning,
                stacklevel=2,
            )
    with using(None), runtime:
        return _fit(run, context, key)


def _fit(run: Run, context: RunContext, key: str) -> dict[str, Outcome]:
    """Fit one estimator, save it if it may be shipped, and ask it about each question's rows."""
    estimator: Any = run.unfitted()
    splits = {
        name: None if run.split is None else context.data[name].protocol.splits.apply(held)
        for name, held in run.held.items()
    }
    train = {name: split or context.data[name] for name, split in splits.items()}
    began = time.perf_counter()
    if isinstance(estimator, JointEstimator):
        estimator.fit({name: part.target for name, part in train.items()})
        models: dict[str, Any] = {name: estimator.of(name) for name in train}
    else:
        (part,) = train.values()
        whole = (part.target, *part.sources)
        target, *sources = (d if estimator.uses_weights else d.with_weight(None) for d in whole)
        trained = next(context.data[name].trained for name in train)
        estimator.fit(target, source=sources if trained is None else trained)
        models = dict.fromkeys(train, estimator)
    seconds = time.perf_counter() - began
    if run.ships:
        save_model(estimator, context.model(run), key)
    shutil.rmtree(context.checkpoints(run, key), ignore_errors=True)
    return {
        name: Outcome(
            method=run.method,
            seed=run.seed,
            split=run.split,
            held=run.held[name],
            task=model.task_,
            outputs=_ask(model, run, context.data[name], splits[name]),
            seconds=seconds,
            losses=[float(sum(epoch)) for epoch in model.history_.losses],
            findings=model.findings_,
        )
        for name, model in models.items()
    }


def _ask(model: Any, run: Run, question: Question, split: Split | None) -> dict[str, Answers]:
    """Return a model's answers on the wanted rows, and its features of plotted rows."""
    asked = {} if question.evaluate is None else {"evaluate": question.evaluate}
    protocol = question.protocol
    rated = not protocol.splits.count and protocol.validator is not None
    if rated or protocol.chooser == "consensus":
        asked["target"] = question.target
    if split is not None:
        asked = {"held": split.asked}
    answers: dict[str, Answers] = {name: model.outputs(rows) for name, rows in asked.items()}
    if run.ships and question.plotted:
        with suppress(DataError):  # a baseline without transfer may not know the source's inputs
            features = [model.embed(rows) for rows in question.plotted]
            answers |= dict(zip(PLOTTED, features, strict=True))
    return answers
