"""Fine-tuning: training goes on from the source model, with the target's labels."""

from __future__ import annotations

from typing import ClassVar, Final, final

from fourfold.methods.finetuning._rates import falling_rates
from fourfold.methods.kit import (
    USUAL,
    Fitted,
    Fraction,
    Needs,
    Phase,
    Problem,
    Recipe,
    StartsFromHead,
    hold_out,
    label_loss,
    minimize,
    onward,
    probe,
    validation,
    warm_start,
)

__all__ = ["FineTune"]

USUAL_DECAY: Final = 0.5


@final
class FineTune(StartsFromHead):
    """Fine-tune a source model on few target labels: lower layers slowly, the head at full speed.

    The source model is trained once per seed and kept. Layers near the input hold what domains
    share, so each stage learns slower than the one above it. Languages and voices differ in sound,
    so for transcripts all stages learn at one speed: at a tenth of the recipe's where the source
    gets most of the target's characters right, as of a new voice. The stages are the parts of the
    network; where it is a single module, that module's parts.

    Parameters
    ----------
    decay
        Learning rate of each stage of the network as a share of the one above it, in [0, 1]; where
        there are more than six, they share the fall of six. 0 trains the head alone, on features
        that are computed once. None is .5, and 1 for transcripts.
    probe_first
        LP-FT: train the head on frozen features first, then everything.

    References
    ----------
    Howard & Ruder, Universal Language Model Fine-tuning for Text Classification, ACL 2018
    (discriminative learning rates). Kumar et al., Fine-Tuning can Distort Pretrained Features and
    Underperform Out-of-Distribution, ICLR 2022 (``probe_first``).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = FineTune().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    decay: Fraction | None = None
    probe_first: bool = False

    needs: ClassVar[Needs] = Needs(source=True, source_labels=True, network=True, transcripts=True)
    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return {"probe_first": "decay=0"} if self.decay == 0 else {}

    def _learn(self, problem: Problem) -> Fitted:
        task = problem.task
        model, _, findings = warm = warm_start(problem, self.head)
        recipe = onward(problem, warm)
        usual = 1.0 if task.ragged else USUAL_DECAY
        decay = usual if self.decay is None else self.decay
        known = problem.target.known()
        if decay == 0:
            return Fitted(model, probe(model, task, known, recipe), findings)
        train, held = hold_out(known, recipe)
        if self.probe_first:
            probe(model, task, train, recipe)

        fit = label_loss(model, task)
        phase = Phase(lambda _t, batch: fit(batch), falling_rates(model, decay))
        validate = validation(model, fit, held)
        history = minimize(model, phase, train.table(), recipe=recipe, validate=validate)
        return Fitted(model, history, findings)
