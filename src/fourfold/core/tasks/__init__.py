"""Tasks: encoding of labels, loss, predictions and score of a target.

One file holds one task; a new task subclasses ``Task`` and is listed in ``TASKS``.
"""

from fourfold.core.tasks.attributes import Attributes
from fourfold.core.tasks.base import Task
from fourfold.core.tasks.classification import Classification
from fourfold.core.tasks.clustering import Clustering
from fourfold.core.tasks.infer import TASKS, infer_task
from fourfold.core.tasks.regression import Regression

__all__ = [
    "TASKS",
    "Attributes",
    "Classification",
    "Clustering",
    "Regression",
    "Task",
    "infer_task",
]
