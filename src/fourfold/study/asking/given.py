"""Data that a study is given, as a source and a target or as tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fourfold.data.domain import Domain
from fourfold.data.kinds import settle_labels
from fourfold.data.tables import settle_tables
from fourfold.errors import DataError, ParameterError, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.study.asking.options import Options

__all__ = ["of_tasks", "of_transfer"]


def of_transfer(
    source: Domain | Sequence[Domain] | None,
    target: Domain | None,
    evaluate: Domain | Mapping[str, Domain] | None,
    *,
    trained: bool = False,
) -> tuple[list[Domain], Domain, Domain | None]:
    """Return sources, target and rows to evaluate on, their kinds of labels settled together.

    There are no sources where a trained network stands for them. Anything but a study of transfer
    is refused.
    """
    if (source is None and not trained) or target is None:
        raise ParameterError(
            "a study must have a source and a target, or tasks; got neither whole (a pretrained "
            "network, network=Pretrained(...), may be the source)"
        )
    if isinstance(evaluate, Mapping):
        raise ParameterError("evaluate must be a Domain, where there are no tasks; got names")
    if evaluate is not None and not evaluate.n_labelled:
        raise DataError("the rows to evaluate on must have labels; got none")
    sources = [source] if isinstance(source, Domain) else list(source or ())
    if target.classes is not None:  # descriptions of the target hold for the source, too
        known = target.classes
        sources = [s.described(s.classes.joined(known) if s.classes else known) for s in sources]
    sources = [
        one.named(f"source {i}" if len(sources) > 1 else "source")
        for i, one in enumerate(sources, 1)
    ]
    judged = [] if evaluate is None else [evaluate.named("evaluate")]
    target, *rest = settle_labels(settle_tables([target.named("target"), *sources, *judged]))
    return rest[: len(sources)], target, rest[-1] if judged else None


def of_tasks(
    tasks: Mapping[str, Domain],
    evaluate: Domain | Mapping[str, Domain] | None,
    *,
    source: object,
    target: object,
    options: Options,
) -> dict[str, Domain | None]:
    """Return the rows to evaluate each task on; refuse anything but a study of tasks."""
    asked = {"generalized": options.generalized, "open_set": options.open_set}
    asked["clusters"] = options.clusters is not None
    if any(asked.values()):
        raise ParameterError(
            "generalized, open_set and clusters must be left out of a study of tasks; got "
            f"{some(name for name, given in asked.items() if given)}"
        )
    if source is not None or target is not None:
        raise ParameterError(
            "a study must be of a source and a target, or of tasks; got both: leave one out"
        )
    if evaluate is None:
        return dict.fromkeys(tasks)
    if not isinstance(evaluate, Mapping):
        raise ParameterError(
            "evaluate must be names with a Domain each, as tasks are; got "
            f"{type(evaluate).__name__}"
        )
    if set(evaluate) != set(tasks):
        raise ParameterError(
            f"tasks to evaluate must be those that are learnt, {', '.join(tasks)}; got "
            f"{', '.join(evaluate) or 'none'}"
        )
    for name, domain in evaluate.items():
        if not domain.n_labelled:
            raise DataError(f"the rows to evaluate task {name!r} on must have labels; got none")
    return {name: evaluate[name] for name in tasks}
