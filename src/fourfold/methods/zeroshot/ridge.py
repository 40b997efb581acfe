"""Baseline: ridge regression from inputs to descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.linear import ridge, ridge_path
from fourfold.algorithms.zeroshot.generalized import central_choice
from fourfold.methods.kit import (
    Body,
    Fitted,
    Flat,
    Model,
    Needs,
    OnFeatures,
    Positive,
    Problem,
    in_blocks,
)
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._label_heads import EmbeddingHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

__all__ = ["RidgeToDescriptions"]

ALPHAS: Final = tuple(10.0**i for i in range(6))


@final
class RidgeToDescriptions(OnFeatures, Describes):
    """Predict the description by ridge regression, and choose the class with the nearest one.

    Descriptions are compared by the cosine about the seen classes' mean. On prepared inputs or
    frozen features, in closed form.

    Parameters
    ----------
    alpha
        L2 penalty, for standardized features. None: 1 to 10⁵ are tried on held-out seen classes.

    Attributes
    ----------
    alpha_
        The penalty that was used.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> sizes = {0: {"petal": 1.5}, 1: {"petal": 4.3}, 2: {"petal": 5.6}, 3: {"petal": 0.4}}
    >>> seen = Domain(X[y != 2], y[y != 2], classes=sizes)
    >>> model = RidgeToDescriptions().fit(Domain(X, classes=sizes), source=seen)
    >>> model.classes_, set(model.predict(X[y == 2]).tolist())
    (array([2, 3]), {2})
    """

    alpha: Positive | None = None

    renamed: ClassVar[dict[str, str]] = {"strength": "alpha"}
    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )

    @property
    def alpha_(self) -> float:
        """The penalty that was used."""
        return float(self.fitted_.state["alpha_"])

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> EmbeddingHead:
        del state
        return EmbeddingHead(width, signatures.width, classes, size=None, match="angle")

    def _choose(self, problem: Problem, seen: SeenData) -> float:
        """Choose the penalty on folds of seen classes."""
        if self.alpha is not None:
            return self.alpha
        folds = seen.class_folds(problem.seed, seen.n_folds)
        rates = [_rates(problem.body(Flat()), rest, held) for rest, held in folds]
        return ALPHAS[central_choice(np.array(rates))[0]] if rates else ALPHAS[0]

    def _recognize(self, problem: Problem, seen: SeenData, chosen: float) -> Fitted:
        body = problem.body(Flat())
        features, wanted, origin = _sides(body, seen)
        head = EmbeddingHead(body.width, len(origin), 1, size=None, match="angle")
        head.load(ridge(features, wanted, chosen, seen.data.row_weights), origin=origin)
        return Fitted(Model(body, head), state={"alpha_": chosen})


def _sides(body: Body, seen: SeenData) -> tuple[NDArray[np.float32], NDArray[np.float32], Tensor]:
    """Return features (n, d), their classes' signatures about the mean (n, m), and that (m,)."""
    origin = seen.signatures.mean(0)
    wanted = (seen.signatures - origin)[seen.data.y].numpy()
    return in_blocks(body, seen.data.rows), wanted, origin


def _rates(body: Body, rest: SeenData, held: SeenData) -> list[float]:
    """Return the accuracy on held-out classes, averaged over these, for each penalty."""
    features, wanted, origin = _sides(body, rest)
    labels = F.normalize(held.signatures - origin).double().numpy()  # (k, m)
    asked, true = in_blocks(body, held.data.rows), held.data.y.numpy()
    return [
        float(balanced_accuracy_score(true, ((asked @ f.weight + f.bias) @ labels.T).argmax(1)))
        for f in ridge_path(features, wanted, ALPHAS, rest.data.row_weights)
    ]
