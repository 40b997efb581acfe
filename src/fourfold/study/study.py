"""A study: methods side by side with honest baselines on one question or several, and a verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from fourfold.bundle.files import as_folder
from fourfold.core.process import settled
from fourfold.study.asking.effects import ClassWeight, give_weights
from fourfold.study.asking.networks import choose_network
from fourfold.study.asking.options import Options
from fourfold.study.asking.trained import told_apart
from fourfold.study.backtesting import backtest as back
from fourfold.study.checks import check_limits, check_numbers, check_shared
from fourfold.study.choice.prior import Prior
from fourfold.study.choice.unlabelled import measured_on_sources
from fourfold.study.conclusion import conclude
from fourfold.study.diagnostics.deciding import decided
from fourfold.study.joint_conclusion import conclude_tasks
from fourfold.study.judge import leaderboards
from fourfold.study.question import ask
from fourfold.study.running.execution import own_store, precompute
from fourfold.study.running.folder import StudyFolder
from fourfold.study.running.progress import FitProgress
from fourfold.study.running.race import Race
from fourfold.study.running.runs import RunContext, data_digest
from fourfold.study.running.shipping import ship
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch import nn

    from fourfold.data.domain import Domain
    from fourfold.frozen.store import Store
    from fourfold.networks.builder import Builder
    from fourfold.preparation.choose import Preparation
    from fourfold.study.asking.trained import TrainedSource
    from fourfold.study.backtesting.trials import Backtest
    from fourfold.study.candidates import Method
    from fourfold.study.result import JointResult, Result
    from fourfold.training.recipe import Recipe

__all__ = ["Study"]


@final
class Study:
    """Run methods beside honest baselines, and say whether transfer helped.

    A study of a source and a target asks whether the source helped; one of tasks asks for each
    whether joint methods helped, beside it alone. The shipped model is chosen without evaluation
    labels, which only judge: by cross-validation on the target's labels or, else, by validators.

    Parameters
    ----------
    source
        A Domain to transfer from, or several; or a trained network: a fitted estimator, a
        :class:`~fourfold.Pretrained` one, its name, or a module. None: ``network`` is the source.
    target
        The Domain to be solved.
    evaluate
        Rows with labels to judge on; no model sees these labels. Rows may repeat unlabelled ones of
        the target, whose inputs are there to adapt to. With tasks: of each task, by name.
    tasks
        Instead of a source and a target, several labelled Domains, by name, that all matter.
    methods
        Names or unfitted estimators; by default all that apply. Baselines always run.
    generalized
        Where classes are described: whether rows may also be of classes with examples.
    open_set
        Where the target has no labels: whether rows may be of classes that the source lacks.
    clusters
        Where nothing has labels: the number of clusters.
    encoder
        Sentence encoder (extra ``text``); by default words of inputs are counted.
    network, prepare, recipe
        Given to every method that takes one and has none of its own. A recipe may be a mapping,
        e.g. ``{"epochs": 5}``: changes of each method's own. Of several networks a probe chooses.
    class_weight
        Weights of the classes in training, as in :class:`~fourfold.Classification`.
    seeds
        Number of repetitions, source models included; of folds only where no other rows judge.
    folds
        Number of parts of the target's labels, at most.
    allow_overlap
        Whether rows to evaluate on count that are also labelled rows to learn from; by default only
        where 1 % of the rows of arrays or tables repeat another one, by chance.
    max_source_rows
        Rows of tables and vectors of the sources that are learnt from, at most.
    metric
        Classes: ``"accuracy"``, ``"balanced_accuracy"``, ``"auc"``, ``"f1"`` (of the rarer of two,
        or averaged), ``"log_loss"`` or ``"brier"``; numbers: ``"r2"`` or ``"mae"``; clusters:
        ``"nmi"`` or ``"entropy"``; by default the task's. Of errors, lower is better.
    prior
        Expected gains of the methods, or a file of them; by default what comes with fourfold.
    racing
        Whether candidates stop early whose chance to be chosen falls under 2 % after a seed.
    backtest
        Whether the choice without labels is tried on all shifts of the source, and not for a
        quarter of the study's time at most.
    minutes
        Time after which no more fits begin; by default there is no end.
    jobs, threads
        Fits at a time, in processes of their own if more than one, and threads of each; by default
        as many as there are cores, where that is worth it.
    output
        Folder of runs, models and the result, of one study alone.
    resume, force
        Whether to take over finished runs of the study in the folder, or to replace it.
    store
        Store of frozen features and source models; by default the runtime's, or else the user's.
    title
        The question, for the report.
    progress
        Show a bar.

    Attributes
    ----------
    questions
        Name → question: one of transfer, or one a task.
    found
        Result so far; also after Ctrl-C.

    Raises
    ------
    DataError, ParameterError
        If the data or options do not fit, before anything is trained.
    FileError
        If the folder cannot be written, or holds a study that is neither resumed nor replaced.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain, Recipe, Store
    >>> X, y = load_iris(return_X_y=True)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     result = Study(
    ...         Domain(X[::2], y[::2]), Domain(X[1::10] + 0.1, y[1::10]), Domain(X[3::4], y[3::4]),
    ...         methods=["FineTune"], recipe=Recipe(epochs=5, min_steps=20), seeds=1,
    ...         output=folder + "/iris", store=Store(folder + "/store"), progress=False,
    ...     ).run()
    >>> result.verdict in {"helped", "hurt", "undecided"}
    True
    """

    def __init__(
        self,
        source: Domain | Sequence[Domain] | TrainedSource | None = None,
        target: Domain | None = None,
        evaluate: Domain | Mapping[str, Domain] | None = None,
        *,
        tasks: Mapping[str, Domain] | None = None,
        methods: Sequence[Method] | None = None,
        generalized: bool = False,
        open_set: bool = False,
        clusters: int | None = None,
        encoder: str | None = None,
        network: nn.Module | Builder | str | Sequence[Builder | str] | None = None,
        prepare: Preparation | None = None,
        recipe: Recipe | Mapping[str, Any] | None = None,
        class_weight: ClassWeight = None,
        seeds: int = 5,
        folds: int = 3,
        allow_overlap: bool = False,
        max_source_rows: int = 100_000,
        metric: str | None = None,
        prior: Prior | Path | str | None = None,
        racing: bool = True,
        backtest: bool = False,
        minutes: float | None = None,
        jobs: int | None = None,
        threads: int = 1,
        output: str | Path = "runs/study",
        resume: bool = False,
        force: bool = False,
        store: Store | None = None,
        title: str = "",
        progress: bool = True,
    ) -> None:
        check_numbers(seeds=seeds, folds=folds, threads=threads, max_source_rows=max_source_rows)
        check_limits(jobs=jobs, minutes=minutes)
        self.store = store or current().store or own_store()
        chosen, compared = choose_network(network, source, target, self.store)
        source, trained, one = told_apart(source, chosen)
        check_shared(methods=methods, network=one, recipe=recipe)
        self.seeds, self.jobs, self.threads = seeds, jobs, threads
        self.racing, self.minutes, self.whole_backtest = racing, minutes, backtest
        self.prior = Prior.packaged() if prior is None else Prior.of(prior)
        self.output, self.resume, self.progress = Path(output), resume, progress
        self.options = options = Options(
            methods=methods,
            generalized=generalized,
            open_set=open_set,
            clusters=clusters,
            encoder=encoder,
            network=one,
            trained=trained,
            prepare=prepare,
            recipe=recipe,
            folds=folds,
            metric=metric,
            allow_overlap=allow_overlap,
            max_source_rows=max_source_rows,
        )
        questions = ask(
            source, target, evaluate, tasks, options=options, title=title, notes=compared
        )
        back.check_backtest(questions, asked=backtest)
        self.questions = give_weights(options, questions, class_weight)
        self.network, self.title = one, title
        self.found: Result | JointResult | None = None
        self.tested: Backtest | None = None
        self.folder = StudyFolder(
            self.output, data_digest(self.questions), resume=resume, force=force
        )

    def run(self) -> Result | JointResult:
        """Run everything, write ``result.json`` and the shipped model into ``best``.

        With ``tasks``, the result is a :class:`~fourfold.JointResult`, and ``best`` holds a folder
        for each task.

        Raises
        ------
        FourfoldError
            If no baseline or no method could run.
        FileError
            If the output folder cannot be written, or another study is writing it.
        """
        with self.folder.held(), settled():
            precompute(self.network, self.questions, self.store)
            with current().but(threads=self.threads):  # more would wait for those of the fits
                return self._run()

    def _run(self) -> Result | JointResult:
        began, asked = time.monotonic(), self.questions
        self.questions = measured_on_sources(asked, self.threads)
        context = self._context()
        race = Race(self.questions, context, seeds=self.seeds, prior=self.prior, racing=self.racing)
        end = None if self.minutes is None else began + 60 * self.minutes
        try:
            with (bar := FitProgress(on=self.progress)):
                for _ in race.run(bar, resume=self.resume, jobs=self.jobs, deadline=end):
                    if (best := race.leader) not in {None, bar.best}:
                        bar.best = best
                        self._conclude(race, bar.jobs, began, judged=False)
                bar.say("trying the choice")
                seconds = back.affordable_seconds(began, end, whole=self.whole_backtest)
                self.tested = back.back_test(asked, race, self.options, bar, seconds, self.jobs)
                bar.say("judging")
                return self._conclude(race, bar.jobs, began)
        except KeyboardInterrupt:
            if race.leader is not None:
                self._conclude(race, bar.jobs, began)
            raise

    def _conclude(
        self, race: Race, jobs: int, began: float, *, judged: bool = True
    ) -> Result | JointResult:
        """Write the result of all that has run so far, and the models that it ships."""
        questions, assessed = race.questions, race.assessed
        boards = leaderboards(questions, assessed, race.stopped, judged=judged)
        settings = {"seeds": [*range(race.begun)], "jobs": jobs, "threads": self.threads}
        standings = {name: of.standing for name, of in assessed.items()}
        results = {
            n: conclude(q, boards[n], standings[n], self.prior, settings, race.notes(jobs))
            for n, q in questions.items()
        }
        shipped = {name: result.shipped for name, result in results.items() if result.shipped}
        ship(questions, shipped, standings, race.context)
        if judged:
            results = decided(questions, results, standings, self.output / "best")
            results = back.with_backtest(questions, results, self.tested)
        found: Result | JointResult = next(iter(results.values()))
        if len(results) > 1:
            found = conclude_tasks(self.title, questions, boards, results)
        found = replace(found, seconds=time.monotonic() - began)
        self.found = found if judged else None
        found.save(self.output / "result.json")
        return found

    def _context(self) -> RunContext:
        """Return data and settings of all runs, in the runtime in use."""
        runtime = current().but(threads=self.threads, store=None)
        store = None if self.store is None else self.store.path
        folders = {name: self.output / "tasks" / as_folder(name) for name in self.questions}
        if len(self.questions) == 1:
            folders = dict.fromkeys(self.questions, self.output)
        return RunContext.over(self.questions, self.output, runtime, store, folders)
