"""SparseCoder: a dictionary learnt from rows without labels, and rows as their sparse codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self, final

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from fourfold.algorithms.sparse_codes import SparseCodes, objective
from fourfold.core.parameters import Parameters, Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.data.rows import as_rows, check_finite
from fourfold.errors import DataError, ParameterError
from fourfold.frozen.blocks import as_tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["Dictionary", "SparseCoder", "learn_dictionary", "shuffled"]

ROUGH: Final = 12
"""Sweeps that code a batch while atoms still move."""
FORGET: Final = 3.0
"""How fast old batches are forgotten: a batch weighs (i/n)^FORGET after n of them."""
REGROUP: Final = 8
"""Batches after which it is asked again which atoms are nearly orthogonal."""
RARE: Final = 1e-3
"""An atom that holds less than this part of the average one's share is dead."""


@final
class Dictionary:
    """Atoms, and the sums over past codes from which they are improved (Mairal et al. 2010).

    Parameters
    ----------
    atoms
        (k, d) to start from; each is brought to length 1.
    penalty
        λ.

    Attributes
    ----------
    atoms
        (k, d), none longer than 1.
    costs
        The objective of each batch, an average over its rows, before the atoms learnt from it.
    """

    def __init__(self, atoms: Tensor, penalty: float) -> None:
        self.atoms = _unit(atoms)
        self.penalty = penalty
        self.codes = SparseCodes(self.atoms, penalty)
        k, d = atoms.shape
        self.together = torch.zeros(k, k)
        self.with_rows = torch.zeros(k, d)
        self.costs: list[float] = []
        self.batches = 0

    @torch.no_grad()
    def learn(self, x: Tensor) -> None:
        """Improve the atoms by one batch of rows (n, d)."""
        self.codes.take(self.atoms, regroup=self.batches % REGROUP == 0)
        a = self.codes.rough(x, ROUGH)
        cost = objective(x, a, self.atoms, self.penalty)
        self.costs.append(float(cost.mean()))
        self.batches += 1
        kept = (1 - 1 / self.batches) ** FORGET
        self.together.mul_(kept).addmm_(a.T, a, alpha=1 / len(x))
        self.with_rows.mul_(kept).addmm_(a.T, x, alpha=1 / len(x))
        self._improve()
        self._revive(x, cost)

    def _improve(self) -> None:
        """Minimize over each atom in turn, the others as they are."""
        weight = self.together.diagonal()
        for j in (weight > 0).nonzero()[:, 0].tolist():
            step = (self.with_rows[j] - self.together[j] @ self.atoms) / weight[j]
            moved = self.atoms[j] + step
            self.atoms[j] = moved / moved.norm().clamp(min=1.0)

    def _revive(self, x: Tensor, cost: Tensor) -> None:
        """Put rows that are coded worst in the place of atoms that no row uses."""
        weight = self.together.diagonal()
        dead = (weight < RARE * weight.mean()).nonzero()[:, 0][: len(x)]
        if not len(dead):
            return
        worst = torch.argsort(cost, descending=True, stable=True)[: len(dead)]
        self.atoms[dead] = _unit(x[worst])
        self.together[dead] = 0
        self.together[:, dead] = 0
        self.with_rows[dead] = 0


