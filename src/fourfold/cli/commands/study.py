"""``fourfold study``: methods and baselines side by side, with a verdict, a report and a model."""

# typer evaluates the annotations of a command: no "from __future__ import annotations" here

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from fourfold.cli.options import Classes, Label, Source, Tasks, Vectors
from fourfold.errors import FileError, ParameterError

__all__ = ["study"]


def study(  # noqa: PLR0917  the command line passes them by name
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
    label: Label = None,
    classes: Classes = None,
    vectors: Vectors = None,
    generalized: Annotated[
        bool,
        typer.Option("--generalized", help="With --classes: rows may also be of seen classes."),
    ] = False,
    clusters: Annotated[
        int | None, typer.Option(help="Number of clusters, if nothing is labelled.")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option(help="Names, separated by commas; by default all that apply."),
    ] = None,
    network: Annotated[
        str | None, typer.Option(help="mlp, convnet or timm:NAME; by default chosen from the data.")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            help="Sentence encoder for texts: all-MiniLM-L6-v2, another name, or a folder; by "
            "default words are counted."
        ),
    ] = None,
    metric: Annotated[
        str | None, typer.Option(help="accuracy, balanced_accuracy, auc, r2, nmi or entropy.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(help="Epochs of a fit, at least 200 steps; by default the method's."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help="Exact number of steps of a fit, instead of epochs.")
    ] = None,
    seeds: Annotated[int, typer.Option(help="Number of random seeds; each repeats every fit.")] = 5,
    folds: Annotated[int, typer.Option(help="Cross-validation folds, at most.")] = 3,
    jobs: Annotated[int, typer.Option(help="Fits in parallel, each a process.")] = 1,
    threads: Annotated[int, typer.Option(help="Threads of a fit.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Reuse the finished fits of an interrupted study.")
    ] = False,
) -> None:
    """Run methods beside honest baselines: verdict, report and model."""
    from fourfold.cli.show import show_found
    from fourfold.core.process import keep_memory
    from fourfold.report import write_report
    from fourfold.study import Study

    keep_memory()
    if task:
        from fourfold.cli.tasks import read_study_of_tasks, refuse_beside_tasks

        refuse_beside_tasks(
            source=source, target=target, evaluate=evaluate, classes=classes, vectors=vectors
        )
        data = read_study_of_tasks(task, evaluate_task, label)
    else:
        from fourfold.cli.inputs import read_transfer

        if evaluate_task:
            raise ParameterError("--evaluate-task must stand beside --task; got it without")
        data = read_transfer(source, target, evaluate, label, classes, vectors)
    length = {"epochs": epochs, "steps": steps}
    planned = Study(
        **data,
        methods=[name for part in methods for name in part.split(",")] if methods else None,
        generalized=generalized,
        clusters=clusters,
        network=network,
        encoder=encoder,
        recipe={name: value for name, value in length.items() if value is not None} or None,
        metric=metric,
        seeds=seeds,
        folds=folds,
        jobs=jobs,
        threads=threads,
        output=output,
        resume=resume,
    )
    if epochs is not None and steps is not None:
        raise ParameterError("--epochs and --steps must not both be given; got both")
    with _resumable():
        found: Any = planned.run()
        write_report([found], output / "report.html")
    show_found(found, output)


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
