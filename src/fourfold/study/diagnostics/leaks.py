"""Leaks of unseen classes into training data: they make zero-shot scores too good."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from fourfold.errors import some

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from fourfold.data.domain import Domain

__all__ = ["leaks"]


def leaks(source: Domain, target: Domain, evaluate: Domain | None = None) -> list[str]:
    """List the leaks of unseen classes into the source, a sentence each.

    An unseen class must be new: without examples under another spelling, and without the
    description of a seen class.

    Examples
    --------
    >>> from fourfold import Domain
    >>> seen = Domain([[0.0], [1.0]], ["Gray wolf", "deer"])
    >>> leaks(seen, Domain([[2.0]], classes={"grey wolf": [1.0], "gray  wolves": [2.0]}))
    ["unseen class 'gray  wolves' has examples as 'Gray wolf'."]
    """
    seen = list(source.counts)
    named = [] if target.classes is None else target.classes.names.tolist()
    judged = [] if evaluate is None else list(evaluate.counts)
    unseen = [name for name in dict.fromkeys([*named, *judged]) if name not in set(seen)]
    found = [*_spellings(seen, unseen), *_twins(source, target, seen, unseen)]
    given = sorted(set(target.counts) & set(unseen), key=str)
    if given:
        found.append(
            f"the target has labels of unseen classes, {some(map(repr, given))}: zero-shot methods "
            "do not look at them, other methods do."
        )
    return found


def _spellings(seen: Sequence[Any], unseen: Sequence[Any]) -> list[str]:
    """Find unseen classes with the name of a seen one but for case, accents, signs or plural."""
    stems: dict[str, Any] = {}
    for name in seen:
        for stem in _stems(str(name)):
            stems.setdefault(stem, name)
    found = []
    for name in unseen:
        hits = [stems[stem] for stem in _stems(str(name)) if stem in stems]
        if hits:
            found.append(f"unseen class {name!r} has examples as {hits[0]!r}.")
    return found


def _stems(name: str) -> list[str]:
    """Return the lower-case letters and digits of a name, and of its singular."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    bare = "".join(letter for letter in plain if letter.isalnum())
    stems = [bare]
    for ending, singular in (("ies", "y"), ("ves", "f"), ("es", ""), ("s", "")):
        if len(bare) > len(ending) + 2 and bare.endswith(ending):
            stems.append(bare.removesuffix(ending) + singular)
    return stems


def _twins(source: Domain, target: Domain, seen: Sequence[Any], unseen: Sequence[Any]) -> list[str]:
    """Find unseen classes with the description of a seen one."""
    known = [domain.classes for domain in (target, source) if domain.classes is not None]
    rows: dict[Any, Hashable] = {}
    for descriptions in known:
        for name, row in zip(descriptions, descriptions.contents, strict=True):
            rows.setdefault(name, row)
    first = {rows[name]: name for name in reversed(seen) if name in rows}
    return [
        f"unseen class {name!r} is described as the seen class {first[rows[name]]!r} is."
        for name in unseen
        if name in rows and rows[name] in first
    ]
