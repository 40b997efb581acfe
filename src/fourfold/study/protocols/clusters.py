"""Protocol for clusters, where nothing has a label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.core.tasks import Clustering, infer_task
from fourfold.data.kinds import called
from fourfold.errors import DataError, ParameterError
from fourfold.study.protocols.protocol import Protocol
from fourfold.study.scores import Stability, choose_score
from fourfold.study.splits import Halves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain

__all__ = ["clustering_protocol"]


def clustering_protocol(
    sources: Sequence[Domain],
    target: Domain,
    evaluate: Domain | None,
    *,
    clusters: int | None,
    metric: str | None,
) -> Protocol:
    """Return the protocol for clusters, where nothing has a label.

    Raises
    ------
    DataError, ParameterError
        If the number of clusters is not given, or half of the rows are fewer than it.
    """
    if clusters is None:
        hint = "" if target.classes is None else ": are labels in a column of the table?"
        raise ParameterError(
            "clusters must be the number of clusters to look for where nothing has labels; got "
            f"none{hint}"
        )
    if target.n_rows // 2 < clusters:
        raise DataError(
            f"the target must have at least {2 * clusters} rows for {clusters} clusters, so that "
            f"halves of it can be compared; got {target.n_rows}"
        )
    if evaluate is not None and not infer_task(evaluate).has_classes:
        raise DataError(
            f"labels of {called(evaluate)}, to evaluate clusters on, must be classes; "
            "got numbers, or several a row"
        )
    if metric is not None and evaluate is None:
        raise ParameterError(f"metric must stand beside rows to evaluate on; got {metric!r} alone")
    task = Clustering(n_clusters=clusters)
    task.check()
    task.fit(target)
    score = Stability() if evaluate is None else choose_score(task, evaluate, metric)
    return Protocol(
        task=task,
        score=score,
        choice=Stability(),
        splits=Halves(sources, target),
        chooser="consensus",
        parameters={"n_clusters": clusters},
    )
