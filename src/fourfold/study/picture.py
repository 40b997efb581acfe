"""Two pictures of both domains: their inputs before, and the shipped model's features after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.decomposition import PCA

from fourfold.data.rows import evenly
from fourfold.study.result import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.preparation.choose import Preparation

__all__ = ["drawn", "pictures"]

MOST: Final = 300
"""Rows of a domain that are drawn."""
WIDEST: Final = 4096
"""About so many inputs of a row count for the picture before."""


def pictures(
    prepare: Preparation, parts: Sequence[Domain], features: Sequence[NDArray[np.float32]]
) -> list[Points]:
    """Draw rows of both domains in the plane of their two main directions.

    Parameters
    ----------
    prepare
        Fitted; its prepared inputs are the picture before.
    parts
        The rows of the source and of the target that are drawn, as :func:`drawn` returns them.
    features
        What the shipped model makes of each, (n, d).
    """
    inputs = [prepare.transform(part.rows).sample(MOST) for part in parts]
    return [
        _points("before: the prepared inputs", parts, inputs),
        _points("after: what the shipped model learnt", parts, features),
    ]


def drawn(domain: Domain) -> Domain:
    """Return up to 300 rows of a domain, evenly spread."""
    if domain.n_rows <= MOST:
        return domain
    return domain.subset(evenly(domain.n_rows, MOST))


def _points(title: str, parts: Sequence[Domain], blocks: Sequence[NDArray[np.float32]]) -> Points:
    flat = np.concatenate([block.reshape(len(block), -1) for block in blocks])
    flat = flat[:, :: max(1, flat.shape[1] // WIDEST)]  # of large pictures, every so many pixels
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
