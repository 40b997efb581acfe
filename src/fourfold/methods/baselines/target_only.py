"""Baseline: the target alone, with the same network and no source."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import USUAL, Fitted, Needs, Problem, Recipe, TrainsNetwork, supervise

__all__ = ["TargetOnly"]


@final
class TargetOnly(TrainsNetwork):
    """Train on the target's labels alone: the same network, the same frozen layers, no source.

    A source may be given, so that every method is called in one way; nothing of it is used, not
    even in the preparation of inputs. Of a trained network only the architecture is.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> TargetOnly().fit(X, y).score(X, y) > 0.9
    True
    """

    needs: ClassVar[Needs] = Needs(transcripts=True)
    uses_source: ClassVar[bool] = False
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body())
        history = supervise(model, problem.task, problem.target, problem.recipe)
        return Fitted(model, history)
