"""Baseline: a linear model on principal components of the inputs."""

from __future__ import annotations

from typing import ClassVar, Final, final

import numpy as np
import torch
from sklearn.decomposition import PCA

from fourfold.methods.kit import (
    FitsHead,
    Fitted,
    Flat,
    Fraction,
    PositiveInt,
    Problem,
    fit_head,
    in_blocks,
)
from fourfold.networks.mlp import Projection

__all__ = ["LinearPCA"]

MOST_ROWS: Final = 5000
"""Rows of each domain that components are fitted on."""


@final
class LinearPCA(FitsHead):
    """Fit a linear model on the principal components of source and target inputs.

    Parameters
    ----------
    variance
        Share of the inputs' variance that the components explain.
    n_components
        Largest number of components.

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
    n_components: PositiveInt = 200

    renamed: ClassVar[dict[str, str]] = {"most": "n_components", **FitsHead.renamed}

    def _learn(self, problem: Problem) -> Fitted:
        known = problem.target.known()
        sources = [] if problem.source is None else [problem.source_data]
        rows = [data.rows for data in (*sources, problem.target)]
        some = [part.subset(part.draw(MOST_ROWS)) for part in rows]
        inputs = np.concatenate([in_blocks(problem.body(Flat()), part) for part in some])
        found = PCA(min(self.n_components, *inputs.shape), random_state=problem.seed).fit(inputs)
        explained = np.cumsum(found.explained_variance_ratio_)
        n = min(int(np.searchsorted(explained, self.variance)) + 1, len(explained))
        model = problem.model(problem.body(Projection(width=n)))
        components = torch.from_numpy(found.components_[:n].astype(np.float32))
        centre = torch.from_numpy(found.mean_.astype(np.float32))
        projection = model.body.get_submodule("project")
        projection.load_state_dict({"weight": components, "bias": -components @ centre})
        fit_head(model, problem.task, known, self.alpha)
        return Fitted(model)
