"""Ridge regression from inputs to descriptions: what any zero-shot method must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
from sklearn.metrics import balanced_accuracy_score
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.linear import ridge, ridge_path
from fourfold.algorithms.selection import central_choice
from fourfold.core.parameters import Positive
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._described import DescribedEstimator, Embedded
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson
    from fourfold.networks.builder import Body

__all__ = ["RidgeToDescriptions"]

STRENGTHS: Final = tuple(10.0**i for i in range(6))


@final
class RidgeToDescriptions(DescribedEstimator):
    """Predict the description by ridge regression, and take the class whose own is most like it.

    Descriptions are compared by the cosine about the seen classes' mean.

    On prepared inputs or frozen features, in closed form.

    Parameters
    ----------
    strength
        Of the L2 penalty, for standardized features. None: 1 to 10⁵ are tried on seen classes that
        are held out.

    Attributes
    ----------
    strength_
        What was taken.

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

    strength: Positive | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    plain: ClassVar[tuple[str, ...]] = (*DescribedEstimator.plain, "strength_")

    def head_for(self, width: int, classes: int) -> Embedded:
        return Embedded(width, self.signature_width, classes, size=None, match="angle")

    def choose(self, job: Job, lesson: Lesson) -> None:
        self.builder_ = Mlp(hidden_layer_sizes=())  # nothing but the inputs, flattened
        if self.strength is not None:
            self.strength_ = self.strength
            return
        rates = [
            _rates(job.body(), rest, held)
            for rest, held in lesson.practices(self.random_state, lesson.times)
        ]
        self.strength_ = STRENGTHS[central_choice(np.array(rates))[0]] if rates else STRENGTHS[0]

    def learn(self, job: Job, lesson: Lesson) -> Model:
        body = job.body()
        head = self.head_for(body.width, 1)
        features, wanted, origin = _sides(body, lesson)
        head.take(ridge(features, wanted, self.strength_), origin=origin)
        return Model(body, head)


def _sides(body: Body, lesson: Lesson) -> tuple[NDArray[np.float32], NDArray[np.float32], Tensor]:
    """Return features (n, d), their classes' signatures about the mean (n, m), and that (m,)."""
    origin = lesson.signatures.mean(0)
    wanted = (lesson.signatures - origin)[lesson.data.y].numpy()
    return in_blocks(body, lesson.data.rows), wanted, origin


def _rates(body: Body, rest: Lesson, held: Lesson) -> list[float]:
    """Rate each strength by how well held-out classes are recognized, averaged over these."""
    features, wanted, origin = _sides(body, rest)
    labels = F.normalize(held.signatures - origin).double().numpy()  # (k, m)
    asked, true = in_blocks(body, held.data.rows), held.data.y.numpy()
    return [
        float(balanced_accuracy_score(true, ((asked @ f.weight + f.bias) @ labels.T).argmax(1)))
        for f in ridge_path(features, wanted, STRENGTHS)
    ]
