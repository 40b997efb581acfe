"""A domain: one pile of data on the map, with all, some or none of its labels."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from fourfold.data.descriptions import Descriptions
from fourfold.data.rows import FrameRows, Rows, StackedRows, as_rows, loaded
from fourfold.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index

__all__ = ["Domain", "input_difference", "join_descriptions", "pool"]

MANY: Final = 50
"""More kinds of whole numbers than this may be measurements."""


@final
class Domain:
    """Inputs, maybe labels, maybe descriptions of the classes.

    It has on purpose no ``__len__``, ``shape`` or ``__array__``: scikit-learn silently slices fit
    parameters that look like arrays of the length of X, and a source must stay whole.

    Parameters
    ----------
    X
        (n, ...): an array or memory map, a sparse matrix, a DataFrame, a Hugging Face dataset,
        texts (a list, 1-D array or Series of strings), or :class:`~fourfold.data.rows.Rows` from a
        reader.
    y
        (n,) labels, or (n, m) several at once; None if there are none.
    classes
        What is known about the classes besides examples: ``{name: vector}``, ``{name: {attribute:
        value}}``, ``{name: text}``, or a table with a class a row; see
        :class:`~fourfold.data.descriptions.Descriptions`. Of a target, these are the classes that
        come into question.
    missing
        What marks a missing label. ``"auto"``: −1 beside classes ≥ 0, and NaN or None anywhere;
        a value: that one; None: every label is one, but for NaN and None.
    name
        How messages and reports call it.

    Raises
    ------
    DataError
        If X has no rows, or y another number of rows, or y holds only −1 and 1 while ``missing``
        does not say whether −1 means *missing*.

    Examples
    --------
    >>> import numpy as np
    >>> few = Domain(np.eye(4), [0, -1, 1, -1], name="new product")
    >>> few
    <Domain new product: 4 rows, 2 labelled>
    >>> few.n_labelled
    2
    """

    def __init__(
        self,
        X: Any,
        y: Any = None,
        *,
        classes: Mapping[Any, Any] | Any = None,
        missing: object = "auto",
        name: str = "",
    ) -> None:
        self.rows: Rows = as_rows(X)
        self.name = name
        self.classes = None if classes is None else Descriptions.of(classes)
        self.y: NDArray[Any] | None = None
        self.labelled: NDArray[np.bool_] = np.zeros(self.rows.n, bool)
        if y is not None:
            self.y, self.labelled = _labels(y, missing)
            if len(self.y) != self.rows.n:
                raise DataError(
                    "inputs and labels must have the same number of rows (inconsistent numbers of "
                    f"samples); got {self.rows.n} and {len(self.y)}"
                )

    @classmethod
    def of(cls, X: Any, y: Any = None, *, name: str = "") -> Domain:
        """Return X itself if it is a Domain, else a Domain of X and y."""
        if not isinstance(X, Domain):
            return cls(X, y, name=name)
        if y is not None:
            raise DataError("labels must come inside a Domain; got a Domain and y beside it")
        return X

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<Domain{name}: {self.n_rows} rows, {self.n_labelled} labelled>"

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return self.rows.n

    @property
    def n_labelled(self) -> int:
        """How many of them have a label (in 2-D labels: at least one)."""
        return int(self.labelled.sum())

    @property
    def known(self) -> NDArray[Any]:
        """The labels that are there, in the order of the rows.

        Raises
        ------
        DataError
            If there are none.
        """
        if self.y is None or not self.labelled.any():
            raise DataError(f"{self.name or 'the domain'} must have labels; got none")
        return self.y[self.labelled]

    @cached_property
    def counts(self) -> dict[Any, int]:
        """How often each label occurs, for 1-D labels."""
        if self.y is None or self.y.ndim > 1 or not self.labelled.any():
            return {}
        values, counts = np.unique(self.known, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    @cached_property
    def measured(self) -> bool:
        """Whether 1-D labels are measurements, not classes.

        Fractions are; so are whole numbers of more than 50 kinds that are not numbered one after
        another, such as prices, unless each is a class that is described.
        """
        if self.y is None or self.y.ndim > 1 or not self.labelled.any():
            return False
        if self.classes is not None and all(label in self.classes for label in self.counts):
            return False
        y = np.array(self.known.tolist()) if self.y.dtype == object else self.known
        if y.dtype.kind not in "iuf":
            return False
        kinds = np.unique(y)
        gaps = kinds[-1] - kinds[0] + 1 > 2 * len(kinds)
        return bool((kinds % 1 > 0).any() or (len(kinds) > MANY and gaps))

    @cached_property
    def digest(self) -> str:
        """One name for inputs, labels and descriptions: 32 hex digits, equal for equal content."""
        from xxhash import xxh3_128_hexdigest

        described = "" if self.classes is None else self.classes.digest
        if self.y is None:
            whole = f"{self.rows.digest}{described}".encode()
            return xxh3_128_hexdigest(whole) if described else self.rows.digest
        y = self.y.astype("U") if self.y.dtype == object else self.y
        content = np.ascontiguousarray(y).tobytes() + self.labelled.tobytes()
        return xxh3_128_hexdigest(f"{self.rows.digest}{y.dtype.str}{described}".encode() + content)

    def subset(self, index: Index) -> Domain:
        """Return the rows at these positions; nothing large is copied."""
        part = object.__new__(Domain)
        part.rows, part.name, part.classes = self.rows.subset(index), self.name, self.classes
        part.y = None if self.y is None else self.y[index]
        part.labelled = self.labelled[index]
        return part

    def hide(self, index: Index) -> Domain:
        """Return the same rows, without the labels at these positions."""
        part = object.__new__(Domain)
        part.rows, part.name, part.classes, part.y = self.rows, self.name, self.classes, self.y
        part.labelled = self.labelled.copy()
        part.labelled[index] = False
        return part

    def unlabelled(self) -> Domain:
        """Return the same rows without any label."""
        return Domain(self.rows, classes=self.classes, name=self.name)

    def described(self, classes: Mapping[Any, Any] | Any) -> Domain:
        """Return the same rows and labels, with other descriptions of the classes."""
        part = self.hide(np.array([], dtype=np.intp))
        part.classes = Descriptions.of(classes)
        return part


def pool(domains: Sequence[Domain]) -> Domain:
    """Make one domain of several, e.g. of all the sources; nothing large is copied.

    Raises
    ------
    DataError
        If their rows differ in shape, or their labels in kind.
    """
    if len(domains) == 1:
        return domains[0]
    whole = Domain(StackedRows([d.rows for d in domains]), name=" + ".join(d.name for d in domains))
    labels = [d.y for d in domains if d.y is not None]
    if labels:
        holes = [d.y if d.y is not None else _no_labels(d.n_rows, labels[0]) for d in domains]
        kinds = {y.dtype.kind in "OU" for y in holes}
        if len(kinds) > 1:
            raise DataError("labels of all sources must be numbers, or all names; got both")
        whole.y = np.concatenate(holes)
        whole.labelled = np.concatenate([d.labelled for d in domains])
    whole.classes = join_descriptions(domains)
    return whole


def join_descriptions(domains: Iterable[Domain]) -> Descriptions | None:
    """Join what domains know of classes; where several describe one, the first holds.

    Raises
    ------
    DataError
        If they describe in different ways.
    """
    joined: Descriptions | None = None
    for one in (domain.classes for domain in domains if domain.classes is not None):
        joined = one if joined is None else joined.joined(one)
    return joined


def input_difference(domains: Mapping[str, Domain]) -> str:
    """Say how the inputs of named domains differ in kind, in a few words; nothing if they do not.

    Examples
    --------
    >>> import numpy as np
    >>> input_difference({"a": Domain(np.eye(3)), "b": Domain(np.ones((5, 2)))})
    "rows of shape (3,) in 'a' and rows of shape (2,) in 'b'"
    """
    (first, one), *others = ((name, _inputs(domain.rows)) for name, domain in domains.items())
    for name, other in others:
        if other != one:
            return f"{one} in {first!r} and {other} in {name!r}"
    return ""


def _inputs(rows: Rows) -> str:
    if isinstance(rows, FrameRows):
        return f"columns {', '.join(sorted(map(str, rows.frame.columns)))}"
    return "texts" if rows.kind == "texts" else f"rows of shape {rows.shape}"


def _no_labels(n: int, like: NDArray[Any]) -> NDArray[Any]:
    """Make labels of a kind, to stand where there are none."""
    return np.zeros((n, *like.shape[1:]), like.dtype)


def _labels(y: Any, missing: object) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Read labels: the values, and which rows have one."""
    values = _plain(y)
    there = ~_is_nothing(values)
    if missing == "auto":
        there &= ~_minus_one(values, there)
    elif missing is not None:
        there &= values != missing
    return values, np.asarray(there if values.ndim == 1 else there.any(axis=1), bool)


