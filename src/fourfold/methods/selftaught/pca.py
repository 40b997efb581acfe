"""A linear model on principal components of the inputs: structure without labels, linearly."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import torch
from sklearn.decomposition import PCA

from fourfold.core.parameters import Fraction, Positive, PositiveInt
from fourfold.data.rows import evenly
from fourfold.estimators.linear_head import teach
from fourfold.estimators.network import NetworkEstimator
from fourfold.frozen.blocks import in_blocks
from fourfold.networks.mlp import Mlp
from fourfold.networks.projection import Projection
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from fourfold.estimators.problem import Job, Model

__all__ = ["LinearPCA"]

MOST_ROWS: Final = 5000
"""Of each domain, that components are found from."""


@final
class LinearPCA(NetworkEstimator):
    """A linear model on the principal components of source and target inputs, without labels.

    Parameters
    ----------
    variance
        Share of the inputs' variance that the components hold.
    most
        Components at the most.
    strength
        Of the L2 penalty; None chooses by cross-validation on the labels.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> model = LinearPCA().fit(X[:100], y[:100], source=Domain(X[900:]))
    >>> model.score(X[100:900], y[100:900]) > 0.7
    True
    """

    variance: Fraction = 0.95
    most: PositiveInt = 200
    strength: Positive | None = None

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        self.builder_ = Mlp(hidden_layer_sizes=())
        domains = [job.target] if job.source is None else [job.source, job.target]
        some = [domain.rows.subset(evenly(domain.rows.n, MOST_ROWS)) for domain in domains]
        inputs = np.concatenate([in_blocks(job.body(), rows) for rows in some])
        found = PCA(min(self.most, *inputs.shape), random_state=job.seed).fit(inputs)
        held = np.cumsum(found.explained_variance_ratio_)
        n = min(int(np.searchsorted(held, self.variance)) + 1, len(held))
        self.builder_ = Projection(width=n)
        model = job.model(job.body())
        components = torch.from_numpy(found.components_[:n].astype(np.float32))
        centre = torch.from_numpy(found.mean_.astype(np.float32))
        projection = model.body.get_submodule("project")
        projection.load_state_dict({"weight": components, "bias": -components @ centre})
        trained = teach(model, job.task, job.target.known(), job.recipe, self.strength)
        if trained is not None:
            self.history_ = trained
        return model
