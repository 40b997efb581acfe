"""A study: methods side by side with honest baselines, and a verdict."""

from __future__ import annotations

import shutil
import signal
import threading
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.bundle.whole import whole_folder
from fourfold.core.estimator import TransferEstimator
from fourfold.core.index import is_full
from fourfold.core.prepare import default_preparation
from fourfold.core.store import Store, compute_once, using
from fourfold.core.tasks import infer_task
from fourfold.domain import Domain, pool
from fourfold.errors import DataError, FourfoldWarning, ParameterError
from fourfold.methods import find
from fourfold.networks.cut import Cut
from fourfold.planner import locate
from fourfold.study.checks import (
    check_choice,
    check_classes,
    check_folder,
    check_network,
    fit_preparation,
    write_error,
)
from fourfold.study.conclusion import conclude
from fourfold.study.judge import Judge
from fourfold.study.picture import drawn
from fourfold.study.runs import Bench, Failure, Outcome, Run, execute
from fourfold.study.scores import InformationMaximization, choose_score
from fourfold.study.show import Shown
from fourfold.study.splits import folds_for, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fourfold.core.prepare import Preparation
    from fourfold.core.tasks import Task
    from fourfold.core.training import Recipe
    from fourfold.networks.builder import Builder
    from fourfold.study.result import Result

__all__ = ["Study"]

Method: TypeAlias = str | TransferEstimator


