"""Features: rows as points in which near ones are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.preprocessing import normalize

from fourfold.estimators.preparing import fitted_to
from fourfold.methods import find
from fourfold.preparation.choose import default_preparation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sklearn.frozen import FrozenEstimator

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.picking.material import Material
    from fourfold.preparation.choose import Preparation

    Prepare: TypeAlias = Preparation | FrozenEstimator | None

__all__ = ["Points", "directions", "features_of", "source_model"]

Points: TypeAlias = NDArray[np.floating[Any]]
"""Features of rows, (n, d)."""

COMPONENTS: Final = 50
SAMPLE: Final = 1000
"""Rows of a domain that principal components are fitted to, at most."""
MOST_INPUTS: Final = 20_000
"""Numbers of a row; of more, evenly spread ones are taken."""


def source_model(material: Material, prepare: Prepare, seed: int) -> TransferEstimator | None:
    """Return a model of the sources, or the given one; None without any."""
    if not material.sources:
        return material.trained
    model: TransferEstimator = find("SourceOnly").load()(prepare=prepare, random_state=seed)
    return model.fit(material.whole.unlabelled(), source=list(material.sources))


def features_of(
    domains: Sequence[Domain], model: TransferEstimator | None, prepare: Prepare, seed: int
) -> tuple[Points, str]:
    """Return features of all rows as directions from their mean, (n, d), and their name.

    They are a model's, or, without one, up to 50 principal components of the prepared inputs.
    """
    if model is not None:
        embedded = np.concatenate([model.embed(domain) for domain in domains])
        return directions(embedded), f"features of {type(model).__name__}"
    return directions(_components(domains, prepare, seed)), "principal components of the inputs"


def _components(domains: Sequence[Domain], prepare: Prepare, seed: int) -> Points:
    rows = [domain.rows for domain in domains]
    fitted, _ = fitted_to(rows, prepare or default_preparation(*rows), None)
    prepared = [fitted.transform(part) for part in rows]
    sample = np.concatenate([_flat(part.sample(SAMPLE)) for part in prepared])
    k = min(COMPONENTS, *sample.shape)
    axes = PCA(k, svd_solver="randomized", random_state=seed).fit(sample)
    blocks = (_flat(block) for part in prepared for block in part.blocks())
    return np.concatenate([axes.transform(block) for block in blocks])


def directions(points: Points) -> Points:
    """Return unit vectors from the mean of all points, (n, d).

    Examples
    --------
    >>> directions(np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]])).round(2)
    array([[-0.71, -0.71],
           [ 0.71, -0.71],
           [ 0.  ,  1.  ]])
    """
    return np.asarray(normalize(points - points.mean(axis=0)))


def _flat(block: Any) -> Points:
    flat = np.asarray(block, np.float32).reshape(len(block), -1)
    return flat[:, :: -(-flat.shape[1] // MOST_INPUTS)]
