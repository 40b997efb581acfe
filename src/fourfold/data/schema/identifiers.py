"""Names of columns of identifiers: of rows, and of persons or accounts with several rows."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["is_named_identifier", "is_named_individual", "words_of"]

IDENTIFIERS: Final = frozenset({"guid", "id", "identifier", "ids", "uuid"})
"""Last words of a name of rows."""
INDIVIDUALS: Final = frozenset(
    {
        *("account", "animal", "client", "customer", "household", "participant", "patient"),
        *("person", "recording", "speaker", "subject", "user"),
    }
)
"""Last words of a name of persons, accounts, ..., with many rows each."""
OTHERS: Final = frozenset(
    {
        *("case", "device", "employee", "file", "item", "loan", "member", "order", "product"),
        *("record", "row", "sample", "session", "store", "student", "transaction"),
    }
)
"""Words that are also written with ``id`` as one."""
NUMBERS: Final = frozenset({"code", "key", "name", "no", "nr", "number"})
"""Words that may follow an individual."""
PARTS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
"""Words of a name: ``patientId`` and ``PATIENT_ID`` are of two."""


def is_named_identifier(name: str) -> bool:
    """Return whether a name is one of an identifier: ``id``, ``rowId``, ``USER_ID``, ``userid``.

    Examples
    --------
    >>> [is_named_identifier(name) for name in ("PATIENT_ID", "userid", "paid", "HUMID", "grid")]
    [True, True, False, False, False]
    """
    *_, last = ["", *words_of(name)]
    joined = last.endswith("id") and last[:-2] in INDIVIDUALS | OTHERS
    return last in IDENTIFIERS or joined or last == "key"


def is_named_individual(name: str) -> bool:
    """Return whether a name is one of persons, accounts, ...: ``speaker``, ``customerNo``, ``id``.

    Examples
    --------
    >>> [is_named_individual(name) for name in ("Speaker", "customerNo", "session_id", "price")]
    [True, True, True, False]
    """
    words = words_of(name)
    if words[-1:] and words[-1] in NUMBERS:
        words.pop()
    return bool(words) and (words[-1] in INDIVIDUALS or is_named_identifier(words[-1]))


def words_of(name: str) -> list[str]:
    """Return the words of a name, in lower case."""
    return [word.lower() for word in PARTS.findall(name)]
