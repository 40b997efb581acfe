"""Denoising autoencoder: features that reconstruct unlabelled rows."""

from __future__ import annotations

import math
from typing import ClassVar, Literal, final

import torch
from torch import Tensor, nn

from fourfold.core.serialization import to_plain
from fourfold.methods.kit import (
    Batch,
    Data,
    Fitted,
    History,
    Needs,
    NonNegative,
    Positive,
    Problem,
    Recipe,
    TrainsNetwork,
    fit_head,
    seeded,
    supervise,
    train_by,
    train_once,
)
from fourfold.networks.mlp import Mlp

__all__ = ["Autoencoder"]


@final
class Autoencoder(TrainsNetwork):
    """Train a denoising autoencoder on unlabelled rows, and a linear model on its code.

    Noise is added to rows before they are encoded; the decoder, one linear layer that is dropped
    afterwards, reconstructs them without it. More units than a row has directions, and noise as
    strong as the rows, make features that a linear model can use; fewer units only compress, which
    helps no more than principal components do.

    Parameters
    ----------
    network
        The encoder; None: an MLP with one layer of 1000 units.
    noise
        Standard deviation of the noise on prepared inputs, whose own is about 1.
    tune
        ``"head"`` trains the last layer alone, ``"all"`` the encoder too.
    alpha
        L2 penalty of the linear model; None chooses by cross-validation on the labels.

    References
    ----------
    Vincent, Larochelle, Bengio & Manzagol, Extracting and Composing Robust Features with Denoising
    Autoencoders, ICML 2008.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> model = Autoencoder(recipe=Recipe(epochs=5)).fit(X[:50], y[:50], source=Domain(X[500:1000]))
    >>> model.score(X[50:500], y[50:500]) > 0.7
    True
    """

    noise: NonNegative = 1.0
    tune: Literal["head", "all"] = "head"
    alpha: Positive | None = None

    renamed: ClassVar[dict[str, str]] = {"strength": "alpha"}
    needs: ClassVar[Needs] = Needs(source=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20, min_steps=2000)

    def idle(self) -> dict[str, str]:
        return {"alpha": "tune='all'"} if self.tune == "all" else {}

    def _learn(self, problem: Problem) -> Fitted:
        task, recipe, known = problem.task, problem.recipe, problem.target.known()
        encoder = Mlp(hidden_layer_sizes=(1000,)) if self.network is None else None
        with seeded(problem.seed):
            body = problem.body(encoder)
            decoder = nn.Linear(body.width, math.prod(problem.inputs.shape))
            both = nn.ModuleList([body, decoder])
            key = problem.key(f"autoencoder, {to_plain(encoder)}, noise {self.noise}")
            encoded: list[History] = []  # stays empty where the encoder was kept
            source = problem.source_data
            train_once(both, key, lambda: encoded.append(self._encode(both, source, recipe)))
        model = problem.model(body.cpu().eval())
        if self.tune == "all":
            return Fitted(model, supervise(model, task, known, recipe))
        fit_head(model, task, known, self.alpha)
        return Fitted(model, next(iter(encoded), History()))

    def _encode(self, both: nn.ModuleList, source: Data, recipe: Recipe) -> History:
        """Minimize ‖x − decoder(body(x + noise))‖² over the source's rows."""
        body, decoder = both
        stages = dict(body.named_children())
        prepare = stages.pop("prepare", nn.Identity())

        def reconstruct(batch: Batch) -> Tensor:
            x: Tensor = prepare(batch.x).float()  # (B, ...)
            h = x + self.noise * torch.randn_like(x)
            for stage in stages.values():
                h = stage(h)
            error: Tensor = (decoder(h) - x.flatten(1)).square().mean()
            return error

        return train_by(reconstruct, both, source, recipe)
