"""Descriptions: what is known of classes besides examples."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeGuard, final

import numpy as np

from fourfold.data.rows import loaded
from fourfold.errors import DataError, FourfoldWarning, some

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Descriptions", "Kind", "candidate_classes"]

Kind: TypeAlias = Literal["attributes", "vectors", "texts"]


@final
class Descriptions:
    """A description for each class: attributes, a vector, or a text.

    Parameters
    ----------
    names
        (k,) of the classes, as labels are written: whole numbers or words.
    content
        A row each: a DataFrame of attributes (numbers, truth values, categories; some may be
        missing), an array of vectors (k, d), or a list of texts.

    Raises
    ------
    DataError
        If names and descriptions differ in number; :meth:`of` checks what is in them, too.

    Examples
    --------
    >>> animals = Descriptions.of({"horse": {"hoofs": 1, "legs": 4}, "crow": {"hoofs": 0}})
    >>> animals
    <Descriptions of 2 classes: attributes hoofs, legs>
    >>> "crow" in animals, "cow" in animals
    (True, False)
    """

    def __init__(
        self, names: Iterable[Any], content: pd.DataFrame | NDArray[Any] | Sequence[str]
    ) -> None:
        self.names = _names(names)
        if len(content) != len(self.names):
            raise DataError(
                f"each class must have one description; got {len(self.names)} names and "
                f"{len(content)} descriptions"
            )
        self.kind: Kind
        self.frame: pd.DataFrame | None = None
        self.matrix: NDArray[np.float32] | None = None
        self.texts: list[str] | None = None
        if _is_frame(content):
            self.kind, self.frame = "attributes", content.reset_index(drop=True)
        elif isinstance(content, np.ndarray):
            self.kind, self.matrix = "vectors", content
        else:
            self.kind, self.texts = "texts", [str(text) for text in content]

    @classmethod
    def of(cls, classes: Mapping[Any, Any] | pd.DataFrame | Descriptions) -> Descriptions:
        """Read what somebody knows of classes, and refuse what cannot be used.

        Parameters
        ----------
        classes
            Name → vector, → ``{attribute: value}``, or → text; a DataFrame with a class a row,
            indexed by names, of attributes or with a single column of texts.

        Raises
        ------
        DataError
            If it is none of these, or a description is empty, not finite, or of another width.
        """
        if isinstance(classes, Descriptions):
            return classes
        if _is_frame(classes):
            read = _of_frame(classes)
        elif isinstance(classes, Mapping):
            read = _of_mapping(classes)
        else:
            raise DataError(
                "classes must be described by a table with a class a row, or by {name: vector, "
                f"attributes or text}}; got {type(classes).__name__}"
            )
        _check(read)
        return read

    def __repr__(self) -> str:
        what = {
            "attributes": f"attributes {some(self.attributes)}",
            "vectors": f"vectors of {self.width} numbers",
            "texts": "texts",
        }
        return f"<Descriptions of {len(self)} classes: {what[self.kind]}>"

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.names.tolist())

    def __contains__(self, name: object) -> bool:
        return _plain(name) in self._places

    @property
    def attributes(self) -> list[str]:
        """What the attributes are called; numbered where descriptions are vectors."""
        if self.frame is not None:
            return [str(column) for column in self.frame.columns]
        return [f"attribute {i}" for i in range(self.width)]

    @property
    def width(self) -> int:
        """Of vectors; how many attributes; 1 for texts."""
        if self.matrix is not None:
            return int(self.matrix.shape[1])
        return 1 if self.frame is None else len(self.frame.columns)

    @property
    def contents(self) -> list[Hashable]:
        """What is known of each class, (k,): equal where nothing tells two apart."""
        if self.matrix is not None:
            return [row.tobytes() for row in self.matrix]
        if self.frame is None:
            return list(self.texts or [])
        return [
            tuple(sorted((str(name), str(value)) for name, value in row.items() if value == value))  # noqa: PLR0124  NaN
            for row in self.frame.to_dict("records")
        ]

    @cached_property
    def digest(self) -> str:
        """One name for what is described, and how."""
        from xxhash import xxh3_128_hexdigest

        if self.matrix is not None:
            content = np.ascontiguousarray(self.matrix).tobytes()
        elif self.frame is not None:
            kinds = [str(kind) for kind in self.frame.dtypes]
            content = f"{kinds}{self.frame.to_csv(index=False)}".encode()
        else:
            content = repr(self.texts).encode()
        return xxh3_128_hexdigest(f"{self.kind}{self.names.tolist()!r}".encode() + content)

    def subset(self, names: Iterable[Any]) -> Descriptions:
        """Return the descriptions of some classes, in the order asked for.

        Attributes that none of them has are left out.

        Raises
        ------
        DataError
            If one of them is not described; the message names those.
        """
        wanted = [_plain(name) for name in names]
        lacking = [name for name in wanted if name not in self._places]
        if lacking:
            raise DataError(f"every class must be described; no description for {some(lacking)}")
        places = np.array([self._places[name] for name in wanted], dtype=np.intp)
        if self.frame is not None:
            part = self.frame.iloc[places]
            return Descriptions(self.names[places], part.dropna(axis="columns", how="all"))
        if self.matrix is not None:
            return Descriptions(self.names[places], self.matrix[places])
        texts = self.texts or []
        return Descriptions(self.names[places], [texts[i] for i in places])

    def joined(self, other: Descriptions | None) -> Descriptions:
        """Return these and another's; where both describe a class, this one's holds.

        Raises
        ------
        DataError
            If the two describe in different ways.
        """
        if other is None or other is self:
            return self
        new = other.subset(name for name in other.names.tolist() if name not in self)
        if self.kind != other.kind or (self.kind == "vectors" and self.width != other.width):
            raise DataError(
                "classes of source and target must be described in one way; got "
                f"{self.way} and {other.way}"
            )
        names = [*self.names.tolist(), *new.names.tolist()]
        if self.frame is not None and new.frame is not None:
            import pandas as pd

            return Descriptions(names, pd.concat([self.frame, new.frame]))
        if self.matrix is not None and new.matrix is not None:
            return Descriptions(names, np.concatenate([self.matrix, new.matrix]))
        return Descriptions(names, [*(self.texts or []), *(new.texts or [])])

    @property
    def way(self) -> str:
        """In a few words, how classes are described."""
        return f"vectors of {self.width} numbers" if self.kind == "vectors" else self.kind

    @cached_property
    def _places(self) -> dict[Any, int]:
        return {name: i for i, name in enumerate(self.names.tolist())}


def _is_frame(given: object) -> TypeGuard[pd.DataFrame]:
    """Tell a DataFrame, without importing pandas where nobody has."""
    return isinstance(given, loaded("pandas", "DataFrame"))


def _of_frame(frame: pd.DataFrame) -> Descriptions:
    if not len(frame) or not len(frame.columns):
        raise DataError(
            "a table of classes must have a class a row and a column that describes it; got "
            f"{len(frame)} rows, {len(frame.columns)} columns"
        )
    only = frame[frame.columns[0]]
    if len(frame.columns) == 1 and _are_texts(only):
        return Descriptions(frame.index, only.tolist())
    return Descriptions(frame.index, frame)


def _are_texts(column: pd.Series[Any]) -> bool:
    """Tell sentences from categories: all different, and some of more than three words."""
    values = column.tolist()
    if not all(isinstance(value, str) for value in values) or len(set(values)) < len(values):
        return False
    return any(len(value.split()) > 3 for value in values)


def _of_mapping(classes: Mapping[Any, Any]) -> Descriptions:
    if not classes:
        raise DataError("there must be a class to describe; got none")
    names, values = list(classes), list(classes.values())
    if all(isinstance(value, str) for value in values):
        return Descriptions(names, values)
    if all(isinstance(value, Mapping) for value in values):
        import pandas as pd  # heavy, and most domains are not described

        return Descriptions(names, pd.DataFrame([dict(value) for value in values]))
    return Descriptions(names, _stacked(names, values))


def _stacked(names: list[Any], values: list[ArrayLike]) -> NDArray[np.float32]:
    """Stack vectors (d,) that must be of one width."""
    try:
        vectors = [np.atleast_1d(np.asarray(value, np.float32)) for value in values]
    except (TypeError, ValueError, OverflowError):
        raise DataError(
            "classes must all be described by vectors of numbers, all by {attribute: value}, or "
            "all by texts; got a mixture or something else"
        ) from None
    first = vectors[0].shape
    for name, vector in zip(names, vectors, strict=True):
        if vector.ndim != 1 or vector.shape != first or not len(vector):
            raise DataError(
                f"descriptions must be vectors of one width; got shape {first} for {names[0]!r} "
                f"and {vector.shape} for {name!r}"
            )
    return np.stack(vectors)


def _names(names: Iterable[Any]) -> NDArray[Any]:
    """Write names as labels are written: whole numbers as such, else words."""
    listed = [_plain(name) for name in names]
    if all(isinstance(name, (int, bool)) for name in listed):
        return np.array(listed, dtype=np.int64) if listed else np.array([], dtype=np.int64)
    if not all(isinstance(name, str) for name in listed):
        raise DataError("names of classes must be all words or all whole numbers; got a mixture")
    return np.array(listed)


def _plain(name: Any) -> Any:
    """Return a Python object for a name of any library's type."""
    value = name.item() if isinstance(name, np.generic) else name
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _check(read: Descriptions) -> None:
    """Refuse descriptions that cannot be used."""
    names = read.names.tolist()
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise DataError(f"each class must be described once; got {twice!r} twice")
    if read.matrix is not None and not np.isfinite(read.matrix).all():
        bad = names[int(np.argmin(np.isfinite(read.matrix).all(axis=1)))]
        raise DataError(f"vectors must be finite; got NaN or infinity for {bad!r}")
    if read.texts is not None:
        empty = [name for name, text in zip(names, read.texts, strict=True) if not text.strip()]
        if empty:
            raise DataError(f"a description must not be empty; got an empty one for {empty[0]!r}")
    if read.frame is not None and read.frame.isna().all(axis=1).any():
        empty = [name for name, no in zip(names, read.frame.isna().all(axis=1), strict=True) if no]
        raise DataError(f"a class must have some attribute; got none for {some(empty)}")
    _warn_of_twins(read)


def _warn_of_twins(read: Descriptions) -> None:
    """Name classes that nothing tells apart."""
    groups: dict[Hashable, list[Any]] = {}
    for name, row in zip(read.names.tolist(), read.contents, strict=True):
        groups.setdefault(row, []).append(name)
    twins = [" = ".join(map(str, group)) for group in groups.values() if len(group) > 1]
    if twins:
        warnings.warn(
            f"classes with equal descriptions cannot be told apart: {some(twins)}",
            FourfoldWarning,
            stacklevel=4,
        )


def candidate_classes(names: Iterable[Any], seen: Sequence[Any], *, generalized: bool) -> list[Any]:
    """Return the classes that a row may be of: described ones without examples, or all.

    Parameters
    ----------
    names
        Described classes.
    seen
        Classes with examples.
    generalized
        Whether seen classes are candidates, too; they also are where all described ones are seen.
    """
    described = list(names)
    if generalized:
        return [*described, *(name for name in seen if name not in set(described))]
    return [name for name in described if name not in set(seen)] or described
