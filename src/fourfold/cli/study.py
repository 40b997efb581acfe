"""The command ``fourfold study``."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import typer

from fourfold.cli.options import (
    Adapter,
    Classes,
    Memory,
    Network,
    OpenSet,
    Prompt,
    Source,
    Tasks,
    Vectors,
    Weights,
    reads_data,
)
from fourfold.errors import FileError, ParameterError

__all__ = ["recipe_changes", "study"]

FAILED: Final = 3
"""Exit code of a study in which a baseline, or a method that was asked for, failed."""


@reads_data
def study(  # noqa: PLR0917  the command line passes them by name
    reading: Any,
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for report and models.")],
    source: Source = None,
    target: Annotated[Path | None, typer.Option(help="Data to solve.")] = None,
    evaluate: Annotated[
        Path | None, typer.Option(help="Labelled rows for the verdict; no model sees them.")
    ] = None,
    task: Tasks = None,
    evaluate_task: Annotated[
        list[str] | None, typer.Option(help="NAME=PATH of labelled rows for the verdict on a task.")
    ] = None,
    classes: Classes = None,
    vectors: Vectors = None,
    generalized: Annotated[
        bool,
        typer.Option("--generalized", help="With --classes: rows may also be of seen classes."),
    ] = False,
    open_set: OpenSet = False,
    clusters: Annotated[
        int | None, typer.Option(help="Number of clusters, if nothing is labelled.")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(help="Names, separated by commas; by default all that apply."),
    ] = None,
    network: Network = None,
    weights: Weights = None,
    adapter: Adapter = None,
    prompt: Prompt = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Sentence encoder for texts: english or multilingual (packages), "
            "all-MiniLM-L6-v2, another name, or a folder; by default words are counted."
        ),
    ] = None,
    max_categories: Annotated[
        int | None,
        typer.Option(help="Features of a column of categories, at most; by default 256."),
    ] = None,
    allow_overlap: Annotated[
        bool,
        typer.Option(
            "--allow-overlap", help="Judge also on rows that are among the labelled ones to learn."
        ),
    ] = False,
    max_source_rows: Annotated[
        int, typer.Option(help="Rows of the sources that a study learns from, at most.")
    ] = 100_000,
    metric: Annotated[
        str | None,
        typer.Option(
            help="accuracy, balanced_accuracy, auc, f1, log_loss, brier, r2, mae, nmi or entropy."
        ),
    ] = None,
    class_weight: Annotated[
        Literal["balanced"] | None, typer.Option(help="Whether rare classes count alike.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Epochs of a fit, at least 200 steps; else the method's.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Exact number of steps of a fit, instead of epochs.")
    ] = None,
    augment: Annotated[
        bool | None,
        typer.Option(help="Whether pictures and sounds change in training; else as the network."),
    ] = None,
    ema: Annotated[
        float | None, typer.Option(help="Decay of a moving average of the weights, e.g. 0.99.")
    ] = None,
    range_test: Annotated[
        bool, typer.Option("--range-test", help="Find the learning rate of each fit first.")
    ] = False,
    seeds: Annotated[int, typer.Option(help="Number of random seeds.")] = 5,
    folds: Annotated[int, typer.Option(help="Cross-validation folds, at most.")] = 3,
    no_racing: Annotated[
        bool,
        typer.Option("--no-racing", help="Run every method with all seeds, whatever its chance."),
    ] = False,
    backtest: Annotated[
        bool,
        typer.Option(
            "--backtest",
            help="Try the choice without labels on all shifts of the source, as long as it takes.",
        ),
    ] = False,
    minutes: Annotated[
        float | None, typer.Option(help="Minutes after which no more fits begin.")
    ] = None,
    jobs: Annotated[
        int | None, typer.Option(help="Fits in parallel, each a process; by default the cores.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads of a fit.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Reuse the finished fits of an interrupted study.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a study that is in the folder.")
    ] = False,
    _memory: Memory = None,
) -> None:
    """Run methods beside honest baselines: verdict, report and model."""
    from fourfold.cli import inputs
    from fourfold.cli.show import show_end
    from fourfold.cli.show_reading import show_reading, shown_if_refused
    from fourfold.cli.trained import is_pretrained, network_of
    from fourfold.core.process import keep_memory
    from fourfold.study import Study

    keep_memory()
    if task:
        inputs.refuse_beside_tasks(
            source=source, target=target, evaluate=evaluate, classes=classes, vectors=vectors
        )
        data = _read_tasks(reading, task, evaluate_task)
    elif evaluate_task:
        raise ParameterError("--evaluate-task must stand beside --task; got it without")
    else:
        alone = is_pretrained(network)
        data = inputs.read_transfer(
            reading, source, target, evaluate, classes, vectors, trained=alone
        )
    recipe = recipe_changes(
        epochs=epochs, steps=steps, augment=augment, ema=ema, range_test=range_test or None
    )
    with shown_if_refused(data):
        planned = Study(
            **data,
            methods=[name for part in methods for name in part.split(",")] if methods else None,
            generalized=generalized,
            open_set=open_set,
            clusters=clusters,
            network=network_of(network, weights, adapter, prompt),
            encoder=encoder,
            prepare=inputs.preparation(max_categories, data),
            recipe=recipe,
            allow_overlap=allow_overlap,
            max_source_rows=max_source_rows,
            metric=metric,
            class_weight=class_weight,
            seeds=seeds,
            folds=folds,
            racing=not no_racing,
            backtest=backtest,
            minutes=minutes,
            jobs=jobs,
            threads=threads,
            output=output,
            resume=resume,
            force=force,
        )
    inputs.forget(data)
    show_reading([domain for question in planned.questions.values() for domain in question.domains])
    with planned.folder.held(), _resumable():
        try:
            planned.run()
        finally:
            failed = show_end(planned, chosen=bool(methods))
    if failed:
        raise typer.Exit(FAILED)


def _read_tasks(reading: Any, given: list[str], evaluate: list[str] | None) -> dict[str, Any]:
    """Read the data of a study of tasks, as keywords of ``Study``."""
    from fourfold.cli import inputs

    tasks = inputs.read_tasks(given, reading)
    judged = inputs.read_evaluated(evaluate, tasks, reading) if evaluate else None
    return {"tasks": tasks, "evaluate": judged}


def recipe_changes(augment: bool | None, **given: Any) -> dict[str, Any] | None:
    """Return the changes of each method's recipe that options ask for; None without any."""
    changes = {name: value for name, value in given.items() if value is not None}
    if augment is not None:
        from fourfold.training.augmentation import Augmentation

        changes["augment"] = Augmentation() if augment else None
    return changes or None


@contextmanager
def _resumable() -> Iterator[None]:
    """Name --resume when Ctrl-C or a full disk stops a study."""
    remedy = "finished fits are kept: go on with --resume"
    try:
        yield
    except FileError as error:
        raise FileError(f"{error}; {remedy}") from error
    except KeyboardInterrupt as stop:
        raise typer.Abort(f"stopped; {remedy}") from stop
