"""The command line: ``fourfold map | study | predict | export | cache``."""

from __future__ import annotations

import sys
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer

from fourfold.errors import FileError, FourfoldError, FourfoldWarning, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.data.descriptions import Descriptions
    from fourfold.data.domain import Domain

__all__ = ["app", "main"]

app = typer.Typer(
    help="The whole map of transfer learning: where do your data stand, and does transfer help?",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

STOPPED: Final = 130
"""The exit code after Ctrl-C."""

Label = Annotated[
    str | None,
    typer.Option("--label", help="Column with the labels; a file without it is unlabelled."),
]
Classes = Annotated[
    Path | None,
    typer.Option(
        "--classes",
        help="Table that describes the classes, one a row, names first; or only names, with "
        "--vectors.",
    ),
]
Vectors = Annotated[
    Path | None,
    typer.Option("--vectors", help="Word vectors to look the classes' names up in."),
]
Source = Annotated[
    list[Path] | None,
    typer.Option("--source", help="Data to transfer from; may be given several times."),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option("--task", help="NAME=PATH, given for each of several tasks that all matter."),
]
Task = Annotated[str | None, typer.Option("--task", help="Which one, of a model of several tasks.")]
Model = Annotated[Path, typer.Argument(help="Folder of a saved model, e.g. runs/mine/best.")]


def main() -> NoReturn:
    """Run the command line; what is wrong is one sentence and exit code 2, Ctrl-C is 130."""
    try:
        with _plain_warnings():
            code = app(sys.argv[1:] or ["--help"], "fourfold", standalone_mode=False)
    except FourfoldError as error:
        _stop(str(error), 2)
    except OSError as error:
        _stop(f"files must be there, and the disk have space; {error}", 2)
    except typer.Abort as stop:
        _stop(str(stop) or "stopped", STOPPED)
    except typer.TyperException as error:
        _stop(f"{error.format_message().rstrip('.')}; see fourfold --help", 2)
    if code == STOPPED:  # typer's answer to Ctrl-C
        _stop("stopped", STOPPED)
    sys.exit(code or 0)


def _stop(sentence: str, code: int) -> NoReturn:
    _say(sentence)
    sys.exit(code)


def _say(sentence: str) -> None:
    sys.stderr.write(f"fourfold: {' '.join(sentence.split())}\n")


@contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show our own warnings as one sentence, without the line of code that they come from."""
    with warnings.catch_warnings():
        shown = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], *where: Any, **to: Any) -> None:
            if issubclass(category, FourfoldWarning):
                _say(str(message))
            else:
                shown(message, category, *where, **to)

        warnings.showwarning = show
        yield


@contextmanager
def _resumable() -> Iterator[None]:
    """Say how a study goes on that was stopped by Ctrl-C or by a disk."""
    try:
        yield
    except FileError as error:
        raise FileError(f"{error}; finished fits are kept: go on with --resume") from error
    except KeyboardInterrupt as stop:
        raise typer.Abort("stopped; finished fits are kept: go on with --resume") from stop


@app.command("map")
def show_map(
    source: Source = None,
    target: Annotated[
        Path | None, typer.Option("--target", help="Data to be solved; the bare map without it.")
    ] = None,
    task: Tasks = None,
    label: Label = None,
    classes: Classes = None,
    vectors: Vectors = None,
) -> None:
    """Show the map, and where your data stand on it."""
    from fourfold.cli.show import show_bare_map, show_place, show_tasks

    if task:
        from fourfold.cli.tasks import read_tasks

        _refuse_beside_tasks(source=source, target=target, classes=classes, vectors=vectors)
        show_tasks(read_tasks(task, label))
        return
    if target is None and not source:
        show_bare_map()
        return
    if target is None or not source:
        raise ParameterError("--source and --target must be given together; got one of them")
    *sources, goal = _read([*source, target], label, classes, vectors)
    show_place(sources, goal)


@app.command()
def study(  # noqa: PLR0917  the command line passes them by name
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder for all that comes out.")],
    source: Source = None,
    target: Annotated[Path | None, typer.Option("--target", help="Data to be solved.")] = None,
    evaluate: Annotated[
        Path | None, typer.Option("--evaluate", help="Rows with labels to judge on.")
    ] = None,
    task: Tasks = None,
    evaluate_task: Annotated[
        list[str] | None,
        typer.Option("--evaluate-task", help="NAME=PATH, rows with labels to judge a task on."),
    ] = None,
    label: Label = None,
    classes: Classes = None,
    vectors: Vectors = None,
    generalized: Annotated[
        bool,
        typer.Option(
            "--generalized", help="With --classes: rows may also be of classes that have examples."
        ),
    ] = False,
    clusters: Annotated[
        int | None, typer.Option("--clusters", help="How many are looked for, without any label.")
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--methods", help="Names, with commas or repeated; all that apply without."),
    ] = None,
    network: Annotated[
        str | None, typer.Option("--network", help="mlp, convnet or timm:NAME; chosen without.")
    ] = None,
    encoder: Annotated[
        str | None,
        typer.Option(
            "--encoder",
            help="Of sentences, for texts: all-MiniLM-L6-v2, another name, or a folder; without, "
            "words are counted.",
        ),
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", help="accuracy, balanced_accuracy, auc, r2, nmi or entropy."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            help="Passes over the data in each fit, and at least 200 steps; each method's own "
            "without.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", help="Exactly so many steps in each fit, not epochs.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", help="How often everything is trained.")] = 5,
    folds: Annotated[
        int, typer.Option("--folds", help="Of the target's labels, or of seen classes, at most.")
    ] = 3,
    jobs: Annotated[int, typer.Option("--jobs", help="Fits at a time, in processes.")] = 1,
    threads: Annotated[int, typer.Option("--threads", help="Threads of a fit.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Keep finished fits that agree.")
    ] = False,
) -> None:
    """Run methods beside honest baselines: verdict, report and model."""
    from fourfold.cli.show import show_found
    from fourfold.core.process import keep_memory
    from fourfold.report import write_report
    from fourfold.study import Study

    keep_memory()
    if task:
        _refuse_beside_tasks(
            source=source, target=target, evaluate=evaluate, classes=classes, vectors=vectors
        )
        data = _tasks(task, evaluate_task, label)
    else:
        data = _transfer(source, target, evaluate, label, classes, vectors, evaluate_task)
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
        found = planned.run()
        write_report([found], output / "report.html")
    show_found(found, output)


@app.command()
def predict(
    model: Model,
    data: Annotated[Path, typer.Argument(help="Rows to predict, as in training.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="A CSV file.")],
    task: Task = None,
    classes: Annotated[
        Path | None,
        typer.Option(
            "--classes",
            help="Table that describes the classes that come into question, also new ones, for a "
            "model that knows classes by their descriptions.",
        ),
    ] = None,
    vectors: Vectors = None,
    top: Annotated[
        int | None, typer.Option("--top", help="Write so many classes a row, the likeliest first.")
    ] = None,
) -> None:
    """Predict with a saved model: a CSV with one line a row."""
    from fourfold.cli.predictions import write_predictions
    from fourfold.core.tasks import Classification
    from fourfold.methods.saved import load_one

    _check_vectors(classes, vectors)
    fitted: Any = load_one(model, task)
    labels = fitted.task_.classes_ if isinstance(fitted.task_, Classification) else None
    among = None if classes is None else _read_classes(classes, vectors, labels)
    n = write_predictions(fitted, data, output, among=among, top=top)
    typer.echo(f"{n} predictions in {output}")


@app.command()
def export(
    model: Model,
    output: Annotated[Path, typer.Argument(help="The ONNX file to write.")],
    task: Task = None,
) -> None:
    """Export a saved model to ONNX, checked against its own outputs."""
    from fourfold.bundle import export as write_onnx
    from fourfold.methods.saved import load_one

    difference = write_onnx(load_one(model, task), output)
    typer.echo(f"{output} is written; it differs from the model by {difference:.1e} at most")


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything from it.")] = False,
) -> None:
    """Show what is kept of features and source models, or clear it."""
    from fourfold.cli.show import show_store
    from fourfold.frozen.store import Store

    store = Store.default()
    if clear:
        freed = store.size
        store.clear()
        typer.echo(f"{freed / 1e6:.1f} MB freed in {store.path}")
    else:
        show_store(store)


def _refuse_beside_tasks(**given: object) -> None:
    """Refuse what speaks of a source and a target where tasks are given."""
    named = [f"--{name}" for name, value in given.items() if value]
    if named:
        raise ParameterError(
            "--task must stand without what speaks of a source and a target; got "
            f"{', '.join(named)} beside it"
        )


def _tasks(task: list[str], judged: list[str] | None, label: str | None) -> dict[str, Any]:
    """Read what a study of several tasks is given."""
    from fourfold.cli.tasks import read_evaluated, read_tasks

    tasks = read_tasks(task, label)
    return {"tasks": tasks, "evaluate": read_evaluated(judged, tasks, label) if judged else None}


def _transfer(
    source: list[Path] | None,
    target: Path | None,
    evaluate: Path | None,
    label: str | None,
    classes: Path | None,
    vectors: Path | None,
    judged: list[str] | None,
) -> dict[str, Any]:
    """Read what a study of a source and a target is given."""
    from fourfold.readers import read_domain

    if not source or target is None:
        raise ParameterError("a study must be given --source and --target, or several --task")
    if judged:
        raise ParameterError("--evaluate-task must stand beside --task; got it without")
    *sources, goal = _read([*source, target], label, classes, vectors)
    rows = read_domain(evaluate, label=label, like=goal) if evaluate is not None else None
    return {"source": sources, "target": goal, "evaluate": rows}


def _read(
    paths: list[Path], label: str | None, classes: Path | None, vectors: Path | None
) -> list[Domain]:
    """Read several piles together; the last is the target."""
    from fourfold.readers import read_domains

    _check_vectors(classes, vectors)
    domains = read_domains(paths, label=label)
    if classes is not None:
        labels = next((domain.known for domain in domains if domain.n_labelled), None)
        domains[-1] = domains[-1].described(_read_classes(classes, vectors, labels))
    return domains


def _check_vectors(classes: Path | None, vectors: Path | None) -> None:
    if vectors is not None and classes is None:
        raise ParameterError("--vectors must stand beside --classes, the names; got it without")


def _read_classes(
    classes: Path, vectors: Path | None, labels: NDArray[Any] | None = None
) -> Descriptions:
    """Read what describes the classes, their names written as the labels are."""
    from fourfold.frozen.store import Store
    from fourfold.readers import read_classes

    words = None
    if vectors is not None:
        from fourfold.readers.vectors import WordVectors

        words = WordVectors.open(vectors, store=Store.default())
    return read_classes(classes, vectors=words, labels=labels)
