"""ConSE: a classifier of seen classes, and the average of what it names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import PositiveInt
from fourfold.errors import ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model, supervise
from fourfold.methods.zeroshot._described import DescribedEstimator, LabelHead
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson

__all__ = ["ConSE"]


@final
class ConSE(DescribedEstimator):
    """Place a row where the seen classes lie that a classifier takes it for, likelier ones more.

    f(x) = Σ p(y|x) s(y) over the likeliest seen classes, compared to the signatures of the classes
    that come into question by the cosine. Nothing is trained for it but a classifier of the seen
    classes; a fitted one can be the source, and then nothing is.

    Parameters
    ----------
    likeliest
        So many seen classes take part, T.

    References
    ----------
    Norouzi et al., Zero-Shot Learning by Convex Combination of Semantic Embeddings, ICLR 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> sizes = {0: [1.5, 0.2], 1: [4.3, 1.3], 2: [5.6, 2.0]}
    >>> model = ConSE().fit(X, source=Domain(X, y, classes=sizes))
    >>> model.predict(X[:2], among={"small": [1.0, 0.1], "large": [6.0, 2.5]}).tolist()
    ['small', 'small']
    """

    likeliest: PositiveInt = 10

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20)
    of_models: ClassVar[bool] = True

    def head_for(self, width: int, classes: int) -> _Convex:
        return _Convex(width, len(self.seen_), self.signature_width, classes, self.likeliest)

    def learn(self, job: Job, lesson: Lesson) -> Model:
        if lesson.whole:
            classifier = job.source_model
        else:
            body = job.body()
            classifier = Model(body, nn.Linear(body.width, len(lesson.signatures)))
            task = job.known_source_task
            supervise(classifier, task, lesson.data, job.recipe)
        head = classifier.head
        if not isinstance(head, nn.Linear):
            raise ParameterError(
                "the last layer of a classifier that ConSE stands on must be linear; got "
                f"{type(head).__name__}"
            )
        c, m = lesson.signatures.shape
        convex = _Convex(classifier.body.width, c, m, 1, self.likeliest)
        convex.classifier.load_state_dict(head.state_dict())
        convex.signatures.copy_(lesson.signatures)
        return Model(classifier.body, convex)


@final
class _Convex(LabelHead):
    """cos(Σ p(y|x) s(y), s(z)) over the T likeliest seen classes y."""

    signatures: Tensor

    def __init__(self, width: int, seen: int, signature: int, classes: int, likeliest: int) -> None:
        super().__init__(classes, signature)
        self.classifier = nn.Linear(width, seen)
        self.likeliest = min(likeliest, seen)
        self.register_buffer("signatures", torch.zeros(seen, signature))

    def place(self, features: Tensor) -> Tensor:
        likely = self.classifier(features).softmax(1)  # (B, c)
        p, which = likely.topk(self.likeliest, dim=1)  # (B, T)
        mixed = (p[..., None] * self.signatures[which]).sum(1)  # (B, m)
        return F.normalize(mixed)

    def label(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return F.normalize(signatures), signatures.new_zeros(len(signatures))