@final
class Study:
    """Run what applies beside honest baselines, and say whether transfer helped.

    What is handed over is chosen without evaluation labels: by cross-validation on the target's
    labels or, where these are too few, by a validator that needs none. Evaluation labels only
    judge.

    Parameters
    ----------
    source
        A labelled or unlabelled Domain to transfer from, or several.
    target
        The Domain to be solved.
    evaluate
        Rows with labels to judge on, which no model sees; they may repeat the target's rows.
    methods
        Names or unfitted estimators; by default all that apply. Baselines always run.
    network, prepare, recipe
        Given to every method that takes one, baselines included. A recipe may also be a mapping,
        e.g. ``{"epochs": 5}``: what it changes of each method's own recipe.
    seeds
        How many times everything is trained, source models included.
    folds
        Into how many parts the target's labels are split, at most.
    metric
        ``"accuracy"``, ``"balanced_accuracy"``, ``"auc"`` or ``"r2"``; by default the task's.
    jobs, threads
        Fits at a time, in processes of their own if more than one; threads of each.
    output
        Folder for runs, models and the result.
    resume
        Take over runs that are finished already and agree in everything.
    store
        Where frozen features and source models are kept; the user's own by default.
    title
        The question, for the report.
    progress
        Show a bar.

    Raises
    ------
    DataError, ParameterError
        If the data or options do not fit, before anything is trained.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain, Recipe, Store
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = Study(
    ...         Domain(X[::2], y[::2]), Domain(X[1::10] + 0.1, y[1::10]), Domain(X[3::4], y[3::4]),
    ...         recipe=Recipe(epochs=5, least_steps=20), seeds=2, output=folder + "/iris",
    ...         store=Store(folder + "/store"), progress=False,
    ...     ).run()
    >>> result.verdict in {"helped", "hurt", "undecided"}
    True
    """

    def __init__(
        self,
        source: Domain | Sequence[Domain],
        target: Domain,
        evaluate: Domain | None = None,
        *,
        methods: Sequence[Method] | None = None,
        network: nn.Module | Builder | str | None = None,
        prepare: Preparation | None = None,
        recipe: Recipe | Mapping[str, Any] | None = None,
        seeds: int = 5,
        folds: int = 3,
        metric: str | None = None,
        jobs: int = 1,
        threads: int = 1,
        output: str | Path = "runs/study",
        resume: bool = False,
        store: Store | None = None,
        title: str = "",
        progress: bool = True,
    ) -> None:
        self.sources = [source] if isinstance(source, Domain) else list(source)
        self.target, self.evaluate = target, evaluate
        least = {"seeds": 1, "folds": 2, "jobs": 1, "threads": 1}
        given = {"seeds": seeds, "folds": folds, "jobs": jobs, "threads": threads}
        for name, fewest in least.items():
            if given[name] < fewest:
                raise ParameterError(f"{name} must be at least {fewest}; got {given[name]}")
        self.seeds, self.jobs, self.threads = seeds, jobs, threads
        self.output, self.resume, self.progress = Path(output), resume, progress
        self.title = title or f"{pool(self.sources).name or 'source'} → {target.name or 'target'}"
        self.plan = locate(self.sources, target)
        self.task = self._task()
        self.score = choose_score(self.task, evaluate or target, metric)
        self.drawn = [drawn(pool(self.sources)), drawn(target)]
        self.folds = folds_for(self.task, target, folds)
        check_choice(self.task, self.folds)
        self.shared = self._shared(network, prepare, recipe)
        self.candidates = self._candidates(methods)
        self.store = store or _own_store()
        check_folder(self.output)

    def run(self) -> Result:
        """Run everything, write ``result.json`` and the winner into ``best``, return the result.

        Raises
        ------
        FourfoldError
            If no baseline or no method could run.
        FileError
            If the output folder cannot be written.
        """
        began = time.perf_counter()
        self._warm()
        runs = list(self._runs())
        outcomes = self._outcomes(runs)
        judge = Judge(
            score=self.score,
            validator=None if self.folds else InformationMaximization(),
            target=self.target,
            evaluate=self.evaluate,
            folds=self.folds,
            held={(run.seed, run.split): run.held for run in runs if run.split is not None},
            baselines=self.plan.baselines,
        )
        result = conclude(self, judge, outcomes)
        if result.shipped:
            self._ship(result.shipped)
        result.seconds = time.perf_counter() - began
        result.save(self.output / "result.json")
        return result

    # --- before anything is trained --------------------------------------------------------------

    def _task(self) -> Task:
        """Tell what is to be learnt, and refuse data that cannot be judged."""
        labelled = [d for d in (self.target, *self.sources, self.evaluate) if d and d.n_labelled]
        if not labelled:
            raise DataError("the source or the target must have labels; got none in either")
        task = infer_task(labelled[0]).fit(labelled[0])
        if self.evaluate is not None and not self.evaluate.n_labelled:
            raise DataError("the rows to evaluate on must have labels; got none")
        check_classes(task, self.sources, self.target, self.evaluate)
        return task

    def _shared(
        self,
        network: nn.Module | Builder | str | None,
        prepare: Preparation | None,
        recipe: Recipe | Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        """Return what every method is given; the preparation is fitted once, without labels."""
        learnt = [*self.sources, self.target]
        brought = isinstance(network, nn.Module)
        rows = [domain.rows for domain in learnt]
        chosen = prepare or default_preparation(*rows, brought=brought)
        self.prepare = fit_preparation(chosen, learnt, self.evaluate)
        check_network(network, self.prepare.shape_)
        given = {"network": network, "recipe": recipe, "prepare": FrozenEstimator(self.prepare)}
        return {name: value for name, value in given.items() if value is not None}

    def _candidates(self, methods: Sequence[Method] | None) -> dict[str, TransferEstimator]:
        """Return every method that will run, baselines first."""
        wanted = self.plan.methods if methods is None else methods
        chosen = [self._method(method) for method in (*self.plan.baselines, *wanted)]
        named: dict[str, TransferEstimator] = {}
        for estimator in chosen:
            name = type(estimator).__name__
            again = sum(other.split("-")[0] == name for other in named)
            if again and name in self.plan.baselines:
                continue
            named[f"{name}-{again + 1}" if again else name] = estimator
        if all(name in self.plan.baselines for name in named):
            why = "; ".join(f"{name}: {reason}" for name, reason in self.plan.skipped.items())
            raise DataError(f"there must be a method that applies to these data; none does: {why}")
        return named

    def _method(self, method: Method) -> TransferEstimator:
        entry = find(method) if isinstance(method, str) else None
        name = entry.name if entry is not None else type(method).__name__
        if name in self.plan.skipped:
            raise ParameterError(
                f"methods must apply to these data; {name} does not: {self.plan.skipped[name]}"
            )
        estimator: TransferEstimator = clone(method if entry is None else entry.load()())
        ours = estimator.get_params(deep=False)
        given = {name: value for name, value in self.shared.items() if ours.get(name, 0) is None}
        if isinstance(changes := given.get("recipe"), Mapping):
            del given["recipe"]
            given |= {f"recipe__{name}": value for name, value in changes.items()}
        estimator.set_params(**given).check()
        return estimator

    # --- running ---------------------------------------------------------------------------------

    def _warm(self) -> None:
        """Compute frozen features with all the threads there are, before fits share them out."""
        network = self.shared.get("network")
        if not isinstance(network, Cut):
            return
        with using(self.store):
            for domain in (*self.sources, self.target, *([self.evaluate] if self.evaluate else [])):
                for _ in compute_once(network.frozen, self.prepare.transform(domain.rows)).blocks():
                    pass

    def _runs(self) -> Iterator[Run]:
        """List every fit: the whole target first, then splits; seeds side by side."""
        whole = range(self.seeds if self.evaluate is not None or not self.folds else 1)
        for name, estimator in self.candidates.items():
            for seed in whole:
                yield Run(name, _seeded(estimator, seed), seed)
        if not self.folds:
            return
        splits = [split(self.task, self.target, self.folds, seed) for seed in range(self.seeds)]
        for part in range(self.folds):
            for name, estimator in self.candidates.items():
                for seed in range(self.seeds):
                    yield Run(name, _seeded(estimator, seed), seed, part, splits[seed][part])

    def _outcomes(self, runs: Sequence[Run]) -> dict[str, list[Outcome | Failure]]:
        bench = self._bench()
        outcomes: dict[str, list[Outcome | Failure]] = {name: [] for name in self.candidates}
        left = []
        for run in runs:
            key = bench.key(run)
            done = self._finished(run, bench, key)
            if done is None:
                left.append(delayed(execute)(run, bench, key))
            else:
                outcomes[run.method].append(done)
        with Shown(len(runs), len(runs) - len(left), on=self.progress) as shown:
            for outcome in _started(Parallel(self.jobs, return_as="generator_unordered"), left):
                outcomes[outcome.method].append(outcome)
                shown.advance(outcome)
        return outcomes

    def _bench(self) -> Bench:
        return Bench(
            sources=self.sources,
            target=self.target,
            evaluate=None if self.evaluate is None else self.evaluate.unlabelled(),
            drawn=self.drawn,
            validate=not self.folds,
            folder=self.output,
            store=None if self.store is None else self.store.path,
            threads=self.threads,
            own=self.jobs > 1,
            ship=0,
        )

    def _finished(self, run: Run, bench: Bench, key: str) -> Outcome | None:
        if not self.resume or (bench.saves(run) and not bench.model(run).exists()):
            return None
        return Outcome.load(self.output / "runs" / f"{key}.safetensors", run)

    def _ship(self, method: str) -> None:
        best = self.output / "best"
        try:
            with whole_folder(best) as part:
                shutil.copytree(self.output / "models" / method, part, dirs_exist_ok=True)
        except OSError as error:
            raise write_error(best, "writable for the model", error) from error


def _started(parallel: Parallel, tasks: list[Any]) -> Iterator[Outcome | Failure]:
    """Start workers that leave Ctrl-C to this process: it is the one that ends them."""
    outcomes: Iterator[Outcome | Failure]
    if threading.current_thread() is not threading.main_thread():  # none other has handlers
        outcomes = parallel(tasks)
        return outcomes
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # workers inherit it
    try:
        outcomes = parallel(tasks)
    finally:
        signal.signal(signal.SIGINT, before)
    return outcomes


def _own_store() -> Store | None:
    """Open the user's store; where its disk is full, go on without."""
    try:
        return Store.default()
    except OSError as error:
        if not is_full(error):
            raise
        warnings.warn(
            f"the disk of the store is full, so that nothing is kept in it; got: {error}",
            FourfoldWarning,
            stacklevel=3,
        )
        return None


def _seeded(estimator: TransferEstimator, seed: int) -> TransferEstimator:
    seeded: TransferEstimator = clone(estimator)
    seeded.set_params(random_state=seed)
    return seeded
