"""Very many labels: the vectors with the largest inner products, found without looking at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, Self, final

import numpy as np
from sklearn.exceptions import NotFittedError

from fourfold.algorithms.label_backends import BLOCK, FORMS, Wanted
from fourfold.core.parameters import Fraction, Parameters, PositiveInt
from fourfold.core.process import threads
from fourfold.errors import BundleError, DataError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from fourfold.algorithms.label_backends import Form, Found, Vectors

__all__ = ["LabelIndex"]

FORMAT: Final = 1
MANY: Final = 50_000
"""From so many labels on, looking at all of them costs more than a step of a network."""
ROUNDING: Final = 1e-5
"""Inner products that differ by a smaller part are equal."""
LARGEST: Final = 1e37
"""Squared lengths, with twice the bias, reach at most so far: distances fit into 32-bit floats."""


@final
class LabelIndex(Parameters):
    """The labels with the largest scores f(x)·v + b, without looking at every vector v.

    Each query is searched for by itself, so that its answer is the same bit for bit in any batch;
    scores are true inner products of 32-bit floats in every kind.

    Parameters
    ----------
    kind
        ``"exact"`` looks at every label; ``"ivf"`` at those of the nearest of k-means' cells;
        ``"hnsw"`` walks a graph of neighbours, which takes far longer to build. ``"auto"`` is exact
        below 50 000 labels and ivf from there.
    cells
        How many, of ivf; None is the power of two next to the root of the number of labels.
    neighbours
        Of a label in the graph, of hnsw.
    effort
        How many cells are looked through (ivf), or candidates are kept on the way (hnsw): more find
        the largest more often, and take longer. None is 16 and 64; see :meth:`calibrate`.
    random_state
        Seed of k-means.

    Attributes
    ----------
    kind_
        What ``"auto"`` became.
    effort_
        What a search spends; 0 for exact.
    width_
        d, how many numbers a vector has.
    biased_
        Whether labels have a bias b.

    Raises
    ------
    MissingExtraError
        If faiss is not installed, when this module is imported.

    Notes
    -----
    Cells and graphs go by nearness, not by inner products, and the two agree once each vector has
    one more number, a, against a 0 in the query, with a² = C − ‖v‖² − 2b: then
    ‖(f, 0) − (v, a)‖² = ‖f‖² + C − 2(f·v + b). For b = −‖v‖²/2, the nearest label, and for vectors
    of one length, a is the same for all. Where lengths differ much beside that, a hides what
    structure there is, and much must be looked at: :meth:`calibrate` tells.

    References
    ----------
    Douze et al., The Faiss Library, 2024. Malkov & Yashunin, Efficient and Robust Approximate
    Nearest Neighbor Search Using Hierarchical Navigable Small World Graphs, TPAMI 2020. Bachrach
    et al., Speeding Up the Xbox Recommender System Using a Euclidean Transformation for
    Inner-Product Spaces, RecSys 2014 (the one more number).

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
        """Build the index, with one thread: the same vectors give the same index.

        Parameters
        ----------
        vectors
            (k, d) of the labels. An exact index without bias keeps them as they are, also a memory
            map.
        bias
            (k,) what is added to the inner products with each.

        Raises
        ------
        ParameterError
            If a parameter is out of its bounds.
        DataError
            If there are no vectors, or they are no finite numbers, or ‖v‖² + 2|b| of one is above
            10³⁷: distances of such would not fit into 32-bit floats.
        """
        self.check()
        labels = _matrix(vectors, "vectors of labels")
        if not labels.size:
            raise DataError(f"there must be a label's vector; got shape {labels.shape}")
        _check_finite(labels, "vectors of labels")
        self.biased_, self.width_ = bias is not None, labels.shape[1]
        labels = self._with_bias(labels, bias)
        wanted = Wanted(self.biased_, self.cells, self.neighbours, self.random_state)
        kind = self.kind if self.kind != "auto" else "ivf" if len(labels) >= MANY else "exact"
        self.kind_ = kind
        with threads(1):
            self.form_: Form = FORMS[kind].build(labels, wanted)
        usual = self.form_.effort
        self.effort_ = (self.effort or usual) if usual else 0
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return "form_" in vars(self)

    @property
    def n(self) -> int:
        """How many labels there are."""
        return self._built().n

    def add(self, vectors: ArrayLike, bias: ArrayLike | None = None) -> Self:
        """Add labels, numbered on from the last; cells stay as they are, a graph grows.

        A graph is built again if one has a larger ‖v‖² + 2b than all before; vectors of length 1
        have not.

        Parameters
        ----------
        vectors
            (k, d).
        bias
            (k,), if the labels before have one.

        Raises
        ------
        NotFittedError
            Before :meth:`build`, as everything else does that needs labels.
        DataError
            If they have another width, or are not what :meth:`build` takes, or only some have a
            bias.
        """
        form = self._built()
        new = self._with_bias(self._fitting(vectors, "vectors of labels"), bias)
        with threads(1):
            form.add(new)
        return self

    def search(self, queries: ArrayLike, k: int = 1) -> Found:
        """Find the labels with the largest scores.

        Parameters
        ----------
        queries
            (n, d).
        k
            How many labels for each.

        Returns
        -------
        scores
            (n, k), the largest first.
        positions
            (n, k) of labels, in the order of their vectors; of equal scores the first stands first.

        Raises
        ------
        DataError
            If the queries have another width, or are no finite numbers, or longer than labels may
            be.
        ParameterError
            If k is none of 1 to the number of labels.
        """
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        return self._search(self._fitting(queries, "queries"), k, self.effort_)

    def calibrate(self, queries: ArrayLike, *, recall: Fraction = 0.99, k: int = 1) -> Self:
        """Choose the least effort, of 1, 2, 3, 4, 6, 8, 12 ..., that finds what an exact one does.

        Parameters
        ----------
        queries
            (n, d) of the kind that will be asked, such as the features of training rows. A few
            hundred will do; each is also searched for exactly.
        recall
            The share of the exact answers, k for each query, that is to be found.
        k
            How many answers for each.

        Raises
        ------
        DataError, ParameterError
            As in :meth:`search`; also if there are no queries, or recall is none of 0 to 1.
        """
        form = self._built()
        asked = self._fitting(queries, "queries")
        if not len(asked):
            raise DataError("there must be queries to calibrate with; got none")
        if not 0 <= recall <= 1:
            raise ParameterError(f"recall must lie in [0, 1]; got {recall}")
        if not 1 <= k <= self.n:
            raise ParameterError(f"k must lie in [1, {self.n}], the number of labels; got {k}")
        if not form.effort:
            return self
        everything = form.most
        exact, _ = self._search(asked, k, everything)
        enough = exact[:, -1:] - ROUNDING * np.abs(exact[:, -1:])  # an equal one is as good
        for effort in _steps(everything):
            scores, _ = self._search(asked, k, effort)
            if (scores >= enough).mean() >= recall:
                self.effort_ = effort
                return self
        self.effort_ = everything
        return self

    def save(self, folder: Path | str) -> None:
        """Write the index into a folder, next to whatever it holds.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        form, place = self._built(), Path(folder)
        about = {
            "format": FORMAT,
            "parameters": self.get_params(),
            "kind": self.kind_,
            "effort": self.effort_,
            "width": self.width_,
            "biased": self.biased_,
            **form.write(place),
        }
        (place / "labels.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path | str) -> Self:
        """Open an index that was saved; its vectors stay on the disk, memory-mapped.

        Raises
        ------
        BundleError
            If it is damaged, or none of ours.
        """
        place = Path(folder)
        try:
            about = json.loads((place / "labels.json").read_text(encoding="utf-8"))
            _check_format(about["format"], place)
            index = cls(**about["parameters"])
            index.kind_, index.effort_ = about["kind"], about["effort"]
            index.width_, index.biased_ = about["width"], about["biased"]
            index.form_ = FORMS[index.kind_].read(place, about)
        except BundleError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise BundleError(
                f"{place} must hold a whole index of labels; got {' '.join(str(error).split())}"
            ) from error
        return index

    def _built(self) -> Form:
        if not self.__sklearn_is_fitted__():
            raise NotFittedError("This LabelIndex instance is not built yet: call build first")
        return self.form_

    def _fitting(self, values: ArrayLike, what: str) -> Vectors:
        rows = _matrix(values, what)
        if rows.shape[1] != self.width_:
            raise DataError(
                f"{what} must be of width {self.width_}, as the index is; got {rows.shape[1]}"
            )
        _check_finite(rows, what)
        _check_short(rows, what)
        return rows

    def _with_bias(self, vectors: Vectors, bias: ArrayLike | None) -> Vectors:
        """Put each label's bias behind its vector: (k, d + 1)."""
        if (bias is not None) != self.biased_:
            raise DataError(
                "labels must all have a bias or none; those in the index have "
                f"{'one' if self.biased_ else 'none'}, those added have another"
            )
        if bias is None:
            _check_short(vectors, "vectors of labels")
            return vectors
        column = _numbers(bias, "bias of labels").reshape(-1, 1)
        if len(column) != len(vectors):
            raise DataError(f"bias must be of {len(vectors)} labels; got {len(column)}")
        _check_finite(column, "bias of labels")
        _check_short(vectors, "vectors of labels", column[:, 0])
        return np.column_stack([vectors, column])

    def _search(self, queries: Vectors, k: int, effort: int) -> Found:
        if not len(queries):
            return np.empty((0, k), np.float32), np.empty((0, k), np.int64)
        if self.biased_:
            queries = np.column_stack([queries, np.ones(len(queries), np.float32)])
        scores, positions = self.form_.find(queries, k, effort)
        short = np.flatnonzero((positions < 0).any(axis=1))
        if len(short):  # cells hold too few labels, or a graph's paths end
            scores[short], positions[short] = self.form_.find(queries[short], k, self.form_.most)
        order = np.lexsort((positions, -scores), axis=1)
        return np.take_along_axis(scores, order, 1), np.take_along_axis(positions, order, 1)


