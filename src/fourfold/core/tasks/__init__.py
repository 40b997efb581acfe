"""Tasks: encoding of labels, loss, predictions and score of a target.

One file holds one task; a new task subclasses ``Task`` and is listed in ``TASKS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.core.tasks.attributes import Attributes
from fourfold.core.tasks.base import Task
from fourfold.core.tasks.classification import Classification
from fourfold.core.tasks.clustering import Clustering
from fourfold.core.tasks.regression import Regression
from fourfold.core.tasks.transcription import Transcription
from fourfold.data.kinds import Kind, label_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.data.domain import Domain

__all__ = [
    "TASKS",
    "Attributes",
    "Classification",
    "Clustering",
    "Regression",
    "Task",
    "Transcription",
    "infer_task",
]

TASKS: Final[Mapping[str, type[Task]]] = {
    task.__name__: task
    for task in (Classification, Clustering, Regression, Attributes, Transcription)
}
"""Every task by its class name."""


KINDS: Final[Mapping[Kind, type[Task]]] = {
    "classes": Classification,
    "numbers": Regression,
    "yes-no": Attributes,
    "transcripts": Transcription,
}
"""Kind of labels → its task."""


def infer_task(domain: Domain, *beside: Domain) -> Task:
    """Infer the task of a domain's labels, in view of other domains beside it.

    Classes are a classification, numbers a regression, several answers attributes, and texts of
    utterances a transcription; see
    :func:`~fourfold.data.kinds.label_kind`.
    """
    return KINDS[label_kind(domain, *beside)]()
