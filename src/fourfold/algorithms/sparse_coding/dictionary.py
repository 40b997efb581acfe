"""Online dictionary learning."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Final, final

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.sparse_coding.codes import SparseCodes, objective
from fourfold.errors import DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Dictionary", "learn_dictionary"]

ROUGH: Final = 12
"""Sweeps that code a batch during learning."""
FORGET: Final = 3.0
"""Rate at which old batches are forgotten: a batch weighs (i/n)^FORGET after n of them."""
REGROUP: Final = 8
"""Batches between two groupings of the atoms."""
RARE: Final = 1e-3
"""An atom is dead below this fraction of the average atom's squared codes."""


@final
class Dictionary:
    """Atoms, and the sufficient statistics of past codes that improve them (Mairal et al. 2010).

    Attributes
    ----------
    atoms
        (k, d); those to start from are scaled to length 1, and none gets longer.
    costs
        The objective of each batch, averaged over its rows, before the atoms learnt from it.
    """

    def __init__(self, atoms: Tensor, alpha: float) -> None:
        self.atoms = F.normalize(atoms)
        self.alpha = alpha
        self.codes = SparseCodes(self.atoms, alpha)
        k, d = atoms.shape
        self.codes_by_codes = torch.zeros(k, k)
        self.codes_by_rows = torch.zeros(k, d)
        self.costs: list[float] = []

    @torch.no_grad()
    def learn(self, x: Tensor) -> None:
        """Improve the atoms by one batch of rows (n, d)."""
        self.codes.set_atoms(self.atoms, regroup=len(self.costs) % REGROUP == 0)
        a = self.codes.rough(x, ROUGH)
        cost = objective(x, a, self.atoms, self.alpha)
        self.costs.append(float(cost.mean()))
        kept = (1 - 1 / len(self.costs)) ** FORGET
        self.codes_by_codes.mul_(kept).addmm_(a.T, a, alpha=1 / len(x))
        self.codes_by_rows.mul_(kept).addmm_(a.T, x, alpha=1 / len(x))
        self._improve()
        self._replace_dead(x, cost)

    def _improve(self) -> None:
        """Minimize over each atom in turn."""
        weight = self.codes_by_codes.diagonal()
        for j in (weight > 0).nonzero()[:, 0].tolist():
            step = (self.codes_by_rows[j] - self.codes_by_codes[j] @ self.atoms) / weight[j]
            moved = self.atoms[j] + step
            self.atoms[j] = moved / moved.norm().clamp(min=1.0)

    def _replace_dead(self, x: Tensor, cost: Tensor) -> None:
        """Replace atoms that no row uses by the rows of highest cost."""
        weight = self.codes_by_codes.diagonal()
        dead = (weight < RARE * weight.mean()).nonzero()[:, 0][: len(x)]
        if not len(dead):
            return
        worst = torch.argsort(cost, descending=True, stable=True)[: len(dead)]
        self.atoms[dead] = F.normalize(x[worst])
        self.codes_by_codes[dead] = 0
        self.codes_by_codes[:, dead] = 0
        self.codes_by_rows[dead] = 0


def learn_dictionary(
    batches: Iterator[Tensor],
    n_components: int,
    alpha: float,
    n_rows: int,
    name: str = "n_components",
) -> Dictionary:
    """Learn a dictionary from batches of rows (n, d).

    It starts from rows drawn at random from the first batches, as many as it takes.

    Parameters
    ----------
    batches, n_rows
        Rows, in random order, and their number in all.
    n_components, alpha, name
        k, λ, and the name of k in error messages.

    Raises
    ------
    ParameterError
        If there are more atoms than rows that are not zero.
    DataError
        If all rows are zero.
    """
    if n_components > n_rows:
        raise ParameterError(
            f"{name} must be at most the number of rows, {n_rows}; got {n_components}"
        )
    held: list[Tensor] = []
    found = 0
    for batch in batches:
        held.append(batch)
        found += int(_nonzero(batch).sum())
        if found >= n_components:
            break
    first = torch.cat(held)
    usable = first[_nonzero(first)]
    if not len(usable):
        raise DataError("rows of a dictionary must differ from zero; got only zeros")
    if n_components > len(usable):
        raise ParameterError(
            f"{name} must be at most the number of rows that are not zero, {len(usable)}; "
            f"got {n_components}"
        )
    dictionary = Dictionary(usable[torch.randperm(len(usable))[:n_components]], alpha)
    for batch in chain(held, batches):
        dictionary.learn(batch)
    return dictionary


def _nonzero(x: Tensor) -> Tensor:
    nonzero: Tensor = x.square().sum(1) > 0
    return nonzero
