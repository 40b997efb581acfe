"""ConSE: convex combination of the signatures of seen classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.methods.kit import (
    Fitted,
    Model,
    Needs,
    ParameterError,
    PositiveInt,
    Problem,
    Recipe,
    UsesRecipe,
    supervise,
)
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._label_heads import LabelHead
from fourfold.networks.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

__all__ = ["ConSE"]


@final
class ConSE(UsesRecipe, Describes):
    """Embed a row as the average signature of its likeliest seen classes.

    f(x) = Σ p(y|x) s(y) over these classes, compared to the signatures of the candidate classes by
    the cosine. Only a classifier of the seen classes is trained; a fitted one can be the source.

    Parameters
    ----------
    likeliest
        Number of seen classes in the average, T.

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
    network: nn.Module | Builder | str | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20)
    accepts_models: ClassVar[bool] = True
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> _Convex:
        return _Convex(width, len(state["seen_"]), signatures.width, classes, self.likeliest)

    def _recognize(self, problem: Problem, seen: SeenData, chosen: Any) -> Fitted:
        del chosen
        if seen.whole:
            classifier = problem.source_model
        else:
            body = problem.body()
            classifier = Model(body, nn.Linear(body.width, len(seen.signatures)))
            supervise(classifier, problem.known_source_task, seen.data, problem.recipe)
        head = classifier.head
        if not isinstance(head, nn.Linear):
            raise ParameterError(
                "the last layer of a classifier that ConSE stands on must be linear; got "
                f"{type(head).__name__}"
            )
        c, m = seen.signatures.shape
        convex = _Convex(classifier.body.width, c, m, 1, self.likeliest)
        convex.classifier.load_state_dict(head.state_dict())
        convex.signatures.copy_(seen.signatures)
        return Fitted(Model(classifier.body, convex))


@final
class _Convex(LabelHead):
    """cos(Σ p(y|x) s(y), s(z)) over the T likeliest seen classes y."""

    signatures: Tensor

    def __init__(self, width: int, seen: int, signature: int, classes: int, likeliest: int) -> None:
        super().__init__(classes, signature)
        self.classifier = nn.Linear(width, seen)
        self.likeliest = min(likeliest, seen)
        self.register_buffer("signatures", torch.zeros(seen, signature))

    def embed_inputs(self, features: Tensor) -> Tensor:
        likely = self.classifier(features).softmax(1)  # (B, c)
        p, which = likely.topk(self.likeliest, dim=1)  # (B, T)
        mixed = (p[..., None] * self.signatures[which]).sum(1)  # (B, m)
        return F.normalize(mixed)

    def embed_classes(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        return F.normalize(signatures), signatures.new_zeros(len(signatures))
