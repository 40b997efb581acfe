"""Descriptions: attributes, vectors or texts of classes."""

from __future__ import annotations

import warnings
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, final

import numpy as np
from xxhash import xxh3_128_hexdigest

from fourfold.data.description_input import as_names, check_content, is_frame, plain, read_content
from fourfold.errors import DataError, FourfoldWarning, some

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from fourfold.data.description_input import Content

__all__ = ["Descriptions", "Kind", "candidate_classes"]

Kind: TypeAlias = Literal["attributes", "vectors", "texts"]


@final
class Descriptions:
    """One description of each class: attributes, a vector, or a text.

    Parameters
    ----------
    names
        (k,) names of the classes as in labels: whole numbers or words.
    content
        One row for each class: a DataFrame of attributes (numbers, truth values, categories; some
        may be missing), an array of vectors (k, d), or a list of texts.

    Raises
    ------
    DataError
        If names and descriptions differ in number; :meth:`of` also checks their content.

    Examples
    --------
    >>> animals = Descriptions.of({"horse": {"hoofs": 1, "legs": 4}, "crow": {"hoofs": 0}})
    >>> animals
    <Descriptions of 2 classes: attributes hoofs, legs>
    >>> "crow" in animals, "cow" in animals
    (True, False)
    """

    def __init__(self, names: Iterable[Any], content: Content) -> None:
        self.names = as_names(names)
        if len(content) != len(self.names):
            raise DataError(
                f"each class must have one description; got {len(self.names)} names and "
                f"{len(content)} descriptions"
            )
        self.kind: Kind
        self.frame: pd.DataFrame | None = None
        self.matrix: NDArray[np.float32] | None = None
        self.texts: list[str] | None = None
        if is_frame(content):
            self.kind, self.frame = "attributes", content.reset_index(drop=True)
        elif isinstance(content, np.ndarray):
            self.kind, self.matrix = "vectors", content
        else:
            self.kind, self.texts = "texts", [str(text) for text in content]

    @classmethod
    def of(
        cls, classes: Mapping[Any, Any] | pd.DataFrame | Sequence[str] | Descriptions
    ) -> Descriptions:
        """Read descriptions of classes, and refuse unusable ones.

        Parameters
        ----------
        classes
            Name → vector, → ``{attribute: value}``, or → text; or a DataFrame with one class a row,
            indexed by names, with attributes or a single column of texts. A list of names stands
            for texts that are the names themselves.

        Raises
        ------
        DataError
            If it is none of these, or a description is empty, not finite, or of another width.
        """
        if isinstance(classes, Descriptions):
            return classes
        names, content = read_content(classes)
        read = cls(names, content)
        check_content(read.names.tolist(), content)
        _warn_of_equal(read)
        return read

    def __repr__(self) -> str:
        what = f"attributes {some(self.attributes)}" if self.kind == "attributes" else _kind(self)
        return f"<Descriptions of {len(self)} classes: {what}>"

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.names.tolist())

    def __contains__(self, name: object) -> bool:
        return plain(name) in self._positions

    @property
    def attributes(self) -> list[str]:
        """Names of the attributes; numbered for vectors."""
        if self.frame is not None:
            return [str(column) for column in self.frame.columns]
        return [f"attribute {i}" for i in range(self.width)]

    @property
    def width(self) -> int:
        """Length of the vectors; number of attributes; 1 for texts."""
        if self.matrix is not None:
            return int(self.matrix.shape[1])
        return 1 if self.frame is None else len(self.frame.columns)

    @property
    def contents(self) -> list[Hashable]:
        """Content of each description, (k,): equal for equal descriptions."""
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
        """Hash of names and content: 32 hex digits."""
        if self.matrix is not None:
            content = np.ascontiguousarray(self.matrix).tobytes()
        elif self.frame is not None:
            kinds = [str(kind) for kind in self.frame.dtypes]
            content = f"{kinds}{self.frame.to_csv(index=False)}".encode()
        else:
            content = repr(self.texts).encode()
        return xxh3_128_hexdigest(f"{self.kind}{self.names.tolist()!r}".encode() + content)

    def subset(self, names: Iterable[Any]) -> Descriptions:
        """Return the descriptions of some classes, in the given order.

        Attributes without a value in any of these classes are dropped.

        Raises
        ------
        DataError
            If a class has no description.
        """
        wanted = [plain(name) for name in names]
        lacking = [name for name in wanted if name not in self._positions]
        if lacking:
            raise DataError(f"every class must be described; no description for {some(lacking)}")
        index = np.array([self._positions[name] for name in wanted], dtype=np.intp)
        if self.frame is not None:
            part = self.frame.iloc[index]
            return Descriptions(self.names[index], part.dropna(axis="columns", how="all"))
        if self.matrix is not None:
            return Descriptions(self.names[index], self.matrix[index])
        texts = self.texts or []
        return Descriptions(self.names[index], [texts[i] for i in index])

    def joined(self, other: Descriptions | None) -> Descriptions:
        """Return these descriptions and another's; of two descriptions of a class, this one's.

        Raises
        ------
        DataError
            If the two are of different kinds.
        """
        if other is None or other is self:
            return self
        new = other.subset(name for name in other.names.tolist() if name not in self)
        if self.kind != other.kind or (self.kind == "vectors" and self.width != other.width):
            raise DataError(
                "classes of source and target must be described in one way; got "
                f"{_kind(self)} and {_kind(other)}"
            )
        names = [*self.names.tolist(), *new.names.tolist()]
        if self.frame is not None and new.frame is not None:
            import pandas as pd

            return Descriptions(names, pd.concat([self.frame, new.frame]))
        if self.matrix is not None and new.matrix is not None:
            return Descriptions(names, np.concatenate([self.matrix, new.matrix]))
        return Descriptions(names, [*(self.texts or []), *(new.texts or [])])

    @cached_property
    def _positions(self) -> dict[Any, int]:
        return {name: i for i, name in enumerate(self.names.tolist())}


def _kind(one: Descriptions) -> str:
    return f"vectors of {one.width} numbers" if one.kind == "vectors" else one.kind


def _warn_of_equal(read: Descriptions) -> None:
    """Warn of classes with equal descriptions."""
    groups: dict[Hashable, list[Any]] = {}
    for name, content in zip(read.names.tolist(), read.contents, strict=True):
        groups.setdefault(content, []).append(name)
    equal = [" = ".join(map(str, group)) for group in groups.values() if len(group) > 1]
    if equal:
        warnings.warn(
            f"classes with equal descriptions cannot be told apart: {some(equal)}",
            FourfoldWarning,
            stacklevel=3,
        )


def candidate_classes(names: Iterable[Any], seen: Sequence[Any], *, generalized: bool) -> list[Any]:
    """Return the candidate classes of a row: described ones without examples, or all.

    Seen classes, those with examples, are candidates in a ``generalized`` question, and in any case
    if all described classes are seen.
    """
    described = list(names)
    if generalized:
        return [*described, *(name for name in seen if name not in set(described))]
    return [name for name in described if name not in set(seen)] or described
