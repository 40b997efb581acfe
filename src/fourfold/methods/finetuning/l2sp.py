"""L2-SP: fine-tuning that stays close to the source model's weights."""

from __future__ import annotations

from typing import ClassVar, Final, final

import torch
from torch import Tensor

from fourfold.algorithms.fisher import fisher_diagonal
from fourfold.methods.kit import (
    USUAL,
    Batch,
    Fitted,
    Labelled,
    Model,
    Needs,
    NonNegative,
    ParameterError,
    Part,
    Phase,
    Problem,
    Recipe,
    StartsFromHead,
    hold_out,
    label_loss,
    minimize,
    onward,
    validation,
    warm_start,
)

__all__ = ["L2SP"]

FISHER_ROWS: Final = 500
"""Source rows that the Fisher information is averaged over."""


@final
class L2SP(StartsFromHead):
    """Fine-tune with weights that are pulled to the source model's, not to zero.

    The penalty is α/2·‖w − w⁰‖² on the weights that are transferred, w⁰ being a copy of where they
    start, and β/2·‖w‖² on a fresh last layer. It stands in for weight decay.

    Parameters
    ----------
    alpha
        α, for transferred weights; None is 1/n for n labels, which makes the penalty a normal prior
        of variance 1 around the source's weights: the more labels, the less it counts.
    beta
        β, for a fresh last layer.
    fisher
        Weight each distance by the Fisher information on the source, divided by its average over
        all weights, so that α means the same with and without.

    Attributes
    ----------
    start_
        Weight's name → w⁰, saved with the model.

    References
    ----------
    Li, Grandvalet & Davoine, Explicit Inductive Bias for Transfer Learning with Convolutional
    Networks, ICML 2018.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = L2SP().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    alpha: NonNegative | None = None
    beta: NonNegative = 0.01
    fisher: bool = False

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, network=True, costly=True, transcripts=True
    )
    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return {"beta": "head='source'"} if self.head == "source" else {}

    @property
    def start_(self) -> dict[str, Tensor]:
        """Weight's name → w⁰."""
        return dict(self.fitted_.state["start_"])

    def _learn(self, problem: Problem) -> Fitted:
        task = problem.task
        model, kept, findings = warm = warm_start(problem, self.head)
        recipe = onward(problem, warm)
        transferred = dict((model if kept else model.body).named_parameters())
        fresh = [] if kept else list(model.head.parameters())
        start = {name: w.detach().clone() for name, w in transferred.items()}
        importance = self._importance(problem, model, start, kept=kept)
        train, held = hold_out(problem.target.known(), recipe)
        alpha = 1 / len(train.y) if self.alpha is None else self.alpha

        fit = label_loss(model, task)

        def loss(_t: float, batch: Batch) -> Tensor:
            distance = sum(
                (importance[name].to(w) * (w - start[name].to(w)).square()).sum()
                for name, w in transferred.items()
            )
            size = sum(w.square().sum() for w in fresh)
            return fit(batch) + alpha / 2 * distance + self.beta / 2 * size

        phase = Phase(loss, [Part(model, weight_decay=0.0)])
        validate = validation(model, fit, held)
        history = minimize(model, phase, train.table(), recipe=recipe, validate=validate)
        return Fitted(model, history, findings, {"start_": start})

    def _importance(
        self, problem: Problem, model: Model, start: dict[str, Tensor], *, kept: bool
    ) -> dict[str, Tensor]:
        """Return F̂ of each transferred weight, 1 on average; 1 for all without Fisher."""
        if not self.fisher:
            return dict.fromkeys(start, torch.ones(()))
        if problem.task.ragged:
            raise ParameterError(
                "fisher=True must stand beside one label a row, not transcripts, whose frames "
                "have too many outputs to differentiate; got transcripts"
            )
        if not isinstance(problem.source, Labelled):
            raise ParameterError(
                "fisher=True must have the source's data to measure on; got a trained model"
            )
        known = problem.source.data.known()
        few = known.at(known.rows.draw(FISHER_ROWS))
        source = (problem.source_model, problem.source.task)
        measured, task = (model, problem.task) if kept else source
        found = fisher_diagonal(measured, few.rows, task)
        named = {name if kept else name.removeprefix("body."): f for name, f in found.items()}
        wanted = {name: named[name] for name in start}
        average = torch.cat([f.flatten() for f in wanted.values()]).mean().clamp(min=1e-12)
        return {name: f / average for name, f in wanted.items()}
