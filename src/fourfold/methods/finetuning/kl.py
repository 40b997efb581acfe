"""KL adaptation: outputs stay close to the source model's on the target's own rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

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
    onward,
    teacher_outputs,
    validation,
    warm_start,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["KLAdaptation"]


@final
class KLAdaptation(TrainsNetwork):
    """Fine-tune towards labels mixed with the source model's outputs on the same rows.

    To add ρ times the Kullback-Leibler divergence from the source model's outputs is to replace the
    labels by p̂ = (1 − ρ)·p_label + ρ·p_source(y|x). Made for one speaker and few sentences; the
    target's labels must be among the source's classes. Of transcripts the loss is (1 − ρ)·CTC +
    ρ·KL(source ‖ model), averaged over frames.

    Parameters
    ----------
    rho
        ρ in [0, 1]: 0 is fine-tuning, 1 stays at the source model.

    References
    ----------
    Yu, Yao, Su, Li & Seide, KL-Divergence Regularized Deep Neural Network Adaptation for Improved
    Large Vocabulary Speech Recognition, ICASSP 2013.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = KLAdaptation().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    rho: Fraction = 0.5

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, same_labels=True, costly=True, transcripts=True
    )
    default_recipe: ClassVar[Recipe] = USUAL

    def _learn(self, problem: Problem) -> Fitted:
        task = problem.task
        model, _, findings = warm = warm_start(problem, "source")
        recipe = onward(problem, warm)
        train, held = hold_out(problem.target.known(), recipe)
        teacher = teacher_outputs(model, train.rows)  # (n, k): before a weight has moved

        fit = label_loss(model, task)

        def loss(_t: float, batch: Batch) -> Tensor:
            outputs = model(batch.x)  # (B, k)
            labels = task.loss(outputs, batch.y, batch.weight)
            source = task.distillation_loss(outputs, batch.z, weight=batch.weight)
            return (1 - self.rho) * labels + self.rho * source

        phase, validate = Phase(loss, model), validation(model, fit, held)
        history = minimize(model, phase, train.table(teacher), recipe=recipe, validate=validate)
        return Fitted(model, history, findings)
