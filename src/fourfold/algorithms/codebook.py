"""Codebooks: numbers and picture patches as counts of words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Self, final

import annotated_types as at
import numpy as np
import torch
from scipy import sparse
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn

from fourfold.algorithms.clustering.kmeans import k_means
from fourfold.core.parameters import Parameters
from fourfold.data.rows import as_rows
from fourfold.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["Codebook", "CodebookLayer", "PatchCodebook"]

MOST_ROWS: Final = 20_000
"""Largest number of rows of a set that words are chosen on."""
MOST_PATCHES: Final = 10_000
"""Largest number of patches that words are learnt from."""


@final
class CodebookLayer(nn.Module):
    """Count numbers (B, d) by the words of a codebook: (B, d · w) ≥ 0, with row sums d.

    Words are (d, w), those of a feature ascending. Numbers above top (d,) are clipped.
    """

    words: Tensor
    top: Tensor

    def __init__(self, words: Tensor, top: Tensor) -> None:
        super().__init__()
        self.register_buffer("words", words)
        self.register_buffer("top", top)

    @classmethod
    def blank(cls, d: int, w: int) -> CodebookLayer:
        """Return a layer for d features of w words each, whose words are loaded later."""
        return cls(torch.arange(w, dtype=torch.float32).repeat(d, 1), torch.full((d,), float(w)))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.minimum(x.float(), self.top).unsqueeze(-1)  # (B, d, 1)
        low, high = self.words[:, :-1], self.words[:, 1:]
        beyond = ((x - low) / (high - low)).clamp(0, 1)  # (B, d, w − 1), descending
        ones, zeros = torch.ones_like(x), torch.zeros_like(x)
        counts = torch.cat([ones, beyond], -1) - torch.cat([beyond, zeros], -1)
        return counts.flatten(1)


@final
class Codebook(TransformerMixin, Parameters):
    """Count continuous features by words, so that co-occurrence methods can use them.

    A feature's words are quantiles of its numbers. A number between two words is shared between
    them by linear interpolation; a number beyond the outermost word counts for that word.

    Parameters
    ----------
    n_words
        Largest number of words of a feature; at most its number of distinct values.

    Attributes
    ----------
    words_
        (d, n_words), ascending; unused words of a feature lie above all numbers.
    top_
        (d,) the last word in use.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.array([[-1.0], [0.0], [0.25], [1.0]])
    >>> Codebook(n_words=2).fit_transform(X)
    array([[1.   , 0.   ],
           [0.5  , 0.5  ],
           [0.375, 0.625],
           [0.   , 1.   ]], dtype=float32)
    """

    n_words: Annotated[int, at.Ge(2)] = 8

    def fit(self, X: Any, y: object = None) -> Self:
        """Choose the words on rows (n, d); labels are ignored."""
        del y
        return self.fit_rows(as_rows(X))

    def fit_rows(self, *rows: Rows) -> Self:
        """Choose words on several sets of rows, each with the same weight.

        Raises
        ------
        DataError
            If a row is not a vector, or the sets differ in their number of features.
        """
        self.check()
        shapes = {part.shape for part in rows}
        if len(shapes) > 1 or len(rows[0].shape) != 1:
            raise DataError(f"a codebook must be given rows of one shape (d,); got {shapes}")
        self.fit_samples([np.asarray(part.sample(MOST_ROWS), np.float32) for part in rows])
        return self

    def fit_samples(self, samples: list[NDArray[np.float32]]) -> None:
        """Choose words on samples (n, d) of each set of rows."""
        levels = np.linspace(0, 1, self.n_words)
        found = np.mean([np.quantile(x, levels, axis=0) for x in samples], axis=0).T
        found[:, 0] = np.min([x.min(axis=0) for x in samples], axis=0)
        found[:, -1] = np.max([x.max(axis=0) for x in samples], axis=0)
        words = [_distinct(column, self.n_words) for column in found.astype(np.float32)]
        self.words_: NDArray[np.float32] = np.stack([padded for padded, _ in words])
        self.top_: NDArray[np.float32] = np.array([top for _, top in words], np.float32)

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Count rows (n, d): (n, d · n_words).

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If rows have another number of features.
        """
        check_is_fitted(self)
        rows = as_rows(X)
        if rows.shape != (len(self.words_),):
            raise DataError(
                f"X has rows of shape {rows.shape}, but Codebook is expecting "
                f"{len(self.words_)} features"
            )
        with torch.inference_mode():
            module = self.module()
            parts = [module(torch.tensor(np.asarray(part, np.float32))) for part in rows.blocks()]
        return torch.cat(parts).numpy()

    def module(self) -> CodebookLayer:
        """Return the transform as a layer of a network."""
        check_is_fitted(self)
        return CodebookLayer(torch.tensor(self.words_), torch.tensor(self.top_))


