"""Two pictures of both domains: their inputs before, and the shipped model's features after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from sklearn.decomposition import PCA

from fourfold.study.result import Points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.prepare import Preparation
    from fourfold.domain import Domain

__all__ = ["pictures"]

MOST: Final = 300
"""Rows of a domain that are drawn."""


def pictures(model: Any, prepare: Preparation, source: Domain, target: Domain) -> list[Points]:
    """Draw rows of both domains in the plane of their two main directions.

    Parameters
    ----------
    model
        The shipped model, with ``embed``.
    prepare
        Fitted; its prepared inputs are the picture before.
    source, target
        The data; up to 300 evenly spread rows of each are drawn.
    """
    parts = [_some(source), _some(target)]
    inputs = [prepare.transform(part.rows).sample(MOST) for part in parts]
    features = [model.embed(part) for part in parts]
    return [
        _points("before: the prepared inputs", parts, inputs),
        _points("after: what the shipped model learnt", parts, features),
    ]


def _some(domain: Domain) -> Domain:
    if domain.n_rows <= MOST:
        return domain
    return domain.subset(np.linspace(0, domain.n_rows - 1, MOST).astype(np.intp))


def _points(title: str, parts: list[Domain], blocks: list[NDArray[np.float32]]) -> Points:
    flat = np.concatenate([block.reshape(len(block), -1) for block in blocks])
    directions = min(2, *flat.shape)
    plane = PCA(directions, random_state=0).fit_transform(flat.astype(np.float64))
    plane = np.pad(plane, ((0, 0), (0, 2 - directions)))
    return Points(
        title=title,
        x=plane[:, 0].round(4).tolist(),
        y=plane[:, 1].round(4).tolist(),
        source=[True] * len(blocks[0]) + [False] * len(blocks[1]),
        label=[name for part in parts for name in _names(part)],
    )


def _names(domain: Domain) -> list[str]:
    if domain.y is None or domain.y.ndim > 1 or len(domain.counts) > 30:
        return [""] * domain.n_rows
    return [str(y) if there else "" for y, there in zip(domain.y, domain.labelled, strict=True)]
