"""A study of several tasks that all matter: what shares layers, beside each task alone."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

import numpy as np
from joblib import delayed
from sklearn.frozen import FrozenEstimator

from fourfold.bundle import save
from fourfold.bundle.names import as_folder
from fourfold.core.atomic import whole_folder
from fourfold.data.domain import input_difference
from fourfold.methods import find
from fourfold.methods.saved import load
from fourfold.planner import locate_tasks
from fourfold.study import gate
from fourfold.study.checks import (
    check_folder,
    check_network,
    check_numbers,
    write_error,
)
from fourfold.study.conclusion import conclude
from fourfold.study.joint_conclusion import conclude_all
from fourfold.study.joint_given import (
    called,
    common_folds,
    joint_methods,
    judged_rows,
    kind_of,
    prepared_for,
)
from fourfold.study.joint_runs import JointBench, JointRun, execute_alone, execute_joint
from fourfold.study.judge import Judge
from fourfold.study.runs import Bench, Run
from fourfold.study.scores import InformationMaximization, choose_score
from fourfold.study.show import Shown
from fourfold.study.splits import HiddenLabels
from fourfold.study.work import equip, own_store, seeded, started, warm

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import nn

    from fourfold.core.tasks import Task
    from fourfold.data.domain import Domain
    from fourfold.data.rows import Index
    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.frozen.store import Store
    from fourfold.networks.builder import Builder
    from fourfold.planner import Placement
    from fourfold.preparation.choose import Preparation
    from fourfold.study.joint_given import JointMethod
    from fourfold.study.joint_result import JointResult
    from fourfold.study.joint_runs import Said
    from fourfold.study.result import Result
    from fourfold.study.runs import Failure, Outcome
    from fourfold.study.scores import Score
    from fourfold.training.recipe import Recipe

    Outcomes: TypeAlias = dict[str, dict[str, list[Outcome | Failure]]]

__all__ = ["Alone", "JointStudy"]


@final
@dataclass(frozen=True)
class Alone:
    """One task of a study of several: what is asked of it, and what answers.

    Attributes
    ----------
    title
        The question.
    plan
        Where the tasks stand on the map.
    target, evaluate
        The task's data, and rows to judge on; no sources, and no rows that are drawn.
    task, score, choice
        What is learnt, how it is rated, and what models are chosen by.
    prepare
        Fitted.
    alone, joint
        Method → not fitted: what learns this task by itself, and what learns all at once.
    seeds, folds, jobs, threads
        Of the study.
    """

    title: str
    plan: Placement
    target: Domain
    evaluate: Domain | None
    task: Task
    score: Score
    choice: Score
    prepare: Preparation
    alone: dict[str, TransferEstimator]
    joint: dict[str, JointEstimator]
    seeds: int
    folds: int
    jobs: int
    threads: int
    sources: tuple[Domain, ...] = ()
    drawn: tuple[Domain, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def candidates(self) -> dict[str, TransferEstimator | JointEstimator]:
        """All methods, the task alone first."""
        return {**self.alone, **self.joint}

    @property
    def splits(self) -> HiddenLabels:
        """What fits of the task are kept from."""
        return HiddenLabels([], self.target, self.task, self.folds)

    def judge(self, held: Mapping[tuple[int, int], Index]) -> Judge:
        """Return what rates the task's outcomes."""
        return Judge(
            score=self.score,
            choice=self.choice,
            validator=None if self.folds else InformationMaximization(),
            splits=self.splits,
            held=held,
            evaluate=self.evaluate,
            baselines=self.plan.baselines,
        )