def _steps(most: int) -> list[int]:
    """List the efforts below the largest, a third or a half apart."""
    powers = [2**i for i in range(most.bit_length())]
    return sorted({step for power in powers for step in (power, power * 3 // 2) if step < most})


def _matrix(values: ArrayLike, what: str) -> Vectors:
    """Make a matrix of floats; one that is of 32 bits already is not copied."""
    rows = _numbers(values, what)
    if rows.ndim != 2:
        raise DataError(f"{what} must be (n, d); got an array of shape {rows.shape}")
    return np.ascontiguousarray(rows)


def _numbers(values: ArrayLike, what: str) -> Vectors:
    """Make an array of floats; what is too large for them becomes infinite."""
    try:
        array = np.asarray(values)
    except ValueError as error:  # lists of several lengths
        raise DataError(f"{what} must be an array of real numbers; got: {error}") from error
    if array.dtype.kind not in "biuf":
        raise DataError(f"{what} must be real numbers; got {array.dtype}")
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)


def _check_finite(rows: Vectors, what: str) -> None:
    for at in range(0, len(rows), BLOCK):
        fine = np.isfinite(rows[at : at + BLOCK]).all(axis=1)
        if not fine.all():
            raise DataError(
                f"{what} must be finite; got NaN or infinity in row {at + int(fine.argmin())}"
            )


def _check_short(rows: Vectors, what: str, bias: Vectors | None = None) -> None:
    """Refuse rows whose distances would not fit into 32-bit floats, which faiss does not survive.

    Parameters
    ----------
    rows
        (n, d), finite.
    what
        What they are called.
    bias
        (n,), finite.
    """
    for at in range(0, len(rows), BLOCK):
        block = rows[at : at + BLOCK]
        with np.errstate(over="ignore"):
            square = np.einsum("nd,nd->n", block, block)
            if bias is not None:
                square = square + 2 * np.abs(bias[at : at + BLOCK])
        worst = int(square.argmax())
        if square[worst] > LARGEST:
            raise DataError(
                f"{what} must have squared lengths{'' if bias is None else ' + 2 |bias|'} of at "
                f"most {LARGEST:.0e}; got {square[worst]:.3g} in row {at + worst}: scale them down"
            )


def _check_format(found: int, place: Path) -> None:
    if found > FORMAT:
        raise BundleError(
            f"the index of labels in {place} must be of format {FORMAT} or older; got {found}: "
            "update fourfold"
        )
