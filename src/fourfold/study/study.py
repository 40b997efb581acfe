"""A study: methods side by side with honest baselines, and a verdict."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, final

from joblib import delayed
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import nn

from fourfold.core.atomic import whole_folder
from fourfold.data.domain import Domain, pool
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.joint import JointEstimator
from fourfold.estimators.transfer import TransferEstimator
from fourfold.methods import find
from fourfold.planner import locate
from fourfold.study.checks import (
    check_folder,
    check_network,
    check_numbers,
    fit_preparation,
    write_error,
)
from fourfold.study.conclusion import conclude
from fourfold.study.joint import JointStudy
from fourfold.study.judge import Judge
from fourfold.study.picture import drawn
from fourfold.study.question import ask_clusters, ask_described, ask_labelled
from fourfold.study.runs import SHIPPED, Bench, Failure, Outcome, Run, execute
from fourfold.study.show import Shown
from fourfold.study.work import (
    encoding,
    equip,
    measuring,
    own_store,
    seeded,
    started,
    warm,
    with_vectors,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fourfold.core.tasks import Task
    from fourfold.frozen.store import Store
    from fourfold.networks.builder import Builder
    from fourfold.preparation.choose import Preparation
    from fourfold.study.joint_result import JointResult
    from fourfold.study.question import Question
    from fourfold.study.result import Result
    from fourfold.study.scores import Score
    from fourfold.training.recipe import Recipe

__all__ = ["Study"]

Method: TypeAlias = str | TransferEstimator | JointEstimator


@final
class Study:
    """Run what applies beside honest baselines, and say whether transfer helped.

    Given a source and a target, it asks whether the source helped; given tasks, whom it helped to
    be learnt together: see :class:`~fourfold.study.joint.JointStudy`.

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
        Rows with labels to judge on, which no model sees; they may repeat the target's rows. With
        tasks: of each task, by name.
    tasks
        Instead of a source and a target, several labelled Domains, by name, that all matter.
    methods
        Names or unfitted estimators; by default all that apply. Baselines always run.
    generalized
        Where classes are described: whether rows may also be of classes that have examples.
    clusters
        Where nothing has labels: how many clusters are looked for.
    encoder
        The sentence encoder (extra ``text``), by name or folder, for texts, as inputs or as
        descriptions of classes; without it, words of inputs are counted, and descriptions encoded
        by ``"all-MiniLM-L6-v2"``.
    network, prepare, recipe
        Given to every method that takes one, baselines included. A recipe may also be a mapping,
        e.g. ``{"epochs": 5}``: what it changes of each method's own recipe.
    seeds
        How many times everything is trained, source models included.
    folds
        Into how many parts the target's labels are split, at most.
    metric
        ``"accuracy"``, ``"balanced_accuracy"``, ``"auc"``, ``"r2"``, ``"nmi"`` or ``"entropy"``; by
        default the task's.
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
    ...         recipe=Recipe(epochs=5, min_steps=20), seeds=2, output=folder + "/iris",
    ...         store=Store(folder + "/store"), progress=False,
    ...     ).run()
    >>> result.verdict in {"helped", "hurt", "undecided"}
    True
    """

    def __init__(
        self,
        source: Domain | Sequence[Domain] | None = None,
        target: Domain | None = None,
        evaluate: Domain | Mapping[str, Domain] | None = None,
        *,
        tasks: Mapping[str, Domain] | None = None,
        methods: Sequence[Method] | None = None,
        generalized: bool = False,
        clusters: int | None = None,
        encoder: str | None = None,
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
        self.joint: JointStudy | None = None
        if tasks is not None:
            if generalized or clusters is not None:
                raise ParameterError(
                    "generalized and clusters must be left out of a study of tasks; got "
                    f"{'generalized' if generalized else f'clusters={clusters}'}"
                )
            prepare = prepare or encoding(encoder, tasks.values())
            self.joint = JointStudy(
                tasks,
                _of_tasks(source, target, evaluate),
                methods=methods,
                network=network,
                prepare=prepare,
                recipe=recipe,
                seeds=seeds,
                folds=folds,
                metric=metric,
                jobs=jobs,
                threads=threads,
                output=output,
                resume=resume,
                store=store,
                title=title,
                progress=progress,
            )
            return
        self.sources, self.target, self.evaluate = _of_transfer(source, target, evaluate)
        target, evaluate = self.target, self.evaluate
        check_numbers(seeds=seeds, folds=folds, jobs=jobs, threads=threads)
        self.seeds, self.jobs, self.threads = seeds, jobs, threads
        self.output, self.resume, self.progress = Path(output), resume, progress
        self.title = title or f"{pool(self.sources).name or 'source'} → {target.name or 'target'}"
        self.plan = locate(self.sources, target)
        prepare = prepare or encoding(encoder, [*self.sources, target])
        if self.plan.cell == "zeroshot":
            self.target = target = with_vectors(target, encoder)
            self.sources = [with_vectors(source, encoder) for source in self.sources]
        self.generalized, self.clusters, self.encoder = generalized, clusters, encoder
        self.question = self._question(folds, metric)
        self.drawn = [drawn(pool(self.sources)), drawn(target)]
        self.shared = self._shared(network, prepare, recipe)
        self.candidates = self._candidates(methods)
        self.store = store or own_store()
        check_folder(self.output)

    def run(self) -> Result | JointResult:
        """Run everything, write ``result.json`` and the winner into ``best``, return the result.

        With ``tasks`` that is a :class:`~fourfold.study.joint_result.JointResult`, and ``best``
        holds a folder for each task.

        Raises
        ------
        FourfoldError
            If no baseline or no method could run.
        FileError
            If the output folder cannot be written.
        """
        return self._run() if self.joint is None else self.joint.run()

    def _run(self) -> Result:
        began = time.perf_counter()
        domains = [*self.sources, self.target, *([self.evaluate] if self.evaluate else [])]
        warm(self.shared.get("network"), self.store, [(self.prepare, domain) for domain in domains])
        runs = list(self._runs())
        outcomes = self._outcomes(runs)
        judge = Judge(
            score=self.score,
            choice=self.choice,
            validator=None if self.folds else self.question.validator,
            splits=self.question.splits,
            evaluate=self.evaluate,
            held={(run.seed, run.split): run.held for run in runs if run.split is not None},
            baselines=self.plan.baselines,
        )
        result = conclude(self, judge, outcomes, judge.board(outcomes))
        if result.shipped:
            self._ship(result.shipped)
        result.seconds = time.perf_counter() - began
        result.save(self.output / "result.json")
        return result

    # --- before anything is trained --------------------------------------------------------------

    def _question(self, folds: int, metric: str | None) -> Question:
        """Tell what is asked, and refuse data that cannot be judged."""
        data = self.sources, self.target, self.evaluate
        if self.evaluate is not None and not self.evaluate.n_labelled:
            raise DataError("the rows to evaluate on must have labels; got none")
        self._refuse_strange_options()
        if self.plan.cell == "clustering":
            return ask_clusters(*data, clusters=self.clusters, metric=metric)
        if self.plan.cell == "zeroshot":
            return ask_described(
                *data,
                folds=folds,
                metric=metric,
                generalized=self.generalized,
                encoder=self.encoder,
            )
        return ask_labelled(*data, folds=folds, metric=metric)

    def _refuse_strange_options(self) -> None:
        """Refuse what is said of another cell of the map than the one where the data stand."""
        if self.generalized and self.plan.cell != "zeroshot":
            raise ParameterError(
                "generalized must stand beside descriptions of classes without examples; got it "
                f"where {self.plan.reasons['zeroshot']}"
            )
        if self.clusters is not None and self.plan.cell != "clustering":
            raise ParameterError(
                "clusters must be left out where "
                f"{self.plan.reasons['clustering']}; got {self.clusters}"
            )

    @property
    def task(self) -> Task:
        """What is learnt."""
        return self.question.task

    @property
    def score(self) -> Score:
        """What verdicts are made from."""
        return self.question.score

    @property
    def choice(self) -> Score:
        """What models are chosen by."""
        return self.question.choice

    @property
    def notes(self) -> list[str]:
        """What a careful reader should know of the data."""
        unused = self.target.classes is not None and self.plan.cell != "zeroshot"
        why = f"Descriptions of classes are not used: {self.plan.reasons['zeroshot']}."
        return [*self.question.notes, *([why] if unused else [])]

    @property
    def folds(self) -> int:
        """In how many splits a seed something is kept from fits; 0 where nothing can be."""
        return self.question.splits.count

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
        one: TransferEstimator = find(self.plan.baselines[0]).load()()
        chosen = prepare or one.choose_preparation(rows, user_network=brought)
        self.prepare = fit_preparation(chosen, learnt, self.evaluate)
        check_network(network, self.prepare.shape_)
        given = {"network": network, "recipe": recipe, "prepare": FrozenEstimator(self.prepare)}
        return {name: value for name, value in given.items() if value is not None}

    def _candidates(self, methods: Sequence[Method] | None) -> dict[str, TransferEstimator]:
        """Return every method that will run, baselines first."""
        wanted = self.plan.methods if methods is None else methods
        asked = [self._method(method) for method in wanted]
        beside = self.plan.beside(type(method).__name__ for method in asked)
        chosen = [*(self._method(name) for name in beside), *asked]
        named: dict[str, TransferEstimator] = {}
        met: Counter[str] = Counter()
        for estimator in chosen:
            name = type(estimator).__name__
            if met[name] and name in self.plan.baselines:
                continue
            named[f"{name}-{met[name] + 1}" if met[name] else name] = estimator
            met[name] += 1
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
        own = estimator.get_params(deep=False)
        estimator.set_params(**{k: v for k, v in self.question.told.items() if k in own})
        equip(estimator, self.shared)
        return estimator

    # --- running ---------------------------------------------------------------------------------

    def _runs(self) -> Iterator[Run]:
        """List every fit: the whole target first, then splits; seeds side by side."""
        whole = range(self.seeds if self.evaluate is not None or not self.folds else 1)
        for name, estimator in self.candidates.items():
            for seed in whole:
                fit = seeded(estimator, seed)
                yield Run(name, measuring(fit) if seed == SHIPPED else fit, seed)
        if not self.folds:
            return
        splits = [self.question.splits.parts(seed) for seed in range(self.seeds)]
        for part in range(self.folds):
            for name, estimator in self.candidates.items():
                for seed in range(self.seeds):
                    yield Run(name, seeded(estimator, seed), seed, part, splits[seed][part])

    def _outcomes(self, runs: Sequence[Run]) -> dict[str, list[Outcome | Failure]]:
        bench = self._bench()
        outcomes: dict[str, list[Outcome | Failure]] = {name: [] for name in self.candidates}
        left = []
        for run in runs:
            key = bench.key(run)
            done = bench.finished(run, key) if self.resume else None
            if done is None:
                left.append(delayed(execute)(run, bench, key))
            else:
                outcomes[run.method].append(done)
        with Shown(len(runs), len(runs) - len(left), on=self.progress) as shown:
            for outcome in started(left, self.jobs):
                outcomes[outcome.method].append(outcome)
                shown.advance(outcome)
        return outcomes

    def _bench(self) -> Bench:
        return Bench(
            sources=self.sources,
            target=self.target,
            splits=self.question.splits,
            evaluate=None if self.evaluate is None else self.evaluate.unlabelled(),
            drawn=self.drawn,
            validate=not self.folds,
            folder=self.output,
            store=None if self.store is None else self.store.path,
            threads=self.threads,
            own=self.jobs > 1,
        )

    def _ship(self, method: str) -> None:
        best = self.output / "best"
        try:
            with whole_folder(best) as part:
                shutil.copytree(self.output / "models" / method, part, dirs_exist_ok=True)
        except OSError as error:
            raise write_error(best, "writable for the model", error) from error


def _of_tasks(source: object, target: object, evaluate: object) -> Mapping[str, Domain] | None:
    """Return the rows to evaluate tasks on; refuse what is no study of tasks."""
    if source is not None or target is not None:
        raise ParameterError(
            "a study must be of a source and a target, or of tasks; got both: leave one out"
        )
    if evaluate is not None and not isinstance(evaluate, Mapping):
        raise ParameterError(
            "evaluate must be names with a Domain each, as tasks are; got "
            f"{type(evaluate).__name__}"
        )
    return evaluate


def _of_transfer(
    source: Domain | Sequence[Domain] | None,
    target: Domain | None,
    evaluate: Domain | Mapping[str, Domain] | None,
) -> tuple[list[Domain], Domain, Domain | None]:
    """Return sources, target and rows to evaluate on; refuse what is no study of transfer."""
    if source is None or target is None:
        raise ParameterError("a study must have a source and a target, or tasks; got neither whole")
    if isinstance(evaluate, Mapping):
        raise ParameterError("evaluate must be a Domain, where there are no tasks; got names")
    sources = [source] if isinstance(source, Domain) else list(source)
    if target.classes is not None:  # what is said of classes is said of the source's, too
        known = target.classes
        sources = [s.described(s.classes.joined(known) if s.classes else known) for s in sources]
    return sources, target, evaluate