@final
class JointStudy:
    """Learn several tasks on shared layers beside each task alone, and say whom sharing helped.

    Each task is learnt alone by the same network and recipe, and by a linear model, on the same
    seeds and folds. What is handed over is chosen task by task without evaluation labels, among
    joint models and the task alone.

    Parameters
    ----------
    tasks
        Name → labelled Domain.
    evaluate
        Name → rows with labels to judge on, of every task; or None.
    methods
        Names or unfitted estimators of several tasks; by default all, with what each proposes.
    network, prepare, recipe, seeds, folds, metric, jobs, threads, output, resume, store, title,
    progress
        As of a :class:`~fourfold.study.study.Study`.

    Raises
    ------
    DataError, ParameterError
        If the data or options do not fit, before anything is trained.
    """

    def __init__(
        self,
        tasks: Mapping[str, Domain],
        evaluate: Mapping[str, Domain] | None = None,
        *,
        methods: Sequence[JointMethod] | None = None,
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
        check_numbers(seeds=seeds, folds=folds, jobs=jobs, threads=threads)
        self.seeds, self.jobs, self.threads = seeds, jobs, threads
        self.output, self.resume, self.progress = Path(output), resume, progress
        self.title = title or f"{len(tasks)} tasks: {', '.join(tasks)}"
        self.plan = locate_tasks(tasks)
        targets = {name: called(domain, name) for name, domain in tasks.items()}
        judged = judged_rows(targets, evaluate)
        kinds = {name: kind_of(domain, judged[name]) for name, domain in targets.items()}
        self.folds = common_folds(kinds, targets, folds)
        prepared = prepared_for(targets, judged, network, prepare)
        shared = {"network": network, "recipe": recipe}
        frozen = {name: {"prepare": FrozenEstimator(one)} for name, one in prepared.items()}
        ready = {"prepare": prepare} if input_difference(targets) else next(iter(frozen.values()))
        self.network, self.joint = network, joint_methods(methods, targets, {**shared, **ready})
        self.tasks: dict[str, Alone] = {}
        for name, target in targets.items():
            check_network(network, prepared[name].shape_)
            alone = {b: find(b).load()() for b in self.plan.baselines}
            for method in alone.values():
                equip(method, {**shared, **frozen[name]})
            self.tasks[name] = Alone(
                title=name,
                plan=self.plan,
                target=target,
                evaluate=judged[name],
                task=kinds[name],
                score=choose_score(kinds[name], judged[name] or target, metric),
                choice=choose_score(kinds[name], target, metric),
                prepare=prepared[name],
                alone=alone,
                joint=self.joint,
                seeds=seeds,
                folds=self.folds,
                jobs=jobs,
                threads=threads,
            )
        self.store = store or own_store()
        check_folder(self.output)
        for name in targets:
            check_folder(self.folder(name))

    def folder(self, task: str) -> Path:
        """Return where a task's own runs and models are kept."""
        return self.output / "tasks" / as_folder(task)

    def run(self) -> JointResult:
        """Run everything, write ``result.json`` and each task's winner into ``best``.

        Raises
        ------
        FourfoldError
            If a task could not be learnt at all.
        FileError
            If the output folder cannot be written.
        """
        began = time.perf_counter()
        parts = [(t.prepare, d) for t in self.tasks.values() for d in (t.target, t.evaluate) if d]
        warm(self.network, self.store, parts)
        splits = {name: self._splits(task) for name, task in self.tasks.items()}
        outcomes = self._outcomes(splits)
        results = self._results(outcomes, splits)
        found = conclude_all(self.title, results, list(self.joint), self.folds)
        self._ship(found.shipped)
        found.seconds = time.perf_counter() - began
        found.save(self.output / "result.json")
        return found

    # --- running ---------------------------------------------------------------------------------

    def _splits(self, task: Alone) -> dict[tuple[int, int], Index]:
        """Say which rows of a task each seed and fold hides."""
        return {
            (seed, i): held
            for seed in range(self.seeds)
            for i, held in enumerate(task.splits.parts(seed))
        }

    def _places(self) -> Iterator[tuple[int, int | None]]:
        """List seeds and splits, the whole tasks first."""
        judged = any(task.evaluate is not None for task in self.tasks.values())
        for seed in range(self.seeds if judged or not self.folds else 1):
            yield seed, None
        for part in range(self.folds):
            for seed in range(self.seeds):
                yield seed, part

    def _outcomes(self, splits: Mapping[str, Mapping[tuple[int, int], Index]]) -> Outcomes:
        """Fit every method, alone and joint, and sort what each said by task and method."""
        outcomes: Outcomes = {
            name: {method: [] for method in task.candidates} for name, task in self.tasks.items()
        }

        def sort(said: Said) -> None:
            for name, outcome in said.items():
                outcomes[name][outcome.method].append(outcome)

        fits = list(self._fits(splits))
        left = [fit for done, fit in fits if done is None]
        for done, _fit in fits:
            sort(done or {})
        with Shown(len(fits), len(fits) - len(left), on=self.progress) as shown:
            for said in started(left, self.jobs):
                sort(said)
                shown.advance(next(iter(said.values())))
        return outcomes

    def _fits(
        self, splits: Mapping[str, Mapping[tuple[int, int], Index]]
    ) -> Iterator[tuple[Said | None, Any]]:
        """List every fit: what it said where it is finished, and how it is started."""
        bench = JointBench({name: self._bench(name) for name in self.tasks}, self.output)
        for seed, part in self._places():
            held = {
                name: splits[name][seed, part] if part is not None else np.empty(0, np.intp)
                for name in self.tasks
            }
            for name, alone in bench.tasks.items():
                for method, estimator in self.tasks[name].alone.items():
                    run = Run(method, seeded(estimator, seed), seed, part, held[name])
                    key = alone.key(run)
                    done = alone.finished(run, key) if self.resume else None
                    kept: Said | None = None if done is None else {name: done}
                    yield kept, delayed(execute_alone)(name, run, alone, key)
            for method, estimator in self.joint.items():
                joint = JointRun(method, seeded(estimator, seed), seed, part, held)
                key = bench.key(joint)
                said = bench.finished(joint, key) if self.resume else None
                yield said, delayed(execute_joint)(joint, bench, key)

    def _bench(self, name: str) -> Bench:
        task = self.tasks[name]
        return Bench(
            sources=[],
            target=task.target,
            splits=task.splits,
            evaluate=None if task.evaluate is None else task.evaluate.unlabelled(),
            drawn=[],
            validate=not self.folds,
            folder=self.folder(name),
            store=None if self.store is None else self.store.path,
            threads=self.threads,
            own=self.jobs > 1,
        )

    # --- what comes out --------------------------------------------------------------------------

    def _results(
        self, outcomes: Outcomes, splits: Mapping[str, Mapping[tuple[int, int], Index]]
    ) -> dict[str, Result]:
        """Judge every task; Holm's correction goes over tasks × methods."""
        judges = {name: task.judge(splits[name]) for name, task in self.tasks.items()}
        lines = {name: judge.lines(outcomes[name]) for name, judge in judges.items()}
        judged = gate.holm(
            {
                (name, method): interval
                for name, judge in judges.items()
                for method, interval in judge.intervals(lines[name], outcomes[name]).items()
            }
        )
        results = {}
        for name, judge in judges.items():
            own = {method: found for (task, method), found in judged.items() if task == name}
            board = judge.ranked(lines[name], own)
            results[name] = conclude(self.tasks[name], judge, outcomes[name], board)
        return results

    def _ship(self, shipped: Mapping[str, str]) -> None:
        """Put each task's winner into a folder of its own, all or nothing."""
        best = self.output / "best"
        models = {m: load(self.output / "models" / m) for m in {*shipped.values()} & {*self.joint}}
        try:
            with whole_folder(best) as part:
                for name, method in shipped.items():
                    if method in models:
                        save(models[method].of(name), part / as_folder(name))
                    else:
                        alone = self.folder(name) / "models" / method
                        shutil.copytree(alone, part / as_folder(name))
        except OSError as error:
            raise write_error(best, "writable for the models", error) from error
