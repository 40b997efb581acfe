"""Label embedding: inputs and descriptions in one space, where a row lies by its class."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias, final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.linear import canonical_correlations, ridge
from fourfold.core.parameters import NonNegative, Positive, PositiveInt
from fourfold.estimators.contracts import Needs
from fourfold.estimators.problem import Model
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._described import DescribedEstimator, Embedded, Match
from fourfold.networks.mlp import Mlp
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from fourfold.estimators.problem import Job
    from fourfold.methods.zeroshot._described import Lesson
    from fourfold.networks.builder import Body
    from fourfold.training.batches import Batch

    Loss = Callable[[float, Batch], Tensor]

__all__ = ["LabelEmbedding"]

Over: TypeAlias = Literal["hardest", "all", "ranked"]

TINY: Final = 1e-6
"""Of a penalty, where none is asked for: enough that equations can be solved."""


@final
class LabelEmbedding(DescribedEstimator):
    """Place inputs, f(x), and classes, g(y), in one space; a row's class is what it lies at.

    ``loss="squared"`` minimizes Σ‖f(x) − g(y)‖². With g fixed, the description itself, that is a
    regression. With both free, f = g = constant would be best, so both are kept at unit covariance,
    which is canonical correlation analysis, in closed form; below it a network, if there is one, is
    trained for the largest correlations.

    ``loss="max_margin"`` asks that a row lies nearer to its own class than to the wrong ones, by a
    margin: Σ max(0, k − f(x)·g(y) + max over wrong z of f(x)·g(z)), all of unit length. Training
    starts from the squared loss's closed form.

    Parameters
    ----------
    loss
        Which.
    labels
        ``"fixed"``: g(y) is the description, about the seen classes' mean; ``"learned"``: a linear
        map of it.
    size
        Of the common space, where labels are learned; squared loss needs no more than there are
        seen classes, less one.
    margin
        k, for vectors of unit length.
    over
        Which wrong classes count: the ``"hardest"`` (Crammer & Singer, SJE); ``"all"``, the sum
        over them (DeViSE); ``"ranked"``, that sum weighted by Σ 1/i up to the rank of the right
        one, over the rank (ALE).
    strength
        Of the closed form: where labels are fixed, of the L2 penalty, times the number of rows;
        where they are learned, the share of its average variance that is added to a view's
        covariance.
    network
        What f is, below a linear map; None: nothing, f is linear.

    References
    ----------
    Frome et al., DeViSE: A Deep Visual-Semantic Embedding Model, NIPS 2013. Akata et al.,
    Label-Embedding for Image Classification, TPAMI 2016; Evaluation of Output Embeddings for
    Fine-Grained Image Classification, CVPR 2015. Andrew et al., Deep Canonical Correlation
    Analysis, ICML 2013.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> pictures = np.hstack([X[:898], X[898:1796]])  # two digits side by side
    >>> names = np.array([f"{a}{b}" for a, b in zip(y[:898], y[898:1796])])
    >>> classes = {name: {"left": name[0], "right": name[1]} for name in names}
    >>> new = y[:898] == y[898:1796]  # 00, 11, ... have no examples
    >>> source = Domain(pictures[~new], names[~new], classes=classes)
    >>> target = Domain(pictures[new], classes={name: classes[name] for name in names[new]})
    >>> model = LabelEmbedding(loss="squared").fit(target, source=source)
    >>> len(model.classes_), model.score(pictures[new], names[new]) > 0.9
    (10, True)
    """

    loss: Literal["squared", "max_margin"] = "max_margin"
    labels: Literal["fixed", "learned"] = "fixed"
    size: PositiveInt = 32
    margin: Positive = 0.1
    over: Over = "hardest"
    strength: NonNegative = 0.1

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=30, learning_rate=3e-3, weight_decay=1e-2)

    def head_for(self, width: int, classes: int) -> Embedded:
        size = self.size if self.labels == "learned" else None
        match: Match = "distance" if self.loss == "squared" and size is not None else "angle"
        return Embedded(width, self.signature_width, classes, size=size, match=match)

    def learn(self, job: Job, lesson: Lesson) -> Model:
        linear = self.network is None
        if linear:
            self.builder_ = Mlp(hidden_layer_sizes=())  # f is a linear map of the inputs, flattened
        body = job.body()
        head = self.head_for(body.width, 1)
        head.origin.copy_(lesson.signatures.mean(0))
        model = Model(body, head)
        if self.loss == "squared" and self.labels == "learned":
            self._correlate(body, lesson, job.recipe)
        self._start(body, head, lesson)
        if self.loss == "max_margin" or (self.labels == "fixed" and not linear):
            part = self._margins if self.loss == "max_margin" else self._distances
            table = lesson.data.table(torch.from_numpy(_wanted(head, lesson)))
            phase = Phase(part(body, head, lesson), model)
            self.history_ = minimize(model, phase, table, recipe=job.recipe)
        return model

    def _start(self, body: Body, head: Embedded, lesson: Lesson) -> None:
        """Take the squared loss's closed form on the features; training starts from it."""
        features, wanted = in_blocks(body, lesson.data.rows), _wanted(head, lesson)
        if self.labels == "fixed":
            head.take(ridge(features, wanted, (self.strength or TINY) * len(features)))
        else:
            f, g, _ = canonical_correlations(features, wanted, self.size, self.strength)
            head.take(f.padded(self.size), g.padded(self.size))

    def _correlate(self, body: Body, lesson: Lesson, recipe: Recipe) -> None:
        """Train a network, if there is one, for large canonical correlations."""
        if not any(part.requires_grad for part in body.parameters()):
            return

        def loss(_t: float, batch: Batch) -> Tensor:
            return -correlation(body(batch.x), batch.z, self.strength or TINY)

        table = lesson.data.table(lesson.signatures[lesson.data.y])
        self.history_ = minimize(body, Phase(loss, body), table, recipe=recipe)

    def _margins(self, body: Body, head: Embedded, lesson: Lesson) -> Loss:
        """Max margin: the right class above the wrong ones."""

        def loss(_t: float, batch: Batch) -> Tensor:
            labels, _ = head.label(lesson.signatures.to(batch.y.device))  # (c, e)
            scores = head.place(body(batch.x)) @ labels.T  # (B, c)
            return hinges(scores, batch.y, self.margin, self.over).mean()

        return loss

    @staticmethod
    def _distances(body: Body, head: Embedded, _lesson: Lesson) -> Loss:
        """Squared loss, labels fixed."""

        def loss(_t: float, batch: Batch) -> Tensor:
            placed: Tensor = head.f(body(batch.x))  # (B, m)
            return (placed - batch.z).square().sum(1).mean()

        return loss


