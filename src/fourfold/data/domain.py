"""A domain: inputs with all, some or none of their labels."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
from xxhash import xxh3_128_hexdigest

from fourfold.data.annotations import Annotations
from fourfold.data.descriptions import Descriptions
from fourfold.data.frames import read_by
from fourfold.data.labels import are_measured, read_labels
from fourfold.data.rows import Rows, as_rows
from fourfold.errors import DataError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.rows import Index
    from fourfold.data.schema import Schema

__all__ = ["Domain"]

COMPUTED: Final = frozenset({"constant", "counts", "digest", "measured"})
"""Cached properties."""


@final
class Domain:
    """Inputs, optional labels and optional descriptions of the classes.

    It has on purpose no ``__len__``, ``shape`` or ``__array__``: scikit-learn silently slices fit
    parameters that look like arrays of the length of X, and a source must stay whole.

    Parameters
    ----------
    X
        (n, ...): an array or memory map, a sparse matrix, a DataFrame, a Hugging Face dataset,
        texts (a list, 1-D array or Series of strings), or :class:`~fourfold.data.rows.Rows` from a
        reader.
    y
        (n,) or (n, m) labels; None without labels.
    classes
        :class:`~fourfold.data.descriptions.Descriptions` of the classes, or ``{name: vector}``,
        ``{name: {attribute: value}}``, ``{name: text}``, a table, or a list of names; a target's
        are its candidates.
    missing
        Mark of a missing label. ``"auto"``: −1 beside classes ≥ 0; a value: that value; None: no
        mark. NaN and None are missing in any case.
    name
        Name in messages and reports.
    groups
        (n,) person, account or recording of each row; none is divided between training and judging.
    time
        (n,) moment of each row, dates or numbers: what is judged is never before what is learnt.
    sample_weight
        (n,) weights of the rows' labels, at least 0, in the losses of training and in scores; a
        label of weight 0 counts as missing.
    ids
        (n,) names of the rows.
    schema
        Of a DataFrame; it may name columns of labels, groups, times, weights and ids. By default it
        is inferred where it is needed, over all domains together.

    Raises
    ------
    DataError
        If X has no rows, y or an annotation has another number, or y is only −1 and 1 while
        ``missing`` is ``"auto"``.

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
        groups: Any = None,
        time: Any = None,
        sample_weight: Any = None,
        ids: Any = None,
        schema: Schema | None = None,
    ) -> None:
        self.rows: Rows = as_rows(X)
        self.name, self.schema = name, schema
        beside = {"groups": groups, "time": time, "sample_weight": sample_weight, "ids": ids}
        if schema is not None and self.rows.kind == "table" and self.rows.columns is None:
            self.rows, found, marked = read_by(schema, self.rows)
            y, missing = (found, None) if y is None else (y, missing)
            beside = {key: marked.get(key) if own is None else own for key, own in beside.items()}
        self.annotations = Annotations.read(self.rows.n, **beside)
        self.classes = None if classes is None else Descriptions.of(classes)
        self.y: NDArray[Any] | None = None
        self.labelled: NDArray[np.bool_] = np.zeros(self.rows.n, bool)
        if y is not None:
            self.y, self.labelled = read_labels(y, missing)
            if len(self.y) != self.rows.n:
                raise DataError(
                    "inputs and labels must have the same number of rows (inconsistent numbers of "
                    f"samples); got {self.rows.n} and {len(self.y)}"
                )
            if self.annotations.weight is not None:
                self.labelled &= self.annotations.weight > 0

    @classmethod
    def of(cls, X: Any, y: Any = None, *, name: str = "") -> Domain:
        """Return X if it is a Domain, else a Domain of X and y."""
        if not isinstance(X, Domain):
            return cls(X, y, name=name)
        if y is not None:
            raise DataError("labels must come inside a Domain; got a Domain and y beside it")
        return X

    def __repr__(self) -> str:
        name = f" {self.name}" if self.name else ""
        return f"<Domain{name}: {counted(self.n_rows, 'row')}, {self.n_labelled} labelled>"

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return self.rows.n

    @property
    def n_labelled(self) -> int:
        """Number of rows with a label (with at least one, if labels are 2-D)."""
        return int(self.labelled.sum())

    @property
    def known(self) -> NDArray[Any]:
        """Labels of the labelled rows, in order.

        Raises
        ------
        DataError
            If there are none.
        """
        if self.y is None or not self.labelled.any():
            raise DataError(f"{self.name or 'the domain'} must have labels; got none")
        return self.y[self.labelled]

    @property
    def known_weight(self) -> NDArray[np.float64] | None:
        """Weights of the labelled rows, in order; None where all are alike."""
        weight = self.annotations.weight
        return None if weight is None else weight[self.labelled]

    @cached_property
    def counts(self) -> dict[Any, int]:
        """Number of rows of each label, for 1-D labels; empty for transcripts, which differ."""
        if self.y is None or self.y.ndim > 1 or self.rows.spoken or not self.labelled.any():
            return {}
        values, counts = np.unique(self.known, return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))

    @cached_property
    def measured(self) -> bool:
        """Whether 1-D labels are measurements rather than classes.

        Fractions are measurements. So are more than 50 different whole numbers with gaps between
        them, such as prices, or not from 0 or 1 on, such as ages, unless all are described classes.
        """
        if self.y is None or self.y.ndim > 1 or self.rows.spoken or not self.labelled.any():
            return False
        if self.schema is not None and self.schema.labels is not None:
            return self.schema.labels.type == "numbers"
        if self.classes is not None and all(label in self.classes for label in self.counts):
            return False
        y = np.array(self.known.tolist()) if self.y.dtype == object else self.known
        return y.dtype.kind in "iuf" and are_measured(y)

    @cached_property
    def constant(self) -> bool:
        """Whether labels are numbers, several of a kind, and all the same."""
        if self.y is None or self.y.dtype.kind not in "iuf" or not self.labelled.any():
            return False
        y = self.known
        alike = np.fmin.reduce(y) == np.fmax.reduce(y)
        return bool(alike.all() and (~np.isnan(y)).sum(axis=0).max() > 1)

    @cached_property
    def digest(self) -> str:
        """Hash of the content of inputs, labels, annotations and descriptions: 32 hex digits."""
        described = "" if self.classes is None else self.classes.digest
        beside = self.annotations.content()
        if self.y is None:
            whole = f"{self.rows.digest}{described}".encode() + beside
            return xxh3_128_hexdigest(whole) if described or beside else self.rows.digest
        y = self.y.astype("U") if self.y.dtype == object else self.y
        content = np.ascontiguousarray(y).tobytes() + self.labelled.tobytes() + beside
        return xxh3_128_hexdigest(f"{self.rows.digest}{y.dtype.str}{described}".encode() + content)

    def subset(self, index: Index) -> Domain:
        """Return the rows at these positions; nothing large is copied.

        Labels stay measurements, and constant, if all of them are.
        """
        return self._with(
            rows=self.rows.subset(index),
            y=None if self.y is None else self.y[index],
            labelled=self.labelled[index],
            annotations=self.annotations.at(index),
            measured=self.measured,
            constant=self.constant,
        )

    def drawn(self, most: int) -> Domain:
        """Return at most so many rows, drawn by content; the others may then be forgotten."""
        part = self.subset(self.rows.draw(most))
        part.rows = part.rows.apart()
        return part

    def hide(self, index: Index) -> Domain:
        """Return the same rows without the labels at these positions; see :meth:`subset`."""
        labelled = self.labelled.copy()
        labelled[index] = False
        return self._with(labelled=labelled, measured=self.measured, constant=self.constant)

    def unlabelled(self) -> Domain:
        """Return the same rows without labels."""
        return self._with(y=None, labelled=np.zeros(self.n_rows, bool))

    def with_weight(self, weight: Any) -> Domain:
        """Return the same rows and labels with weights (n,) of at least 0; None: all alike."""
        beside = {"groups": None, "time": None, "ids": None}
        found = Annotations.read(self.n_rows, sample_weight=weight, **beside)
        return self._with(annotations=replace(self.annotations, weight=found.weight))

    def described(self, classes: Mapping[Any, Any] | Any) -> Domain:
        """Return the same rows and labels with other descriptions of the classes."""
        return self._with(classes=Descriptions.of(classes))

    def measurements(self) -> Domain:
        """Return the same rows with labels that are known to be measurements."""
        return self._with(measured=True)

    def with_rows(self, rows: Rows, schema: Schema | None = None) -> Domain:
        """Return the same labels and annotations with other inputs, perhaps read by a schema."""
        return self._with(rows=rows, schema=schema or self.schema)

    def named(self, name: str) -> Domain:
        """Return the domain with a name, if it has none of its own."""
        return self if self.name else self._with(name=name)

    def _with(self, **changes: Any) -> Domain:
        """Return a copy with other attributes, and nothing that was computed from the old ones."""
        part = object.__new__(Domain)
        kept = {name: value for name, value in vars(self).items() if name not in COMPUTED}
        part.__dict__.update(kept | changes)
        return part
