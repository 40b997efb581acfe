"""Seen and candidate classes of a zero-shot problem, with their descriptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.tasks import Classification
from fourfold.data.descriptions import candidate_classes
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.problem import ClassDescriptions
from fourfold.preparation.texts import encode_descriptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import Pretrained

__all__ = ["described_classes", "seen_classes"]


def seen_classes(name: str, source: Domain | None, pretrained: Pretrained | None) -> list[Any]:
    """Return the classes with examples in the source.

    Parameters
    ----------
    name
        Of the method, for messages.
    source, pretrained
        Data, or a trained classifier.
    """
    if pretrained is not None:
        if not isinstance(pretrained.task, Classification):
            raise ParameterError(
                f"source of {name} must be data with classes, or an estimator that was fitted "
                "to some; got a model that names none"
            )
        known: list[Any] = pretrained.task.classes_.tolist()
        return known
    if source is None or source.known.ndim > 1 or source.measured:
        raise DataError(f"{name} must have classes to learn; got a source whose labels are numbers")
    seen: list[Any] = Classification().fit(source).classes_.tolist()
    if len(seen) < 2:
        raise DataError(
            f"the source must have examples of at least two classes; got one class, {seen[0]!r}"
        )
    return seen


def described_classes(
    name: str, domains: Sequence[Domain], seen: list[Any], encoder: str, *, generalized: bool
) -> ClassDescriptions:
    """Return descriptions of the seen and of the candidate classes.

    Parameters
    ----------
    name
        Of the method, for messages.
    domains
        The source, if it is data, and the target, whose descriptions name the candidates.
    seen
        Classes with examples.
    encoder
        Sentence encoder for texts.
    generalized
        Whether seen classes are candidates, too.
    """
    known = [encode_descriptions(d.classes, encoder) for d in domains if d.classes is not None]
    if not known:
        raise DataError(
            f"{name} must know descriptions of the classes, Domain(..., classes=...); got none"
        )
    own, asked = known[0], known[-1]  # the target's where it has some, else the source's
    of_seen = (own if own is asked else own.joined(asked)).subset(seen)
    names = candidate_classes(asked, seen, generalized=generalized)
    candidates = asked.joined(of_seen).subset(names)
    signatures = Signatures.fit(candidates.joined(of_seen))
    return ClassDescriptions(seen, of_seen, candidates, signatures)
