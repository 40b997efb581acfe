"""Baseline: a random frozen column of the same size, so that only the knowledge differs."""

from __future__ import annotations

from typing import ClassVar, Protocol, final, runtime_checkable

from torch import nn

from fourfold.methods.kit import USUAL, Body, Fitted, Needs, PositiveInt, Problem, Recipe
from fourfold.methods.progressive._columns import FrozenColumn, GrowsColumn, assemble
from fourfold.networks.columns import Column

__all__ = ["RandomColumn"]


@final
class RandomColumn(GrowsColumn):
    """Train a progressive network whose old columns are random: the control without transfer.

    It has the same size, adapters and training, and nothing of the source: a source may be given,
    so that every method is called in one way, and nothing of it is used, not even in the
    preparation of inputs. Layers of a pretrained network are initialized anew.

    Parameters
    ----------
    columns
        Number of random columns; None: one, and in a study as many as there are sources.

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

    needs: ClassVar[Needs] = Needs(transcripts=True)
    uses_source: ClassVar[bool] = False
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        fresh = problem.model(self.fresh_body(problem))
        random = [_reset(self.fresh_body(problem).bare()) for _ in range(self.columns or 1)]
        past = [FrozenColumn(Column(body), nn.Identity(), None) for body in random]
        chain, history, score = self.grow(past, fresh, problem)
        return Fitted(assemble(problem.inputs, chain), history, state={"transfer_score_": score})


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
