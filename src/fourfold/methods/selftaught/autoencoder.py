"""Self-taught learning by a network that must give back what it is given."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, Literal, final

import torch
from torch import Tensor, nn

from fourfold.core.parameters import NonNegative, Positive
from fourfold.core.process import seeded
from fourfold.estimators.contracts import Needs
from fourfold.estimators.linear_head import teach
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import Data, once, supervise
from fourfold.networks.mlp import Mlp
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model
    from fourfold.training.batches import Batch

__all__ = ["Autoencoder"]


@final
class Autoencoder(NetworkEstimator):
    """Train a network to give back unlabelled rows from few numbers; a linear model on these.

    Rows are disturbed before they are encoded and are to come back as they were (denoising). The
    decoder is one linear layer, which is thrown away. More units than a row has directions, and
    noise as strong as the rows, make features that a linear model can use; fewer units only
    compress, which helps no more than principal components do.

    Parameters
    ----------
    network
        The encoder; None: an MLP with one layer of 1000 units.
    noise
        Standard deviation of what is added to prepared inputs, whose own is about 1.
    tune
        ``"head"`` trains the last layer alone, ``"all"`` the encoder too.
    strength
        Of the L2 penalty of the linear model; None chooses by cross-validation on the labels.

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
    strength: Positive | None = None

    needs: ClassVar[Needs] = Needs(source=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20, min_steps=2000)

    def _learn(self, job: Job) -> Model:
        source, known = job.source_data, job.target.known()
        if self.network is None:
            self.builder_ = Mlp(hidden_layer_sizes=(1000,))
        recipe = job.recipe
        with seeded(job.seed):
            body = job.body()
            decoder = nn.Linear(body.width, math.prod(self.shape_))
            both = nn.ModuleList([body, decoder])
            key = job.key(recipe, f"autoencoder, noise {self.noise}")
            once(both, key, lambda: self._encode(both, source, recipe))
        model = job.model(body.cpu().eval())
        if self.tune == "all":
            self.history_ = supervise(model, job.task, known, job.recipe)
            return model
        trained = teach(model, job.task, known, job.recipe, self.strength)
        if trained is not None:
            self.history_ = trained
        return model

    def _encode(self, both: nn.ModuleList, source: Data, recipe: Recipe) -> None:
        """Minimize ‖x − decoder(body(x + noise))‖² over the source's rows."""
        body, decoder = both
        stages = dict(body.named_children())
        prepare = stages.pop("prepare", nn.Identity())

        def loss(_t: float, batch: Batch) -> Tensor:
            x: Tensor = prepare(batch.x).float()  # (B, ...)
            h = x + self.noise * torch.randn_like(x)
            for stage in stages.values():
                h = stage(h)
            lost: Tensor = (decoder(h) - x.flatten(1)).square().mean()
            return lost

        self.history_ = minimize(both, Phase(loss, both), source.table(), recipe=recipe)
