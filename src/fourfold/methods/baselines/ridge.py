"""Ridge regression from inputs to descriptions: what any zero-shot method must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

from fourfold.core.closed import ridge
from fourfold.core.estimator import Needs
from fourfold.core.inference import in_blocks
from fourfold.core.parameters import Positive
from fourfold.core.training import Recipe
from fourfold.methods.described import DescribedEstimator, Embedded
from fourfold.methods.job import Model
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from fourfold.methods.described import Lesson
    from fourfold.methods.job import Job

__all__ = ["RidgeToDescriptions"]


@final
class RidgeToDescriptions(DescribedEstimator):
    """Predict the description by ridge regression, and take the class whose own is most like it.

    Descriptions are compared by the cosine about the seen classes' mean.

    On prepared inputs or frozen features, in closed form.

    Parameters
    ----------
    strength
        Of the L2 penalty, for standardized features.

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

    strength: Positive = 1.0

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def head_for(self, width: int, classes: int) -> Embedded:
        return Embedded(width, self.signature_width, classes, size=None, match="angle")

    def learn(self, job: Job, lesson: Lesson) -> Model:
        self.builder_ = Mlp(widths=())  # nothing but the inputs, flattened
        body = job.body()
        head = self.head_for(body.width, 1)
        features = in_blocks(body, lesson.data.rows)
        origin = lesson.signatures.mean(0)
        wanted = (lesson.signatures - origin)[lesson.data.y].numpy()  # (n, m)
        head.take(ridge(features, wanted, self.strength), origin=origin)
        return Model(body, head)