@final
class SparseCoder(TransformerMixin, Parameters):
    """Learn a dictionary from rows without labels; transform rows to their sparse codes.

    Minimizes the average over rows of ½‖x − aD‖² + λ‖a‖₁ over codes a and atoms ‖d_j‖ ≤ 1, batch by
    batch: rows may be a memory map larger than memory, and ``partial_fit`` takes them as they come.

    Parameters
    ----------
    n_atoms
        k, at most the number of rows that are learnt from.
    penalty
        λ: the larger, the fewer atoms code a row. It is in the units of the rows' length.
    passes
        Over all rows.
    batch_size
        Rows that the atoms learn from at a time.
    tolerance
        Of ``transform``: how far the optimality conditions may be missed, as a part of λ.
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
    >>> codes = SparseCoder(n_atoms=32, penalty=0.5).fit_transform(X)
    >>> codes.shape, bool((codes == 0).mean() > 0.5)
    ((1797, 32), True)
    """

    n_atoms: PositiveInt = 256
    penalty: Positive = 0.1
    passes: PositiveInt = 2
    batch_size: PositiveInt = 1024
    tolerance: Positive = 1e-2
    random_state: int = 0

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Learn the dictionary from rows X (n, d).

        Raises
        ------
        ParameterError
            If there are more atoms than rows.
        DataError
            If rows hold no numbers, or are all constant.
        """
        rows = self._rows(X)
        self.n_features_in_ = rows.shape[0]
        with seeded(self.random_state):
            batches = shuffled(rows, self.batch_size, self.passes)
            self._dictionary = learn_dictionary(batches, self.n_atoms, self.penalty, rows.n)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Go on learning from one batch of rows X (n, d).

        Raises
        ------
        ParameterError
            If the first batch has fewer rows than there shall be atoms.
        DataError
            If rows hold no numbers, or others than those before.
        """
        rows = self._rows(X)
        batch = _batch(rows, np.arange(rows.n))
        if not self.__sklearn_is_fitted__():
            self.n_features_in_ = rows.shape[0]
            with seeded(self.random_state):
                once = iter([batch])
                self._dictionary = learn_dictionary(once, self.n_atoms, self.penalty, rows.n)
        else:
            self._same_width(rows)
            self._dictionary.learn(batch)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Code rows X (n, d): (n, k) of float32.

        Raises
        ------
        NotFittedError
            Before ``fit``.
        DataError
            If rows hold no numbers, or others than those of ``fit``.
        """
        check_is_fitted(self)
        rows = self._rows(X)
        self._same_width(rows)
        coder = SparseCodes(self._dictionary.atoms, self.penalty, self.tolerance)
        parts = [coder.codes(_tensor(block)) for block in rows.blocks()]
        return torch.cat(parts).numpy()

    @property
    def components_(self) -> NDArray[np.float32]:
        """The atoms, (k, d)."""
        atoms: NDArray[np.float32] = self._dictionary.atoms.numpy()
        return atoms

    @property
    def costs_(self) -> list[float]:
        """The objective of each batch, an average over rows, before the atoms learnt from it."""
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


def learn_dictionary(
    batches: Iterator[Tensor], n_atoms: int, penalty: float, rows: int, name: str = "n_atoms"
) -> Dictionary:
    """Learn a dictionary from batches of rows (n, d), as many as there are.

    It starts from rows drawn at random, so the first batches are read until there are enough.

    Parameters
    ----------
    batches
        Rows, in random order.
    n_atoms, penalty
        k and λ.
    rows
        How many rows there are.
    name
        What messages call the number of atoms.

    Raises
    ------
    ParameterError
        If there are more atoms than rows that are not constant.
    DataError
        If the rows are all constant.
    """
    if n_atoms > rows:
        raise ParameterError(f"{name} must be at most the number of rows, {rows}; got {n_atoms}")
    held: list[Tensor] = []
    found = 0
    for batch in batches:
        held.append(batch)
        found += int(_alive(batch).sum())
        if found >= n_atoms:
            break
    first = torch.cat(held)
    usable = first[_alive(first)]
    if not len(usable):
        raise DataError("rows of a dictionary must differ from zero; got only zeros")
    if n_atoms > len(usable):
        raise ParameterError(
            f"{name} must be at most the number of rows that are not zero, {len(usable)}; "
            f"got {n_atoms}"
        )
    dictionary = Dictionary(usable[torch.randperm(len(usable))[:n_atoms]], penalty)
    for batch in held:
        dictionary.learn(batch)
    for batch in batches:
        dictionary.learn(batch)
    return dictionary


def shuffled(rows: Rows, size: int, passes: int) -> Iterator[Tensor]:
    """Read rows in random order, so many at a time, so many times over."""
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


def _alive(x: Tensor) -> Tensor:
    alive: Tensor = x.square().sum(1) > 0
    return alive


def _unit(atoms: Tensor) -> Tensor:
    unit: Tensor = atoms / atoms.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return unit
