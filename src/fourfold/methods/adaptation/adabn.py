"""Adaptive batch normalization."""

from __future__ import annotations

from typing import ClassVar, final

from fourfold.methods.adaptation._joint import signs
from fourfold.methods.kit import (
    USUAL,
    Builder,
    DataError,
    Fitted,
    Needs,
    ParameterError,
    Problem,
    Recipe,
    SourceNetwork,
    TrainsNetwork,
    choose,
    has_batch_norm,
    track,
)

__all__ = ["AdaBN"]


@final
class AdaBN(TrainsNetwork):
    """Give the batch norms of the source model the target's means and variances.

    Nothing else changes, and the target's labels are not used. A network of vectors that is not
    asked for has batch norms, too.

    References
    ----------
    Li, Wang, Shi, Hou & Liu, Adaptive Batch Normalization for Practical Domain Adaptation, Pattern
    Recognition 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = AdaBN().fit(X[::2] + 1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 1, y[::2]) > 0.8
    True
    """

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, transcripts=True
    )
    uses_target_labels: ClassVar[bool] = False
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = USUAL

    def choose_network(self, shape: tuple[int, ...]) -> Builder:
        return choose(shape, batch_norm=True)

    def _learn(self, problem: Problem) -> Fitted:
        given = problem.source
        planned = given.model.body if isinstance(given, SourceNetwork) else problem.body()
        if not has_batch_norm(planned):
            raise ParameterError(
                "network of AdaBN must have batch norms, such as Mlp(batch_norm=True) has; got one "
                "without"
            )
        if problem.target.rows.n < 2:
            raise DataError("the target of AdaBN must have two rows or more; got 1 sample")
        model = problem.source_model
        track(model.body, problem.target.table(), problem.recipe.batch_size)
        return Fitted(model, findings=signs(problem, model))
