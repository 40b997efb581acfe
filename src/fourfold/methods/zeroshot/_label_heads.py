"""Label heads: last layers that score classes by their signatures, and losses of embeddings."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.linear import cholesky_whitened

if TYPE_CHECKING:
    from fourfold.algorithms.linear import Affine
    from fourfold.estimators.model import Model

__all__ = [
    "TINY",
    "EmbeddingHead",
    "InputEmbedding",
    "LabelHead",
    "Match",
    "Over",
    "correlation",
    "head_of",
    "hinges",
]

Match: TypeAlias = Literal["product", "angle", "distance"]
Over: TypeAlias = Literal["hardest", "all", "ranked"]

TINY: Final = 1e-6
"""Least penalty, so that equations can be solved."""


class LabelHead(nn.Module, ABC):
    """Scores f(x)·g(y) + b(y) of features (B, d) for classes that are known by signatures.

    ``labels`` (k, e) and ``bias`` (k,) are g(y) and b(y) of the candidate classes.
    """

    labels: Tensor
    bias: Tensor

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.register_buffer("labels", torch.zeros(classes, width))
        self.register_buffer("bias", torch.zeros(classes))

    @abstractmethod
    def embed_inputs(self, features: Tensor) -> Tensor:
        """Return f(x), (B, e), of features (B, d)."""

    @abstractmethod
    def embed_classes(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        """Return g(y), (k, e), and b(y), (k,), of signatures (k, m)."""

    @final
    def set_classes(self, signatures: Tensor, penalty: Tensor | float = 0.0) -> None:
        """Set the candidate classes by signatures (k, m), with penalties (k,) on their scores."""
        with torch.no_grad():
            labels, bias = self.embed_classes(signatures)
        self.labels, self.bias = labels.detach(), (bias - penalty).detach()

    def forward(self, features: Tensor) -> Tensor:
        return self.embed_inputs(features) @ self.labels.T + self.bias  # (B, k)


@final
class InputEmbedding(nn.Module):
    """A model up to f(x): rows (B, ...) to (B, e)."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.body, self.head = model.body, head_of(model)

    def forward(self, x: Tensor) -> Tensor:
        return self.head.embed_inputs(self.body(x))


@final
class EmbeddingHead(LabelHead):
    """Linear embeddings of inputs and classes in one space.

    Parameters
    ----------
    width, signature, classes
        Numbers of features, d, of a signature's numbers, m, and of candidate classes, k.
    size
        Of the common space, e; None: signatures are their own embedding, e = m.
    match
        Comparison of f(x) and g(y): ``"product"``, f·g; ``"angle"``, both of unit length;
        ``"distance"``, −½‖f − g‖² up to a constant of each row.
    scale
        Factor of the cosines.
    """

    origin: Tensor
    """(m,) subtracted from signatures first."""

    def __init__(
        self,
        width: int,
        signature: int,
        classes: int,
        *,
        size: int | None,
        match: Match,
        scale: float = 1.0,
    ) -> None:
        super().__init__(classes, signature if size is None else size)
        self.register_buffer("origin", torch.zeros(signature))
        self.f = nn.Linear(width, signature if size is None else size)
        self.g = nn.Identity() if size is None else nn.Linear(signature, size)
        self.match, self.scale = match, scale

    def embed_inputs(self, features: Tensor) -> Tensor:
        embedded: Tensor = self.f(features)
        return F.normalize(embedded) if self.match == "angle" else embedded

    def embed_classes(self, signatures: Tensor) -> tuple[Tensor, Tensor]:
        embedded = self.g(signatures - self.origin)
        if self.match == "angle":
            embedded = self.scale * F.normalize(embedded)
        bias = embedded.new_zeros(len(embedded))
        return embedded, bias - embedded.square().sum(1) / 2 if self.match == "distance" else bias

    def load(self, f: Affine, g: Affine | None = None, *, origin: Tensor | None = None) -> None:
        """Load maps that were found in closed form."""
        if origin is not None:
            self.origin.copy_(origin)
        for layer, found in ((self.f, f), (self.g, g)):
            if isinstance(layer, nn.Linear) and found is not None:
                layer.weight = nn.Parameter(torch.from_numpy(found.weight.T.copy()).float())
                layer.bias = nn.Parameter(torch.from_numpy(found.bias).float())


def head_of(model: Model) -> LabelHead:
    """Return the label head of a model."""
    if not isinstance(model.head, LabelHead):
        raise TypeError(f"a zero-shot model must end in a LabelHead; got {type(model.head)}")
    return model.head


def hinges(scores: Tensor, y: Tensor, margin: float, over: Over) -> Tensor:
    """Return each row's loss, (B,), for scores (B, c) of all classes and true ones (B,)."""
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


def correlation(a: Tensor, b: Tensor, alpha: float) -> Tensor:
    """Return the sum of the canonical correlations of two views of a batch, (B, d) and (B, m)."""
    a, b = a - a.mean(0), b - b.mean(0)
    white = [cholesky_whitened(view, alpha) for view in (a, b)]
    correlations: Tensor = torch.linalg.svdvals(white[0].T @ white[1] / len(a))
    return correlations.sum()
