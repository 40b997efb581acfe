"""FixMatch: sure answers for weakly changed rows teach strongly changed ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, final

import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.adaptation._joint import ADAPTING, signs, source_model
from fourfold.methods.kit import (
    Augmentation,
    Batch,
    Facts,
    Fitted,
    Fraction,
    Needs,
    NonNegative,
    Phase,
    Problem,
    Recipe,
    Swapped,
    TrainsNetwork,
    forward_by_domain,
    hold_out,
    label_loss,
    minimize,
    teacher_outputs,
    validation,
)

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["FixMatch"]

WEAK: Final = Augmentation(crop=0.8, operations=0, speed=0.0, noise=None, masks=0)
STRONG: Final = Augmentation(crop=0.5, operations=2, magnitude=10)


@final
class FixMatch(TrainsNetwork):
    """Learn the target's rows, strongly changed, by the network's answers for them, weakly changed.

    Training goes on from the source model. A batch of the target is changed twice at random: weakly
    (crops and flips, as far as these keep labels) and strongly (RandAugment, too). Where the
    network is sure of the weak view's class, it learns that class for the strong view::

        L = H(y, p(α(x_s))) + λ · mean over x_t of 1[max q ≥ τ] · H(argmax q, p(A(x_t)))
        with q = p(α(x_t)), through which no gradient flows

    Labels that the target has take the place of answers. Rows of numbers have no such changes: the
    strong view swaps some of their features for another row's, as SCARF does.

    Parameters
    ----------
    threshold
        Confidence τ above which an answer is learnt.
    weight
        Weight λ of the answers beside the source's labels.

    References
    ----------
    Sohn et al., FixMatch: Simplifying Semi-Supervised Learning with Consistency and Confidence,
    NeurIPS 2020. Bahri, Jiang, Tay & Metzler, SCARF, ICLR 2022.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = FixMatch().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    threshold: Fraction = 0.95
    weight: NonNegative = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True,
        source_labels=True,
        target_labels=False,
        same_labels=True,
        classes=True,
        pictures=True,
        pretrained=True,
    )
    default_recipe: ClassVar[Recipe] = ADAPTING

    def _learn(self, problem: Problem) -> Fitted:
        task = problem.task
        source = replace(problem.source_data.known(), augment=None)
        target = replace(problem.target, augment=None)
        train, held = hold_out(source, problem.recipe)
        model = source_model(self, problem)
        weak, strong = (
            problem.inputs.augmenter(views, target.rows, task) or Swapped(views)
            for views in (WEAK, STRONG)
        )
        partly = bool(target.labelled.any())

        def loss(_p: float, s: Batch, t: Batch) -> Tensor:
            views = torch.cat([weak(t.x), strong(t.x)])  # (2B, ...)
            fs, ft = forward_by_domain(model.body, weak(s.x), views)
            sure, unsure = model.head(ft).chunk(2)  # (B, k) each
            known = task.loss(sure, t.y, t.weight) if partly else 0.0
            answers = consistency(sure, unsure, self.threshold)
            return task.loss(model.head(fs), s.y, s.weight) + known + self.weight * answers

        history = minimize(
            model,
            Phase(loss, model),
            train.table(),
            target.table(),
            recipe=problem.recipe,
            validate=validation(model, label_loss(model, task), held),
        )
        sure = teacher_outputs(model.cpu().eval(), target.rows).softmax(1).amax(1)
        taught = f"{(sure >= self.threshold).float().mean():.0%}"
        facts = Facts("FixMatch", {"rows of which the network is sure in the end": taught})
        return Fitted(model, history, [facts, *signs(problem, model)])


def consistency(sure: Tensor, unsure: Tensor, threshold: float) -> Tensor:
    """Return the mean loss of strong views (B, k) by the answers for weak ones (B, k).

    Rows with a weak view less probable than the threshold count as 0.
    """
    confidence, answer = sure.detach().softmax(1).max(1)
    losses = F.cross_entropy(unsure, answer, reduction="none")
    return torch.where(confidence >= threshold, losses, 0.0).mean()
