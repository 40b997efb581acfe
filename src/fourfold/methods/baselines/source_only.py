"""The source model, applied to the target as it is."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.kit import USUAL, Fitted, Needs, Problem, Recipe, TrainsNetwork

__all__ = ["SourceOnly"]


@final
class SourceOnly(TrainsNetwork):
    """Train on the source's labels and predict the target, without adaptation.

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
        source=True,
        source_labels=True,
        target_labels=False,
        same_labels=True,
        transcripts=True,
        open_set=True,
    )
    uses_target_labels: ClassVar[bool] = False
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        return Fitted(problem.source_model)
