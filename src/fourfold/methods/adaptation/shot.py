"""Source hypothesis transfer: the features move, the source's last layer stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.adaptation._joint import Shares, Uninformed, known_loss, signs, source_model
from fourfold.methods.kit import (
    Batch,
    Fitted,
    History,
    Model,
    Needs,
    NonNegative,
    Phase,
    PositiveInt,
    Problem,
    Recipe,
    TrainsNetwork,
    hold_out,
    minimize,
    validation,
)

if TYPE_CHECKING:
    from torch import Tensor

    from fourfold.data.rows import Rows

__all__ = ["SHOT"]


@final
class SHOT(TrainsNetwork):
    """Move the target's features to the source model's classes; the source's rows are not needed.

    The last layer of the source model stays. The layers below it maximize the information of the
    target's predictions, sure ones that together have the classes' shares, and the likelihood of
    pseudo-labels, the nearest centroid's. Labels that the target has take part.

    Parameters
    ----------
    pseudo_labels
        Weight of the pseudo-labels; 0 is SHOT-IM.
    rounds
        Number of times that the pseudo-labels are computed.
    class_shares
        Shares of the classes in the target: ``"expected"``, halfway between those of the source's
        labels and those that the network predicts while it learns, as targets may lack classes or
        have others more often; or ``"source"``, those of the source's labels.

    References
    ----------
    Liang, Hu & Feng, Do We Really Need to Access the Source Data? Source Hypothesis Transfer for
    Unsupervised Domain Adaptation, ICML 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SHOT().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    pseudo_labels: NonNegative = 0.0
    rounds: PositiveInt = 5
    class_shares: Shares = "expected"

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True, classes=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10, min_steps=500, max_steps=10_000)

    def idle(self) -> dict[str, str]:
        return {} if self.pseudo_labels else {"rounds": "pseudo_labels=0"}

    def _learn(self, problem: Problem) -> Fitted:
        task, (target, held) = problem.task, hold_out(problem.target, problem.recipe)
        model = source_model(self, problem)
        partly = bool(target.labelled.any())
        missed = Uninformed(problem, model, self.class_shares)
        nets = nn.ModuleDict({"model": model, "missed": missed})

        def loss(t: Batch) -> Tensor:
            outputs = model(t.x)
            known = known_loss(task, outputs, t) if partly else 0.0
            pseudo = self.pseudo_labels * F.cross_entropy(outputs, t.z) if len(t.z) else 0.0
            uninformed: Tensor = missed(outputs)
            return known + pseudo + uninformed

        phase, validate = Phase(lambda _p, t: loss(t), model.body), validation(nets, loss, held)
        rounds, history = self.rounds if self.pseudo_labels else 1, History()
        recipe = problem.recipe.part(rounds)
        for _ in range(rounds):
            guesses = _by_centroids(model, target.rows) if self.pseudo_labels else None
            table = target.table(guesses)
            later = minimize(nets, phase, table, recipe=recipe, validate=validate)
            history = history.then(later)
        return Fitted(model, history, signs(problem, model))


def _by_centroids(model: Model, rows: Rows) -> Tensor:
    """Return a pseudo-label (n,) of each row: the class whose centroid has the nearest direction.

    Centroids are of features (d,) and a constant, first weighted by the predicted probabilities,
    then of the rows with their label.
    """
    features = torch.from_numpy(model.cpu().eval().embed(rows))
    with torch.inference_mode():
        share = model.head(features).softmax(1)  # (n, k)
    units = F.normalize(F.pad(features, (0, 1), value=1.0))
    for _ in range(2):
        centroids = F.normalize(share.T @ units)  # (k, d + 1)
        guesses = (units @ centroids.T).argmax(1)
        share = F.one_hot(guesses, share.shape[1]).float()
    return guesses
