"""The source alone, applied to the target as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.estimators.contracts import Needs
from fourfold.estimators.network import NetworkEstimator
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model

__all__ = ["SourceOnly"]


@final
class SourceOnly(NetworkEstimator):
    """Train on the source's labels and predict the target with it: no adaptation at all.

    The target's labels must be among the source's classes; they are not used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SourceOnly().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2], y[::2]) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        return job.source_model
