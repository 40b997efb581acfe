"""Kinds of labels, settled over all domains whose labels may mean the same."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias
from unicodedata import normalize

import numpy as np

from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = [
    "Kind",
    "are_binary",
    "as_numbers",
    "called",
    "check_names",
    "kind_difference",
    "label_kind",
    "settle_labels",
]

Kind: TypeAlias = Literal["classes", "numbers", "yes-no", "transcripts"]
"""One class a row, one number or several, several answers of yes and no, or a text to hear."""

WORDS: Final = {
    "classes": "classes",
    "numbers": "numbers",
    "yes-no": "yes-no answers",
    "transcripts": "transcripts",
}


def label_kind(domain: Domain, *beside: Domain) -> Kind:
    """Return the kind of a domain's labels, in view of other domains beside it.

    A schema settles it. Else names, whole numbers and truth values are classes, measurements (see
    :attr:`~fourfold.data.domain.Domain.measured`) numbers; several columns are answers where all
    are 0 or 1, and else numbers. Few whole numbers show no gaps: they are numbers also where those
    of a domain beside it are, unless they count from 0 as codes of classes do, or from 1 outside of
    the others' range. Labels of utterances are transcripts.

    Raises
    ------
    DataError
        If the domain has no labels, or labels are numbers in one domain and the same numbers
        written as names in another one.
    """
    if domain.rows.spoken:
        return "transcripts"
    schema = domain.schema
    if schema is not None and schema.labels is not None:
        kind = schema.labels.type
        if kind == "classes" and width(domain):
            raise DataError(
                f"labels of {called(domain)} that are classes must be (n,); got {width(domain)} a "
                "row: label_type='yes-no' for answers, or 'numbers'"
            )
        return "classes" if kind == "yes-no" and not width(domain) else kind
    alike = [domain, *(d for d in beside if d.n_labelled and width(d) == width(domain))]
    check_names(*alike)
    if domain.known.ndim == 2:
        return "yes-no" if all(are_binary(d.known) for d in alike) else "numbers"
    if domain.measured:
        return "numbers"
    measured = [d.known.astype(float) for d in alike if d.measured]
    return "numbers" if measured and _joins(domain, measured) else "classes"


def settle_labels(domains: Sequence[Domain]) -> list[Domain]:
    """Return domains whose labels are all marked as measurements that are some beside the others.

    Raises
    ------
    DataError
        If labels are numbers in one domain and the same numbers written as names in another one.
    """
    return [
        one.measurements()
        if one.n_labelled and not width(one) and _are_numbers(one, domains)
        else one
        for one in domains
    ]


def kind_difference(one: Domain, other: Domain) -> str:
    """Describe the difference in kind between the labels of two domains; "" if there is none."""
    if not one.n_labelled or not other.n_labelled:
        return ""
    (a, first), (b, second) = (
        (width(d), WORDS[label_kind(d, e)]) for d, e in ((one, other), (other, one))
    )
    if first != second:
        return f"{first} in {called(one)}, {second} in {called(other)}"
    return "" if a == b else f"{a or 1} a row in {called(one)}, {b or 1} a row in {called(other)}"


def check_names(*domains: Domain) -> None:
    """Refuse 1-D labels that are numbers in one domain and the same numbers as names in another.

    Raises
    ------
    DataError
        If there are such, or names that differ in their form of Unicode alone.
    """
    labelled = [d for d in domains if d.n_labelled and d.known.ndim == 1 and not d.rows.spoken]
    _check_forms(labelled)
    for pair in combinations(labelled, 2):
        named = [d for d in pair if _are_names(d)]
        if len(named) != 1:
            continue
        (numbered,) = (d for d in pair if d is not named[0])
        found = [name for name in named[0].counts if _number(name) in numbered.counts]
        if found:
            raise DataError(
                f"labels of {called(named[0])} and of {called(numbered)} must both be names or "
                f"both be numbers; got names such as {some(map(repr, found), 2)} beside numbers "
                f"such as {some(list(numbered.counts)[:2])}: convert one of them"
            )


def _check_forms(domains: Sequence[Domain]) -> None:
    """Refuse names of classes that are one in Unicode NFC."""
    first: dict[str, str] = {}
    for name in (name for domain in domains for name in domain.counts if isinstance(name, str)):
        other = first.setdefault(normalize("NFC", name), name)
        if other != name:
            raise DataError(
                f"names of classes must be written in one form of Unicode; got {name!r} in two: "
                "unicodedata.normalize('NFC', name) makes them equal"
            )


def width(domain: Domain) -> int:
    """Return the number of columns of 2-D labels; 0 for 1-D ones."""
    y = domain.known
    return y.shape[1] if y.ndim == 2 else 0


def are_binary(y: NDArray[Any]) -> bool:
    """Return whether all labels are 0, 1 or missing."""
    numbers = as_numbers(y)
    return bool(np.isin(numbers[~np.isnan(numbers)], (0, 1)).all())


def as_numbers(y: NDArray[Any]) -> NDArray[np.float64]:
    """Convert labels to numbers (n, m).

    Raises
    ------
    DataError
        If they are names.
    """
    try:
        return y.astype(np.float64).reshape(len(y), -1)
    except (TypeError, ValueError):
        raise DataError("labels of a regression must be numbers; got names") from None


def _are_numbers(domain: Domain, domains: Sequence[Domain]) -> bool:
    return label_kind(domain, *(other for other in domains if other is not domain)) == "numbers"


def _joins(domain: Domain, measured: Sequence[NDArray[np.float64]]) -> bool:
    """Return whether whole numbers are measurements like others, and no codes of classes."""
    described = domain.classes is not None and all(k in domain.classes for k in domain.counts)
    if described or _are_names(domain):
        return False
    values = np.unique(domain.known.astype(float))
    if np.array_equal(values, np.arange(len(values))):
        return False
    inside = any(values[0] <= y.max() and y.min() <= values[-1] for y in measured)
    return inside or values[0] not in {0.0, 1.0}


def _are_names(domain: Domain) -> bool:
    return isinstance(next(iter(domain.counts)), str)


def _number(name: object) -> float | None:
    """Return the number that a name spells, if it spells one."""
    try:
        return float(str(name))
    except ValueError:
        return None


def called(domain: Domain) -> str:
    """Quote the name of a domain for messages."""
    return repr(domain.name) if domain.name else "the data"