def _plain(y: Any) -> NDArray[Any]:
    """Turn labels of any library into an array of numbers, strings or objects: (n,) or (n, m)."""
    if isinstance(y, (loaded("pandas", "Series"), loaded("pandas", "DataFrame"))):
        y = y.to_numpy(dtype=object) if not _all_numbers(y) else y.to_numpy()
    if isinstance(y, (loaded("scipy.sparse", "spmatrix"), loaded("scipy.sparse", "sparray"))):
        raise DataError("labels must be an array or a list; got a sparse matrix")
    values = np.asarray(y)
    if values.dtype.kind == "U" and isinstance(y, (list, tuple)):
        values = np.asarray(y, object)  # NumPy makes names of the numbers beside names
    if values.dtype == object:
        values = _narrow(values)
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim not in {1, 2}:
        raise DataError(f"labels must be (n,) or (n, m); got an array of shape {values.shape}")
    if np.iscomplexobj(values):
        raise DataError("Complex data not supported: labels must be real numbers or names")
    if values.dtype.kind == "f" and np.isinf(values).any():
        raise DataError("labels must be finite, or NaN where one is missing; got infinity (inf)")
    return values


def _all_numbers(y: Any) -> bool:
    kinds = [y.dtype] if isinstance(y, loaded("pandas", "Series")) else list(y.dtypes)
    return all(isinstance(kind, np.dtype) and kind.kind in "biuf" for kind in kinds)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    """Make numbers of objects that are all numbers, and strings of those that are all strings."""
    nothing = _is_nothing(values)
    there = values[~nothing].tolist()
    if all(isinstance(v, (bool, np.bool_)) for v in there):
        return values if nothing.any() else values.astype(bool)
    if all(isinstance(v, (int, float, np.number)) for v in there):
        return np.where(nothing, np.nan, values).astype(float) if nothing.any() else _number(values)
    if all(isinstance(v, str) for v in there):
        return values if nothing.any() else values.astype(str)
    raise DataError("labels must be all numbers or all names; got a mixture of both")


def _number(values: NDArray[Any]) -> NDArray[Any]:
    whole = all(isinstance(v, (int, np.integer)) for v in values.ravel().tolist())
    return values.astype(np.int64 if whole else float)


def _is_nothing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), bool)
    if values.dtype == object:
        flat = [v is None or str(v) == "<NA>" or v != v for v in values.ravel().tolist()]  # noqa: PLR0124  NaN is not itself
        return np.array(flat, bool).reshape(values.shape)
    return np.zeros(values.shape, bool)


def _minus_one(values: NDArray[Any], there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Find the −1 that mean *missing*: those beside whole numbers that are all ≥ 0."""
    none = np.zeros(values.shape, bool)
    if values.dtype.kind not in "if" or values.ndim == 2:
        return none
    known = values[there]
    found = set(np.unique(known).tolist()) if (known == -1).any() else set()
    if not found or min(found) < -1 or any(v != int(v) for v in found):
        return none
    if found == {-1, 1}:
        raise DataError(
            "labels that are only -1 and 1 are ambiguous: in a file, write classes as 0 and 1 or "
            "as names, and leave missing ones empty (NaN); in Python, say missing=-1 if -1 means "
            "'no label', or missing=None if it is a class"
        )
    return np.asarray(values == -1, bool)
