"""LabelIndex: the labels with the largest inner products, of very many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, final

import numpy as np
from sklearn.exceptions import NotFittedError

from fourfold.algorithms.label_index.arrays import (
    as_matrix,
    as_numbers,
    check_finite,
    check_lengths,
)
from fourfold.algorithms.label_index.backend import Options
from fourfold.algorithms.label_index.exact import Exact
from fourfold.algorithms.label_index.hnsw import Hnsw
from fourfold.algorithms.label_index.ivf import Ivf
from fourfold.core.parameters import Fraction, Parameters, PositiveInt
from fourfold.core.process import threads
from fourfold.errors import BundleError, DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from fourfold.algorithms.label_index.backend import Backend, Found, Vectors

__all__ = ["LabelIndex"]

FORMAT: Final = 1
BACKENDS: Final[Mapping[str, type[Backend]]] = {"exact": Exact, "ivf": Ivf, "hnsw": Hnsw}
MANY: Final = 50_000
"""Number of labels from which an exact search costs more than the forward pass of a network."""
ROUNDING: Final = 1e-5
"""Relative difference below which inner products count as equal."""


@final
class LabelIndex(Parameters):
    """An index of label vectors v that finds the largest scores f(x)·v + b of a query f(x).

    Each query is searched for alone, so that its answer is the same bit for bit in any batch.
    Scores are true inner products of 32-bit floats in every kind.

    Parameters
    ----------
    kind
        ``"exact"`` searches all labels; ``"ivf"`` those in the nearest cells of a k-means;
        ``"hnsw"`` walks a graph of neighbours, which takes far longer to build. ``"auto"`` is exact
        below 50 000 labels, else ivf.
    cells
        Number of cells, for ivf; None: the power of two nearest to the root of the number of
        labels.
    neighbours
        Of a label in the graph, for hnsw.
    effort
        Cells in a search (ivf), or candidates during the walk (hnsw): a larger number finds the
        largest scores more often and takes longer. None: 16 and 64; see :meth:`calibrate`.
    random_state
        Seed of k-means.

    Attributes
    ----------
    kind_
        The kind that ``"auto"`` chose.
    effort_
        Of a search; 0 for exact.
    width_
        d, the length of a vector.
    biased_
        Whether labels have a bias b.

    Raises
    ------
    MissingExtraError
        If faiss is not installed, when this module is imported.

    Notes
    -----
    Cells and graphs search by nearness. It agrees with the inner product once each vector has a
    further number a, and the query a 0, with a² = C − ‖v‖² − 2b: then
    ‖(f, 0) − (v, a)‖² = ‖f‖² + C − 2(f·v + b). With b = −‖v‖²/2, for the nearest label, and for
    vectors of one length, a is the same for all. Where lengths differ otherwise, a hides the
    structure and a search needs more effort: :meth:`calibrate` measures it.

    References
    ----------
    Douze et al., The Faiss Library, 2024. Malkov & Yashunin, Efficient and Robust Approximate
    Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs, TPAMI 2020. Bachrach
    et al., Speeding Up the Xbox Recommender System Using a Euclidean Transformation for
    Inner-Product Spaces, RecSys 2014 (the further number).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> pictures = load_digits().data
    >>> pictures /= (pictures**2).sum(axis=1, keepdims=True) ** 0.5
    >>> index = LabelIndex(kind="ivf").build(pictures[10:])
    >>> scores, positions = index.search(pictures[:3], k=2)
    >>> positions.shape, load_digits().target[10:][positions[:, 0]]
    ((3, 2), array([0, 1, 2]))
    """

    kind: Literal["auto", "exact", "ivf", "hnsw"] = "auto"
    cells: PositiveInt | None = None
    neighbours: PositiveInt = 16
    effort: PositiveInt | None = None
    random_state: int = 0

    def build(self, vectors: ArrayLike, bias: ArrayLike | None = None) -> Self:
        """Build the index, in one thread: the same vectors give the same index.

        Parameters
        ----------
        vectors
            (k, d) of the labels. An exact index without bias keeps them without a copy, also a
            memory map.
        bias
            (k,) added to the inner products with each.

        Raises
        ------
        ParameterError
            If a parameter is out of its bounds.
        DataError
            If there are no vectors, they are not finite numbers, or ‖v‖² + 2|b| of one is above
            10³⁷, so that distances do not fit into 32-bit floats.
        """
        self.check()
        labels = as_matrix(vectors, "vectors of labels")
        if not labels.size:
            raise DataError(f"there must be a label's vector; got shape {labels.shape}")
        check_finite(labels, "vectors of labels")
        self.biased_, self.width_ = bias is not None, labels.shape[1]
        labels = self._with_bias(labels, bias)
        options = Options(self.biased_, self.cells, self.neighbours, self.random_state)
        kind = self.kind if self.kind != "auto" else "ivf" if len(labels) >= MANY else "exact"
        self.kind_ = kind
        with threads(1):
            self.backend_: Backend = BACKENDS[kind].build(labels, options)
        usual = self.backend_.effort
        self.effort_ = (self.effort or usual) if usual else 0
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return "backend_" in vars(self)

    @property
    def n(self) -> int:
        """Number of labels."""
        return self._built().n

    def add(self, vectors: ArrayLike, bias: ArrayLike | None = None) -> Self:
        """Add labels behind the last; cells stay as they are, a graph grows.

        A graph is built again for a label with a larger ‖v‖² + 2b than all before, which vectors of
        length 1 never have.

        Parameters
        ----------
        vectors
            (k, d).
        bias
            (k,), if the labels before have one.

        Raises
        ------
        NotFittedError
            Before :meth:`build`, as all other methods.
        DataError
            If they have another width, do not fit :meth:`build`, or only some have a bias.
        """
        backend = self._built()
        new = self._with_bias(self._fitting(vectors, "vectors of labels"), bias)
        with threads(1):
            backend.add(new)
        return self

    def search(self, queries: ArrayLike, k: int = 1) -> Found:
        """Find the labels with the largest scores.

        Parameters
        ----------
        queries
            (n, d).
        k
            Number of labels for each query.

        Returns
        -------
        scores
            (n, k), the largest first.
        positions
            (n, k) of labels, in the order of their vectors; of equal scores the first one first.

        Raises
        ------
        DataError
            If the queries have another width, are not finite numbers, or are too long.
        ParameterError
            If k does not lie between 1 and the number of labels.
        """
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        return self._search(self._fitting(queries, "queries"), k, self.effort_)

    def calibrate(self, queries: ArrayLike, *, recall: Fraction = 0.99, k: int = 1) -> Self:
        """Choose the least effort, of 1, 2, 3, 4, 6, 8, 12 ..., with a recall of the exact answers.

        Parameters
        ----------
        queries
            (n, d) representative queries, such as the features of training rows. A few hundred are
            enough; each is also searched for exactly.
        recall
            The wanted fraction of the exact answers, k for each query.
        k
            Number of answers for each.

        Raises
        ------
        DataError, ParameterError
            As in :meth:`search`; also if there are no queries, or recall is not in [0, 1].
        """
        backend = self._built()
        asked = self._fitting(queries, "queries")
        if not len(asked):
            raise DataError("there must be queries to calibrate with; got none")
        if not 0 <= recall <= 1:
            raise ParameterError(f"recall must lie in [0, 1]; got {recall}")
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        if not backend.effort:
            return self
        everything = backend.max_effort
        exact, _ = self._search(asked, k, everything)
        enough = exact[:, -1:] - ROUNDING * np.abs(exact[:, -1:])  # equal scores count as found
        for effort in _steps(everything):
            scores, _ = self._search(asked, k, effort)
            if (scores >= enough).mean() >= recall:
                self.effort_ = effort
                return self
        self.effort_ = everything
        return self

    def save(self, folder: Path | str) -> None:
        """Write the index into a folder; other files there stay.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        backend, place = self._built(), Path(folder)
        about = {
            "format": FORMAT,
            "parameters": self.get_params(),
            "kind": self.kind_,
            "effort": self.effort_,
            "width": self.width_,
            "biased": self.biased_,
            **backend.write(place),
        }
        (place / "labels.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open a saved index; its vectors stay on the disk, memory-mapped.

        Raises
        ------
        BundleError
            If it is damaged, or not an index of labels.
        """
        place = Path(folder)
        try:
            about = json.loads((place / "labels.json").read_text(encoding="utf-8"))
            _check_format(about["format"], place)
            index = cls(**about["parameters"])
            index.kind_, index.effort_ = about["kind"], about["effort"]
            index.width_, index.biased_ = about["width"], about["biased"]
            index.backend_ = BACKENDS[index.kind_].read(place, about)
        except BundleError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise BundleError(
                f"{place} must hold a whole index of labels; got {' '.join(str(error).split())}"
            ) from error
        return index

    def _built(self) -> Backend:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("This LabelIndex instance is not built yet: call build first")
        return self.backend_

    def _fitting(self, values: ArrayLike, what: str) -> Vectors:
        rows = as_matrix(values, what)
        if rows.shape[1] != self.width_:
            raise DataError(
                f"{what} must be of width {self.width_}, as the index is; got {rows.shape[1]}"
            )
        check_finite(rows, what)
        check_lengths(rows, what)
        return rows

    def _with_bias(self, vectors: Vectors, bias: ArrayLike | None) -> Vectors:
        """Append each label's bias to its vector: (k, d + 1)."""
        if (bias is not None) != self.biased_:
            raise DataError(
                "labels must all have a bias or none; those in the index have "
                f"{'one' if self.biased_ else 'none'}, those added have another"
            )
        if bias is None:
            check_lengths(vectors, "vectors of labels")
            return vectors
        column = as_numbers(bias, "bias of labels").reshape(-1, 1)
        if len(column) != len(vectors):
            raise DataError(f"bias must be of {len(vectors)} labels; got {len(column)}")
        check_finite(column, "bias of labels")
        check_lengths(vectors, "vectors of labels", column[:, 0])
        return np.column_stack([vectors, column])

    def _search(self, queries: Vectors, k: int, effort: int) -> Found:
        if not len(queries):
            return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
        if self.biased_:
            queries = np.column_stack([queries, np.ones(len(queries), np.float32)])
        scores, positions = self.backend_.search(queries, k, effort)
        short = np.flatnonzero((positions < 0).any(axis=1))
        if len(short):  # cells hold too few labels, or a graph's paths end
            effort = self.backend_.max_effort
            scores[short], positions[short] = self.backend_.search(queries[short], k, effort)
        order = np.lexsort((positions, -scores), axis=1)
        return np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)


def _steps(most: int) -> list[int]:
    """Return the efforts 1, 2, 3, 4, 6, 8, 12 ... below the largest."""
    powers = [2**i for i in range(most.bit_length())]
    return sorted({step for power in powers for step in (power, power * 3 // 2) if step < most})


def _check_format(found: int, place: Path) -> None:
    if found > FORMAT:
        raise BundleError(
            f"the index of labels in {place} must be of format {FORMAT} or older; got {found}: "
            "update fourfold"
        )
