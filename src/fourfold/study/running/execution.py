"""Execution of runs: fits in several processes, each in the study's runtime."""

from __future__ import annotations

import math
import shutil
import signal
import threading
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, final

from joblib import Parallel, cpu_count, delayed
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from fourfold.core.atomic import disk_is_full
from fourfold.core.children import begin_worker, lifeline
from fourfold.errors import DataError, FileError, FourfoldError, FourfoldWarning
from fourfold.estimators.joint import JointEstimator
from fourfold.frozen.store import Store, compute_once, using
from fourfold.networks.cut import Cut
from fourfold.study.running.outcomes import PLOTTED, Failure, Outcome, save_model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from fourfold.study.question import Question
    from fourfold.study.running.outcomes import Answers
    from fourfold.study.running.runs import Run, RunContext
    from fourfold.study.splits import Split

__all__ = ["FitProgress", "execute", "execute_all", "own_store", "precompute"]

Outcomes: TypeAlias = Mapping[str, Outcome | Failure]
"""Question → outcome or failure of one run."""

MOST_KEPT: Final = 1 << 26
"""Bytes of prepared tables that each of several processes may keep."""
WORTH_PROCESSES: Final = 20.0
"""Seconds of fits for which further processes are started."""


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

    Finished runs are read and not repeated with ``resume``; there are ``jobs`` fits at a time, each
    in a process of its own if more than one. None begins here, and takes all cores where that is
    worth the start of processes.
    """
    left, done = [], []
    for run in runs:
        key = context.key(run)
        found = context.finished(run, key) if resume else None
        if found is None:
            left.append(delayed(execute)(run, context, key))
        else:
            done.append(found)
    bar.add(len(done) + len(left), len(done))
    yield from done
    most = _cores(context) if jobs is None else jobs
    for outcomes in _in_any_order(left, most, bar) if jobs else _first_here(left, most, bar):
        yield outcomes
        one = next(iter(outcomes.values()))
        bar.advance(one.method, one.seed)


@final
class FitProgress:
    """A bar of fits, in a context.

    Parameters
    ----------
    on
        Whether it is shown.

    Attributes
    ----------
    best
        The candidate that would be chosen now.
    jobs
        Largest number of fits at a time.
    """

    def __init__(self, *, on: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("fits,"),
            TimeRemainingColumn(elapsed_when_finished=True),
            disable=not on,
        )
        self._task = self._bar.add_task("training", total=0)
        self.best: str | None = None
        self.jobs = 1

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._bar.stop()

    def add(self, total: int, done: int) -> None:
        """Count more fits, some of which are done."""
        whole = self._bar.tasks[0].total or 0
        self._bar.update(self._task, total=whole + total, advance=done)

    def advance(self, method: str, seed: int) -> None:
        """Count a fit that is done."""
        best = f"; best so far {self.best}" if self.best else ""
        text = f"{method}, seed {seed}{best}"
        self._bar.update(self._task, advance=1, description=f"{text:<24}")

    def say(self, text: str) -> None:
        """Show a step after the fits."""
        self._bar.update(self._task, description=f"{text:<24}")


def _cores(context: RunContext) -> int:
    """Return the number of processes that are worth their memory: each keeps prepared tables."""
    asked = context.data.values()
    kept = sum(
        4 * domain.n_rows * math.prod(question.preparation.shape_)
        for question in asked
        for domain in question.domains
        if domain.rows.kind == "table"
    )
    return 1 if kept > MOST_KEPT else cpu_count()


def _first_here(calls: list[Any], cores: int, bar: FitProgress) -> Iterator[Any]:
    """Run calls one after another, and in processes on all cores once these are worth their start.

    Results do not depend on it.
    """
    began = time.monotonic()
    for n, (function, given, named) in enumerate(calls, 1):
        yield function(*given, **named)
        left = (time.monotonic() - began) / n * (len(calls) - n)
        if cores > 1 and left > WORTH_PROCESSES:
            yield from _in_any_order(calls[n:], cores, bar)
            return


def _in_any_order(calls: list[Any], jobs: int, bar: FitProgress) -> Iterator[Any]:
    """Run joblib's delayed calls, ``jobs`` at a time, and yield their results as they come.

    Workers ignore Ctrl-C: this process ends them, and they end with it if it is killed.
    """
    bar.jobs = max(bar.jobs, jobs)
    born = {"initializer": begin_worker, "initargs": (lifeline(),)} if jobs > 1 else {}
    parallel = Parallel(jobs, return_as="generator_unordered", **born)
    main = threading.current_thread() is threading.main_thread()  # only that one has handlers
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None  # workers inherit it
    try:
        results = parallel(calls)
    finally:
        if main:
            signal.signal(signal.SIGINT, before)
    try:
        while (one := _quietly(lambda: next(results, None))) is not None:
            yield one
    finally:  # maybe before the last one
        _quietly(results.close)


def _quietly(call: Callable[[], Any]) -> Any:
    """Call without joblib's warning of fits that are given up: Ctrl-C and time that is up do so."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* still being processed", UserWarning)
        return call()


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
    splits = question.protocol.splits
    if splits.consensus or not splits.count:  # to be compared, or for a validator
        asked["target"] = question.target
    if split is not None:
        asked = {"held": split.asked}
    answers: dict[str, Answers] = {name: model.outputs(rows) for name, rows in asked.items()}
    if run.ships and question.plotted:
        with suppress(DataError):  # a baseline without transfer may not know the source's inputs
            features = [model.embed(rows) for rows in question.plotted]
            answers |= dict(zip(PLOTTED, features, strict=True))
    return answers
