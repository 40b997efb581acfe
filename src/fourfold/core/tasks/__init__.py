"""Tasks: encoding of labels, loss, predictions and score of a target.

One file holds one task; a new task subclasses ``Task`` and is listed in ``TASKS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fourfold.core.tasks.attributes import Attributes
from fourfold.core.tasks.base import Task
from fourfold.core.tasks.classification import Classification
from fourfold.core.tasks.clustering import Clustering
from fourfold.core.tasks.labels import are_binary
from fourfold.core.tasks.regression import Regression

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
    "infer_task",
]

TASKS: Final[Mapping[str, type[Task]]] = {
    task.__name__: task for task in (Classification, Clustering, Regression, Attributes)
}
"""Every task by its class name."""


def infer_task(domain: Domain) -> Task:
    """Infer the task from the labels.

    Names, whole numbers and truth values are classes; measurements (see
    :attr:`~fourfold.Domain.measured`) a regression; several columns of 0 and 1 attributes, of other
    numbers a regression with several outputs.
    """
    y = domain.known
    if y.ndim == 2:
        return Attributes() if are_binary(y) else Regression()
    return Regression() if domain.measured else Classification()