def _wanted(head: Embedded, lesson: Lesson) -> NDArray[np.float32]:
    """Return for each row its class's signature, about the seen classes' mean: (n, m)."""
    return (lesson.signatures - head.origin)[lesson.data.y].numpy()


def hinges(scores: Tensor, y: Tensor, margin: float, over: Over) -> Tensor:
    """Return each row's loss, (B,), for scores (B, c) of all classes and the right ones (B,)."""
    right = F.one_hot(y, scores.shape[1]).bool()
    violations = (margin + scores - scores[right][:, None]).clamp(min=0)
    violations = violations.masked_fill(right, 0.0)  # (B, c)
    if over == "hardest":
        return violations.max(1).values
    if over == "all":
        return violations.sum(1)
    rank = (violations > 0).sum(1)  # of the right class, its margin taken off
    harmonic = (1 / torch.arange(1, scores.shape[1] + 1, device=scores.device)).cumsum(0)
    weight = harmonic[(rank - 1).clamp(min=0)] / rank.clamp(min=1)
    return weight * violations.sum(1)


def correlation(a: Tensor, b: Tensor, strength: float) -> Tensor:
    """Return the sum of the canonical correlations of two views of a batch, (B, d) and (B, m)."""
    a, b = a - a.mean(0), b - b.mean(0)
    white = [_whitened(view, strength) for view in (a, b)]
    correlations: Tensor = torch.linalg.svdvals(white[0].T @ white[1] / len(a))
    return correlations.sum()


def _whitened(view: Tensor, strength: float) -> Tensor:
    """Return a centred view (B, d) in coordinates of about unit covariance."""
    covariance = view.T @ view / len(view)
    added = strength * covariance.diagonal().mean() + TINY
    root = torch.linalg.cholesky(covariance + added * torch.eye(len(covariance)).to(view))
    whitened: Tensor = torch.linalg.solve_triangular(root, view.T, upper=False)
    return whitened.T
