"""Label embedding: inputs and classes in one space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, final

import torch
from torch import Tensor, nn

from fourfold.algorithms.linear import canonical_correlations, ridge
from fourfold.methods.kit import (
    Batch,
    Body,
    Fitted,
    Flat,
    History,
    Model,
    Needs,
    NonNegative,
    ParameterError,
    Positive,
    PositiveInt,
    Problem,
    Recipe,
    UsesRecipe,
    in_blocks,
    train_by,
)
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._label_heads import (
    TINY,
    EmbeddingHead,
    Match,
    Over,
    correlation,
    hinges,
)
from fourfold.methods.zeroshot._towers import NETWORK, tower_state
from fourfold.networks.builder import Builder

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

__all__ = ["LabelEmbedding"]

LEARNT: Final = ("loss", "labels", "size", "margin", "over", "alpha", "generalized")
"""Parameters of maps that are to be learnt."""


@final
class LabelEmbedding(UsesRecipe, Describes):
    """Embed inputs, f(x), and classes, g(y), in one space, and predict the nearest class.

    ``loss="squared"`` minimizes Σ‖f(x) − g(y)‖². With g fixed, the description itself, that is a
    regression. With both free, f = g = constant would be best, so both are kept at unit covariance:
    canonical correlation analysis, in closed form; a network below it, if there is one, is trained
    for the largest correlations.

    ``loss="max_margin"`` puts a row nearer to its own class than to the wrong ones, by a margin:
    Σ max(0, k − f(x)·g(y) + max over wrong z of f(x)·g(z)), all of unit length. Training starts
    from the closed form of the squared loss.

    A network of two towers, such as CLIP, as the source has learnt both maps already: pictures and
    names of classes are compared as it does, and nothing is trained.

    Parameters
    ----------
    loss
        ``"squared"`` or ``"max_margin"``.
    labels
        ``"fixed"``: g(y) is the description, about the seen classes' mean; ``"learned"``: a linear
        map of it.
    size
        Of the common space, where labels are learned; squared loss needs at most one less than
        there are seen classes.
    margin
        k, for vectors of unit length.
    over
        Wrong classes in the loss: the ``"hardest"`` (Crammer & Singer, SJE); ``"all"``, the sum
        over them (DeViSE); ``"ranked"``, that sum weighted by Σ 1/i up to the rank of the right
        one, over the rank (ALE).
    alpha
        Penalty of the closed form: where labels are fixed, the L2 penalty over the number of rows;
        where they are learned, the share of its average variance that is added to a view's
        covariance.
    network
        Network of f below a linear map; None: f is linear.

    References
    ----------
    Frome et al., DeViSE: A Deep Visual-Semantic Embedding Model, NIPS 2013. Akata et al.,
    Label-Embedding for Image Classification, TPAMI 2016; Evaluation of Output Embeddings for
    Fine-Grained Image Classification, CVPR 2015. Andrew et al., Deep Canonical Correlation
    Analysis, ICML 2013. Radford et al., Learning Transferable Visual Models From Natural Language
    Supervision, ICML 2021.

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
    alpha: NonNegative = 0.1
    network: nn.Module | Builder | str | None = None

    renamed: ClassVar[dict[str, str]] = {"strength": "alpha"}
    needs: ClassVar[Needs] = Needs(
        source=True,
        source_labels=True,
        target_labels=False,
        classes=True,
        described=True,
        network=True,
    )
    uses_weights: ClassVar[bool] = False
    accepts_towers: ClassVar[bool] = True
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = Recipe(epochs=30, learning_rate=3e-3, weight_decay=1e-2)

    def idle(self) -> dict[str, str]:
        found = {"size": "labels='fixed'"} if self.labels == "fixed" else {}
        if self.loss == "squared":
            found |= dict.fromkeys(("margin", "over"), "loss='squared'")
            if self.network is None:
                found["recipe"] = "loss='squared' without a network"
        return found

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> EmbeddingHead:
        size = self.size if self.labels == "learned" else None
        match: Match = "distance" if self.loss == "squared" and size is not None else "angle"
        scale = state[NETWORK]["scale"] if NETWORK in state else 1.0
        return EmbeddingHead(width, signatures.width, classes, size=size, match=match, scale=scale)

    def _recognize(self, problem: Problem, seen: SeenData, chosen: Any) -> Fitted:
        del chosen
        if (pair := problem.pair) is not None:
            return self._as_learnt(problem, pair.towers().projection)
        linear = self.network is None
        body = problem.body(Flat() if linear else None)
        head = self.label_head(body.width, 1, problem.described.signatures, {})
        head.origin.copy_(seen.signatures.mean(0))
        model, history = Model(body, head), History()
        if self.loss == "squared" and self.labels == "learned" and not linear:
            history = self._correlate(body, seen, problem.recipe)
        self._solve(body, head, seen)
        if self.loss == "max_margin" or (self.labels == "fixed" and not linear):
            history = self._train(model, head, seen, problem.recipe)
        return Fitted(model, history)

    def _as_learnt(self, problem: Problem, projection: Tensor) -> Fitted:
        """Return the maps of a pair of towers: f is its projection of pictures, without a bias."""
        settled = [name for name in LEARNT if self.is_changed(name)]
        if settled:
            raise ParameterError(
                f"{settled[0]} of LabelEmbedding must be left out beside a network of two towers, "
                f"whose maps are learnt; got {getattr(self, settled[0])!r}"
            )
        body, signatures = problem.source_model.body, problem.described.signatures
        head = self.label_head(body.width, 1, signatures, tower_state(problem))
        head.f.load_state_dict({"weight": projection, "bias": torch.zeros(len(projection))})
        return Fitted(Model(body, head))

    def _solve(self, body: Body, head: EmbeddingHead, seen: SeenData) -> None:
        """Load the closed form of the squared loss on the features; training starts from it."""
        features = in_blocks(body, seen.data.rows)
        wanted = (seen.signatures - head.origin)[seen.data.y].numpy()  # (n, m)
        if self.labels == "fixed":
            head.load(ridge(features, wanted, (self.alpha or TINY) * len(features)))
        else:
            f, g, _ = canonical_correlations(features, wanted, self.size, self.alpha)
            head.load(f.padded(self.size), g.padded(self.size))

    def _correlate(self, body: Body, seen: SeenData, recipe: Recipe) -> History:
        """Train a network for large canonical correlations."""
        if not any(part.requires_grad for part in body.parameters()):
            return History()

        def loss(batch: Batch) -> Tensor:
            signatures = seen.signatures.to(batch.x.device)[batch.y]
            return -correlation(body(batch.x), signatures, self.alpha or TINY)

        return train_by(loss, body, seen.data, recipe)

    def _train(self, model: Model, head: EmbeddingHead, seen: SeenData, recipe: Recipe) -> History:
        """Train by margins, or by the squared distance to fixed labels."""

        def margins(batch: Batch) -> Tensor:
            labels, _ = head.embed_classes(seen.signatures.to(batch.y.device))  # (c, e)
            scores = head.embed_inputs(model.body(batch.x)) @ labels.T  # (B, c)
            return hinges(scores, batch.y, self.margin, self.over).mean()

        def distances(batch: Batch) -> Tensor:
            wanted = (seen.signatures.to(batch.x.device) - head.origin)[batch.y]  # (B, m)
            lost: Tensor = (head.f(model.body(batch.x)) - wanted).square().sum(1).mean()
            return lost

        loss = margins if self.loss == "max_margin" else distances
        return train_by(loss, model, seen.data, recipe)
