"""Rows of both domains in the plane: their prepared inputs, and the shipped model's features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from sklearn.decomposition import PCA

from fourfold.study.result import Points

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.preparation.choose import Preparation

__all__ = ["points_of", "sample_rows"]

MOST_ROWS: Final = 300
"""Of a domain."""
MOST_INPUTS: Final = 4096
"""Of a row; of more, evenly spread ones are taken."""
MOST_LABELS: Final = 30
"""Kinds of labels; with more, points have none."""


def points_of(
    preparation: Preparation, parts: Sequence[Domain], features: Sequence[NDArray[np.float32]]
) -> list[Points]:
    """Project inputs and features (n, d) of both domains on their two principal components."""
    inputs = [preparation.transform(part.rows).sample(MOST_ROWS) for part in parts]
    return [
        _points("before: the prepared inputs", parts, inputs),
        _points("after: what the shipped model learnt", parts, features),
    ]


def sample_rows(domain: Domain) -> Domain:
    """Return up to 300 rows of a domain, drawn by content."""
    if domain.n_rows <= MOST_ROWS:
        return domain
    return domain.subset(domain.rows.draw(MOST_ROWS))


def _points(title: str, parts: Sequence[Domain], blocks: Sequence[NDArray[np.float32]]) -> Points:
    flat = np.concatenate([block.reshape(len(block), -1) for block in blocks])
    flat = flat[:, :: max(1, flat.shape[1] // MOST_INPUTS)]
    directions = min(2, *flat.shape)
    plane = PCA(directions, random_state=0).fit_transform(flat.astype(np.float64))
    plane = np.pad(plane, ((0, 0), (0, 2 - directions)))
    return Points(
        title=title,
        x=plane[:, 0].round(4).tolist(),
        y=plane[:, 1].round(4).tolist(),
        source=[True] * len(blocks[0]) + [False] * len(blocks[1]),
        label=[name for part in parts for name in _labels(part)],
    )


def _labels(domain: Domain) -> list[str]:
    """Return the label of each row as text, empty where it has none."""
    if domain.y is None or domain.y.ndim > 1 or len(domain.counts) > MOST_LABELS:
        return [""] * domain.n_rows
    return [str(y) if there else "" for y, there in zip(domain.y, domain.labelled, strict=True)]
