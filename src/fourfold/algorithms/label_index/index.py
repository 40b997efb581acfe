"""LabelIndex: the labels with the largest inner products, of very many."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, final

import numpy as np
from sklearn.exceptions import NotFittedError

from fourfold.algorithms.label_index.approximate import Hnsw, Ivf
from fourfold.algorithms.label_index.backend import (
    LABELS,
    Exact,
    Options,
    as_matrix,
    as_vectors,
    check_finite,
    least_effort,
    search_in_order,
    with_bias,
)
from fourfold.core.parameters import Fraction, Parameters, PositiveInt
from fourfold.core.process import threads
from fourfold.errors import BundleError, DataError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike

    from fourfold.algorithms.label_index.backend import Backend, Found, Vectors

__all__ = ["LabelIndex"]

BACKENDS: Final[Mapping[str, type[Backend]]] = {"exact": Exact, "ivf": Ivf, "hnsw": Hnsw}
MANY: Final = 50_000
"""Number of labels from which an exact search costs more than the forward pass of a network."""
FORMAT: Final = 1
FILE: Final = "labels.json"
"""The settings, beside the files of the backend."""


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
        labels = as_matrix(vectors, LABELS)
        if not labels.size:
            raise DataError(f"there must be a label's vector; got shape {labels.shape}")
        check_finite(labels, LABELS)
        self.biased_, self.width_ = bias is not None, labels.shape[1]
        labels = with_bias(labels, bias, biased=self.biased_)
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
        """Add labels (k, d) behind the last; cells stay as they are, a graph grows.

        They have a bias (k,) if the labels before have one. A graph is built again for a label with
        a larger ‖v‖² + 2b than all before, which vectors of length 1 never have.

        Raises
        ------
        NotFittedError
            Before :meth:`build`, as all other methods.
        DataError
            If they have another width, do not fit :meth:`build`, or only some have a bias.
        """
        backend = self._built()
        new = with_bias(as_vectors(vectors, LABELS, self.width_), bias, biased=self.biased_)
        with threads(1):
            backend.add(new)
        return self

    def search(self, queries: ArrayLike, k: int = 1) -> Found:
        """Find the k labels with the largest scores for each query, (n, d).

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
        self._check_number(k)
        return search_in_order(self._built(), self._asked(queries), k, self.effort_)

    def calibrate(self, queries: ArrayLike, *, recall: Fraction = 0.99, k: int = 1) -> Self:
        """Choose the least effort, of 1, 2, 3, 4, 6, 8, 12 ..., with a recall of the exact answers.

        Parameters
        ----------
        queries
            (n, d) representative queries, such as the features of training rows. A few hundred are
            enough; each is also searched for exactly.
        recall, k
            The wanted fraction of the exact answers, k for each query.

        Raises
        ------
        DataError, ParameterError
            As in :meth:`search`; also if there are no queries, or recall is not in [0, 1].
        """
        backend = self._built()
        asked = self._asked(queries)
        if not len(asked):
            raise DataError("there must be queries to calibrate with; got none")
        if not 0 <= recall <= 1:
            raise ParameterError(f"recall must lie in [0, 1]; got {recall}")
        self._check_number(k)
        if backend.effort:
            self.effort_ = least_effort(backend, asked, k, recall)
        return self

    def save(self, folder: Path | str) -> None:
        """Write the index into a folder; other files there stay.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        backend, place = self._built(), Path(folder)
        settings = {
            "format": FORMAT,
            "parameters": self.get_params(),
            "kind": self.kind_,
            "effort": self.effort_,
            "width": self.width_,
            "biased": self.biased_,
            **backend.write(place),
        }
        (place / FILE).write_text(json.dumps(settings, indent=1), encoding="utf-8")

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
            about = json.loads((place / FILE).read_text(encoding="utf-8"))
            _refuse_newer(about["format"], place)
            index = cls(**about["parameters"])
            index.kind_, index.effort_ = about["kind"], about["effort"]
            index.width_, index.biased_ = about["width"], about["biased"]
            index.backend_ = BACKENDS[index.kind_].read(place, about)
        except BundleError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            got = f"{' '.join(str(error).split()):.120}"
            raise BundleError(f"{place} must hold a whole index of labels; got {got}") from error
        return index

    def _built(self) -> Backend:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("This LabelIndex instance is not built yet: call build first")
        return self.backend_

    def _check_number(self, k: int) -> None:
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")

    def _asked(self, queries: ArrayLike) -> Vectors:
        """Return queries (n, d), each with a 1 that is multiplied by the bias."""
        asked = as_vectors(queries, "queries", self.width_)
        ones = np.ones((len(asked), 1), np.float32)
        return np.column_stack([asked, ones]) if self.biased_ else asked


def _refuse_newer(version: int, place: Path) -> None:
    if version > FORMAT:
        raise BundleError(
            f"the index of labels in {place} must be of format {FORMAT} or older; got {version}: "
            "update fourfold"
        )
