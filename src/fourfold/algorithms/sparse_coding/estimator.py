"""SparseCoder: dictionary learning and sparse codes as a scikit-learn transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self, final

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from fourfold.algorithms.sparse_coding.codes import SparseCodes
from fourfold.algorithms.sparse_coding.dictionary import learn_dictionary
from fourfold.core.parameters import Parameters, Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.data.rows import as_rows, check_finite
from fourfold.errors import DataError
from fourfold.frozen.blocks import as_tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["SparseCoder"]


@final
class SparseCoder(TransformerMixin, Parameters):
    """Learn a dictionary from rows without labels; transform rows to their sparse codes.

    The objective is the average over rows of ½‖x − aD‖² + λ‖a‖₁ over codes a and atoms ‖d_j‖ ≤ 1.
    It is minimized batch by batch: rows may be a memory map larger than memory, and ``partial_fit``
    takes a stream.

    Parameters
    ----------
    n_components
        Number of atoms k, at most the number of rows.
    alpha
        λ: the larger, the fewer atoms code a row. It is in the units of the rows' length.
    passes
        Over all rows.
    batch_size
        Rows in a step of the atoms.
    tolerance
        Of ``transform``: largest violation of the optimality conditions, as a fraction of λ.
    random_state
        Seed of the first atoms and the order of the rows.

    Attributes
    ----------
    components_
        (k, d), the atoms.
    costs_
        The objective of each batch before the atoms learnt from it.

    References
    ----------
    Mairal, Bach, Ponce & Sapiro, Online Learning for Matrix Factorization and Sparse Coding, JMLR
    2010. Lee, Battle, Raina & Ng, Efficient Sparse Coding Algorithms, NeurIPS 2006.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X = load_digits().data / 16
    >>> codes = SparseCoder(n_components=32, alpha=0.5).fit_transform(X)
    >>> codes.shape, bool((codes == 0).mean() > 0.5)
    ((1797, 32), True)
    """

    n_components: PositiveInt = 256
    alpha: Positive = 0.1
    passes: PositiveInt = 2
    batch_size: PositiveInt = 1024
    tolerance: Positive = 1e-2
    random_state: int = 0

    renamed: ClassVar[dict[str, str]] = {"n_atoms": "n_components", "penalty": "alpha"}

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Learn the dictionary from rows X (n, d).

        Raises
        ------
        ParameterError
            If there are more atoms than rows.
        DataError
            If rows are not numbers, or all zero.
        """
        rows = self._rows(X)
        return self._learn(rows, _shuffled(rows, self.batch_size, self.passes))

    def partial_fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Continue learning with one batch of rows X (n, d).

        Raises
        ------
        ParameterError
            If the first batch has fewer rows than there are atoms.
        DataError
            If rows are not numbers, or of another width than those before.
        """
        rows = self._rows(X)
        batch = _batch(rows, np.arange(rows.n))
        if not self.__sklearn_is_fitted__():
            return self._learn(rows, iter([batch]))
        self._same_width(rows)
        self._dictionary.learn(batch)
        return self

    def _learn(self, rows: Rows, batches: Iterator[Tensor]) -> Self:
        """Learn a fresh dictionary from batches of the rows."""
        self.n_features_in_ = rows.shape[0]
        with seeded(self.random_state):  # batches are drawn as they are read
            self._dictionary = learn_dictionary(batches, self.n_components, self.alpha, rows.n)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Code rows X (n, d): (n, k) of float32.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If rows are not numbers, or of another width than those of ``fit``.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        self._same_width(rows)
        coder = SparseCodes(self._dictionary.atoms, self.alpha, self.tolerance)
        return torch.cat([coder.codes(_tensor(block)) for block in rows.blocks()]).numpy()

    @property
    def components_(self) -> NDArray[np.float32]:
        """The atoms, (k, d)."""
        atoms: NDArray[np.float32] = self._dictionary.atoms.numpy()
        return atoms

    @property
    def costs_(self) -> list[float]:
        """The objective of each batch, averaged over rows, before the atoms learnt from it."""
        return self._dictionary.costs

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_is_fitted__(self) -> bool:
        return "_dictionary" in vars(self)

    def _rows(self, X: Any) -> Rows:
        self.check()
        rows = as_rows(X)
        if rows.kind == "table" or len(rows.shape) != 1:
            raise DataError(
                f"{type(self).__name__} must be given vectors of numbers (n, d); got "
                f"{'a table' if rows.kind == 'table' else f'rows of shape {rows.shape}'}"
            )
        return rows

    def _same_width(self, rows: Rows) -> None:
        if rows.shape[0] != self.n_features_in_:
            raise DataError(
                f"X has {rows.shape[0]} features, but {type(self).__name__} is expecting "
                f"{self.n_features_in_} features as input"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _shuffled(rows: Rows, size: int, passes: int) -> Iterator[Tensor]:
    """Read batches of rows in random order, in several passes."""
    for _ in range(passes):
        order = torch.randperm(rows.n).numpy()
        for at in range(0, rows.n, size):
            yield _batch(rows, order[at : at + size])


def _batch(rows: Rows, index: NDArray[np.intp]) -> Tensor:
    return _tensor(rows.take(np.sort(index)))  # in the order of the disk


def _tensor(block: NDArray[Any]) -> Tensor:
    check_finite(block, "the input X")
    rows: Tensor = as_tensor(block).float()
    return rows
