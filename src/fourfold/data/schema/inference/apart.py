"""Values of a column that no file shares with another, and the cause."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from fourfold.data.schema.notes import joined

if TYPE_CHECKING:
    from fourfold.data.schema.inference.by_file import Parts

__all__ = ["unshared", "zeros_apart"]

ZEROS: Final = re.compile(r"^0+(?=\d)")
MOST: Final = 100_000
"""Of more different cells than these, the first count."""


def zeros_apart(parts: Parts, what: str) -> str:
    """Return a value that differs between files in leading zeros; empty if zeros matter.

    Examples
    --------
    >>> from fourfold.data.schema.inference.by_file import Parts
    >>> zeros_apart(Parts([], {"a.csv": ["007", "012"], "b.csv": ["7", "12"]}), "category")
    "'007' in a.csv is '7' in b.csv: leading zeros divide what is one category"
    """
    first: dict[str, tuple[str, str]] = {}
    for name, texts in parts.of.items():
        plain = [ZEROS.sub("", text) for text in texts[:MOST]]
        if len({*plain}) < len(plain):
            return ""  # 07 and 7 differ
        for bare, text in zip(plain, texts, strict=False):
            other, file = first.setdefault(bare, (text, name))
            if other != text:
                one = f"{joined([other])} in {file} is {joined([text])} in {name}"
                return f"{one}: leading zeros divide what is one {what}"
    return ""


def unshared(parts: Parts, what: str) -> str:
    """Return the files that share no value with another one, with examples; empty without any."""
    files = {name: texts for name, texts in parts.of.items() if texts}
    counts = Counter(text for texts in files.values() for text in texts)
    alone = [name for name, texts in files.items() if all(counts[text] == 1 for text in texts)]
    if len(files) < 2 or not alone:
        return ""
    shown = {name: f"{name} ({joined(files[name])})" for name in files}
    if len(files) == 2:
        return f"no {what} is in both {' and '.join(shown.values())}"
    return f"no {what} of {', '.join(shown[name] for name in alone)} is in another file"
