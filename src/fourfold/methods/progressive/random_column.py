"""A random frozen column of the same size: what more units alone are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol, final, runtime_checkable

from torch import nn

from fourfold.core.parameters import PositiveInt
from fourfold.estimators.problem import supervise
from fourfold.methods.progressive._columns import ColumnEstimator, Past
from fourfold.networks.columns import Column
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model
    from fourfold.networks.builder import Body
    from fourfold.training.phases import History

__all__ = ["RandomColumn"]


@final
class RandomColumn(ColumnEstimator):
    """A progressive network whose old columns are random: the control for one that transfers.

    It has the same size, adapters and training, and nothing of the source: a source may be given,
    so that every method is called in one way, and only takes part in the preparation of inputs,
    which sees no labels. Where the network brings weights, its layers forget them.

    Parameters
    ----------
    columns
        How many random columns there are; None: as many as sources are given, at least one.

    Attributes
    ----------
    history_
        Losses and seconds of the training.

    References
    ----------
    Rusu et al., Progressive Neural Networks, arXiv:1606.04671, 2016 (baseline 4).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> RandomColumn().fit(X, y).score(X, y) > 0.9
    True
    """

    columns: PositiveInt | None = None

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        fresh = self._start(job)
        random = [_reset(job.body().bare()) for _ in range(self.columns or len(job.chain) or 1)]
        past = [Past(Column(body), nn.Identity(), self.builder_, None) for body in random]
        listener, data = self._listener(past, fresh, job.target)
        self.history_: History = supervise(listener, job.task, data, job.recipe)
        self.transfer_score_ = self._transfer_score(past, job)
        return self._assembled(
            [*past, Past(listener.column, listener.head, self.builder_, job.task)]
        )


@runtime_checkable
class _Resettable(Protocol):
    """A layer that can draw its weights anew, as torch's own can."""

    def reset_parameters(self) -> None:
        """Draw the weights anew."""


def _reset(body: Body) -> Body:
    for layer in body.modules():
        if isinstance(layer, _Resettable):
            layer.reset_parameters()
    return body
