"""Joint training: one network of the source's and the target's rows, both in each step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, final

import annotated_types as at

from fourfold.methods.finetuning._rates import falling_rates
from fourfold.methods.kit import (
    USUAL,
    Batch,
    Fitted,
    Fraction,
    Needs,
    Phase,
    Problem,
    Recipe,
    TrainsNetwork,
    hold_out,
    label_loss,
    minimize,
    validation,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["JointTraining"]


@final
class JointTraining(TrainsNetwork):
    """Train one network on a batch of the source and one of the target in each step.

    Fine-tuning forgets the source while it learns a few target labels by heart; here the source
    goes on to teach what the labels mean, and the target where it differs. It is the usual choice
    for a pretrained network beside a source of the same classes.

    Parameters
    ----------
    target_weight
        Share λ of the target's loss: (1 − λ)·L_source + λ·L_target.
    decay
        Learning rate of each stage of a pretrained network as a share of the one above it, as in
        :class:`FineTune`; 1 trains all alike, as networks with random weights are.

    References
    ----------
    Daumé III, Frustratingly Easy Domain Adaptation, ACL 2007: "weighted", for linear models.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = JointTraining().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    target_weight: Annotated[float, at.Interval(gt=0, lt=1)] = 0.5
    decay: Fraction = 0.8

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, same_labels=True, pretrained=True
    )
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        model = problem.model(problem.body())
        fit, share = label_loss(model, problem.task), self.target_weight
        target, held = hold_out(problem.target.known(), problem.recipe)
        source = problem.source_data.known()

        def loss(_t: float, s: Batch, t: Batch) -> Tensor:
            return (1 - share) * fit(s) + share * fit(t)

        phase = Phase(loss, falling_rates(model, self.decay if problem.pretrained else 1.0))
        history = minimize(
            model,
            phase,
            source.table(),
            target.table(),
            recipe=problem.recipe,
            validate=validation(model, fit, held),
        )
        return Fitted(model, history)