def _distinct(column: NDArray[np.float32], w: int) -> tuple[NDArray[np.float32], np.float32]:
    """Drop repeated words, and pad with words above the last one."""
    words = np.unique(column)
    step = max(1.0, 1e-3 * float(np.abs(words[-1])))
    more = words[-1] + step * np.arange(1, w - len(words) + 1, dtype=np.float32)
    return np.concatenate([words, more]).astype(np.float32), words[-1]


@final
class PatchCodebook(TransformerMixin, Parameters):
    """Count visual words: the patches of a picture nearest to each word, in each cell of a grid.

    Words are the centres of a k-means over the patches that are not blank.

    Parameters
    ----------
    n_words
        Number of words.
    side
        Of a patch, in pixels.
    cells
        Number of rows and columns of the grid.
    random_state
        Seed of the sampled patches and of k-means.

    Attributes
    ----------
    words_
        (n_words, side²); fewer rows where fewer distinct patches are seen.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> pictures = load_digits().images[:200]
    >>> PatchCodebook(n_words=10, side=3, cells=2).fit_transform(pictures).shape
    (200, 40)
    """

    n_words: Annotated[int, at.Ge(2)] = 64
    side: Annotated[int, at.Ge(1)] = 5
    cells: Annotated[int, at.Ge(1)] = 3
    random_state: int = 0

    def fit(self, X: Any, y: object = None) -> Self:
        """Learn the words of pictures (n, H, W)."""
        del y
        self.check()
        patches = self._patches(X).reshape(-1, self.side**2)
        patches = patches[patches.any(axis=1)]
        if len(patches) < self.n_words:
            raise DataError(
                f"pictures must hold at least {self.n_words} patches that are not blank; got "
                f"{len(patches)}"
            )
        random = np.random.default_rng(self.random_state)
        few = random.choice(len(patches), min(len(patches), MOST_PATCHES), replace=False)
        means = k_means(patches[few], self.n_words, n_init=1, seed=self.random_state)
        self.words_: NDArray[np.float32] = means.centres.astype(np.float32)
        return self

    def transform(self, X: Any) -> sparse.csr_matrix:
        """Count pictures (n, H, W): a sparse matrix (n, n_words · cells²)."""
        check_is_fitted(self)
        patches = self._patches(X)
        n, height, width = patches.shape[:3]
        down, across = (np.arange(size) * self.cells // size for size in (height, width))
        place = (down[:, None] * self.cells + across).ravel()
        cells = self.cells**2
        nearness = patches.reshape(-1, self.side**2) @ self.words_.T
        nearness -= (self.words_**2).sum(axis=1) / 2
        word = nearness.argmax(axis=1).reshape(n, -1)
        there = patches.reshape(n, height * width, -1).any(axis=2)
        row = np.repeat(np.arange(n), height * width)[there.ravel()]
        column = (word * cells + place)[there]
        shape = (n, self.n_words * cells)
        return sparse.coo_matrix((np.ones(len(row), np.float32), (row, column)), shape).tocsr()

    def _patches(self, X: Any) -> NDArray[np.float32]:
        pictures = np.asarray(X, np.float32)
        if pictures.ndim != 3 or min(pictures.shape[1:]) < self.side:
            raise DataError(
                f"a patch codebook must be given pictures (n, H, W) of at least {self.side} "
                f"pixels a side; got an array of shape {pictures.shape}"
            )
        size = (self.side, self.side)
        return np.lib.stride_tricks.sliding_window_view(pictures, size, (1, 2))
