"""ESZSL: a bilinear match of inputs and descriptions, in one line of algebra."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, NamedTuple, final

import numpy as np
from sklearn.metrics import balanced_accuracy_score

from fourfold.algorithms.linear import Affine
from fourfold.algorithms.selection import central_choice
from fourfold.algorithms.whitening import spectrum
from fourfold.core.parameters import Positive
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._described import DescribedEstimator, Embedded
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson
    from fourfold.networks.builder import Body

    Matrix = NDArray[np.float64]

__all__ = ["ESZSL"]

GRID: Final = tuple(10.0**i for i in range(-3, 4))
"""Of γ and of λ."""


@final
class ESZSL(DescribedEstimator):
    """Match inputs and descriptions by a bilinear map, xᵀ W s, that is found in closed form.

    W = (XᵀX + γI)⁻¹ XᵀY S (SᵀS + λI)⁻¹ for rows X (n, d), ±1 for each row and seen class Y (n, c)
    and signatures S (c, m), these about the seen classes' mean: else the many −1 outweigh all where
    there are many classes. Where γ or λ is left open, a whole grid of both, 10⁻³ to 10³, is tried
    on seen classes that are held out; it takes one eigendecomposition of each side, of the smaller
    of n and d, and of c and m.

    Parameters
    ----------
    gamma
        Of the penalty on the inputs' side; None tries.
    lambda_
        Of the penalty on the descriptions' side; None tries.

    Attributes
    ----------
    gamma_, lambda__
        What was taken.

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
    plain: ClassVar[tuple[str, ...]] = (*DescribedEstimator.plain, "gamma_", "lambda__")

    def head_for(self, width: int, classes: int) -> Embedded:
        return Embedded(width, self.signature_width, classes, size=None, match="product")

    def choose(self, job: Job, lesson: Lesson) -> None:
        self.builder_ = Mlp(hidden_layer_sizes=())  # nothing but the inputs, flattened
        self.gamma_, self.lambda__ = self._chosen(job.body(), lesson)

    def learn(self, job: Job, lesson: Lesson) -> Model:
        body = job.body()
        head = self.head_for(body.width, 1)
        solved = _Solved.of(*_sides(body, lesson))
        f = Affine.centred(solved.mean, solved.weight(self.gamma_, self.lambda__))
        head.take(f, origin=lesson.signatures.mean(0))
        return Model(body, head)

    def _chosen(self, body: Body, lesson: Lesson) -> tuple[float, float]:
        """Return γ and λ that recognize held-out classes well, accuracy averaged over these."""
        gammas = GRID if self.gamma is None else (self.gamma,)
        lambdas = GRID if self.lambda_ is None else (self.lambda_,)
        rates: list[Matrix] = []
        times = lesson.times if len(gammas) * len(lambdas) > 1 else 0
        for rest, held in lesson.practices(self.random_state, times):
            X, y, S = _sides(body, held)
            rows = _Solved.of(*_sides(body, rest)).turned(X, S)
            scores = [[rows.scores(g, k).argmax(1) for k in lambdas] for g in gammas]
            rates.append(
                np.array([[balanced_accuracy_score(y, one) for one in row] for row in scores])
            )
        i, j = central_choice(np.array(rates)) if rates else (len(gammas) // 2, len(lambdas) // 2)
        return gammas[i], lambdas[j]


def _sides(body: Body, lesson: Lesson) -> tuple[Matrix, NDArray[np.int64], Matrix]:
    """Return features (n, d), which class each is of (n,), and signatures (c, m)."""
    features = in_blocks(body, lesson.data.rows).astype(np.float64)
    return features, lesson.data.y.numpy(), lesson.signatures.numpy().astype(np.float64)


class _Solved(NamedTuple):
    """Both sides' eigenvalues and eigenvectors, and Uᵀ XᵀY S V between them."""

    mean: Matrix
    origin: Matrix
    values: Matrix
    vectors: Matrix
    class_values: Matrix
    class_vectors: Matrix
    between: Matrix

    @classmethod
    def of(cls, X: Matrix, y: NDArray[np.int64], S: Matrix) -> _Solved:
        """Decompose the sides, each about its mean."""
        mean, origin = X.mean(axis=0), S.mean(axis=0)
        X, S = X - mean, S - origin
        values, U = spectrum(X)
        class_values, V = spectrum(S)
        turned = S @ V  # (c, r)
        signed = 2 * turned[y] - turned.sum(axis=0)  # Y S V, (n, r): 1 of the own class, else -1
        return cls(mean, origin, values, U, class_values, V, U.T @ (X.T @ signed))

    def weight(self, gamma: float, lambda_: float) -> Matrix:
        """Return W (d, m)."""
        middle = self.between / np.outer(self.values + gamma, self.class_values + lambda_)
        found: Matrix = self.vectors @ middle @ self.class_vectors.T
        return found

    def turned(self, X: Matrix, S: Matrix) -> _Turned:
        """Turn rows (n, d) and classes (k, m) to where all γ and λ are but weights."""
        return _Turned((X - self.mean) @ self.vectors, (S - self.origin) @ self.class_vectors, self)


class _Turned(NamedTuple):
    """Rows (n, r) and classes (k, q) in the coordinates of the eigenvectors."""

    rows: Matrix
    classes: Matrix
    solved: _Solved

    def scores(self, gamma: float, lambda_: float) -> Matrix:
        """Return xᵀ W s, (n, k)."""
        rows = self.rows / (self.solved.values + gamma)
        classes = self.classes / (self.solved.class_values + lambda_)
        found: Matrix = rows @ self.solved.between @ classes.T
        return found
