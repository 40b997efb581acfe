"""ESZSL: a bilinear match of inputs and descriptions, in closed form."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import numpy as np

from fourfold.algorithms.linear import Affine
from fourfold.algorithms.zeroshot.generalized import central_choice, mean_class_accuracy
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
from fourfold.methods.zeroshot._bilinear import Decomposed
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._label_heads import EmbeddingHead

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

    Matrix = NDArray[np.float64]

__all__ = ["ESZSL"]

GRID: Final = tuple(10.0**i for i in range(-3, 4))
"""Of γ and of λ."""


@final
class ESZSL(OnFeatures, Describes):
    """Match inputs and descriptions by a bilinear map, xᵀ W s, in closed form.

    W = (XᵀX + γI)⁻¹ XᵀY S (SᵀS + λI)⁻¹ for rows X (n, d), ±1 for each row and seen class Y (n, c)
    and signatures S (c, m), these about the seen classes' mean: else the many −1 dominate where
    there are many classes. Rows of X and Y are multiplied by the roots of their weights. Where γ or
    λ is None, a whole grid of both, 10⁻³ to 10³, is tried on held-out seen classes; it takes one
    eigendecomposition of each side, of the smaller of n and d, and of c and m.

    Parameters
    ----------
    gamma
        Penalty on the side of the inputs; None chooses.
    lambda_
        Penalty on the side of the descriptions; None chooses.

    Attributes
    ----------
    gamma_, lambda__
        The penalties that were used.

    References
    ----------
    Romera-Paredes & Torr, An embarrassingly simple approach to zero-shot learning, ICML 2015.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> pictures = np.hstack([X[:898], X[898:1796]])  # two digits side by side
    >>> names = np.array([f"{a}{b}" for a, b in zip(y[:898], y[898:1796])])
    >>> classes = {name: {"left": name[0], "right": name[1]} for name in names}
    >>> new = y[:898] == y[898:1796]  # 00, 11, ... have no examples
    >>> source = Domain(pictures[~new], names[~new], classes=classes)
    >>> target = Domain(pictures[new], classes={name: classes[name] for name in names[new]})
    >>> model = ESZSL().fit(target, source=source)
    >>> len(model.classes_), model.score(pictures[new], names[new]) > 0.9
    (10, True)
    """

    gamma: Positive | None = None
    lambda_: Positive | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )

    @property
    def gamma_(self) -> float:
        """The penalty on the side of the inputs."""
        return float(self.fitted_.state["gamma_"])

    @property
    def lambda__(self) -> float:
        """The penalty on the side of the descriptions."""
        return float(self.fitted_.state["lambda__"])

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> EmbeddingHead:
        del state
        return EmbeddingHead(width, signatures.width, classes, size=None, match="product")

    def _choose(self, problem: Problem, seen: SeenData) -> tuple[float, float]:
        """Choose γ and λ by the accuracy on held-out classes, averaged over these."""
        body = problem.body(Flat())
        gammas = GRID if self.gamma is None else (self.gamma,)
        lambdas = GRID if self.lambda_ is None else (self.lambda_,)
        grid, rates = [*product(gammas, lambdas)], []
        for rest, held in seen.class_folds(problem.seed, seen.n_folds if len(grid) > 1 else 0):
            X, y, S = _sides(body, held)
            decomposed = Decomposed.of(*_sides(body, rest), rest.data.row_weights)
            scores = decomposed.scores(X, S, grid)
            rates.append([mean_class_accuracy(y, one.argmax(1)) for one in scores])
        if not rates:
            return gammas[len(gammas) // 2], lambdas[len(lambdas) // 2]
        i, j = central_choice(np.reshape(rates, (len(rates), len(gammas), len(lambdas))))
        return gammas[i], lambdas[j]

    def _recognize(self, problem: Problem, seen: SeenData, chosen: tuple[float, float]) -> Fitted:
        body = problem.body(Flat())
        head = EmbeddingHead(body.width, seen.signatures.shape[1], 1, size=None, match="product")
        decomposed = Decomposed.of(*_sides(body, seen), seen.data.row_weights)
        f = Affine.centred(decomposed.mean, decomposed.weight(*chosen))
        head.load(f, origin=seen.signatures.mean(0))
        return Fitted(Model(body, head), state={"gamma_": chosen[0], "lambda__": chosen[1]})


def _sides(body: Body, seen: SeenData) -> tuple[Matrix, NDArray[np.int64], Matrix]:
    """Return features (n, d), their classes (n,), and signatures (c, m)."""
    features = in_blocks(body, seen.data.rows).astype(np.float64)
    return features, seen.data.y.numpy(), seen.signatures.numpy().astype(np.float64)
