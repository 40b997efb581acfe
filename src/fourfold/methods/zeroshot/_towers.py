"""A pair of towers as the source: it has learnt already where names of classes lie."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fourfold import networks
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.core.serialization import from_plain, to_plain
from fourfold.errors import BundleError, DataError
from fourfold.estimators.problem import ClassDescriptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.data.descriptions import Descriptions
    from fourfold.estimators.problem import Given, Problem

__all__ = ["NETWORK", "classes_of_towers", "described_later", "tower_state"]

NETWORK: Final = "towers_"
"""Name in the fitted state of the pair of towers, its hash and the scale of its cosines."""


def classes_of_towers(given: Given) -> ClassDescriptions | None:
    """Return the classes that a target names, all without examples, as vectors of the pair.

    None where the source is none.

    Raises
    ------
    DataError
        If the target names no classes.
    """
    pair, target = given.pair, given.target
    if pair is None:
        return None
    if target.classes is None:
        raise DataError(
            "classes must be named, Domain(X, classes=[...]), for a network of two towers as the "
            "source; got none"
        )
    candidates = pair.towers().describe(target.classes)
    return ClassDescriptions([], candidates.subset([]), candidates, Signatures.fit(candidates))


def tower_state(problem: Problem) -> dict[str, Any]:
    """Return the part of the fitted state about a pair of towers; empty for other sources."""
    if (pair := problem.pair) is None:
        return {}
    towers = pair.towers()
    return {NETWORK: {"network": to_plain(pair), "digest": towers.digest, "scale": towers.scale}}


def described_later(state: Mapping[str, Any], classes: Descriptions) -> Descriptions:
    """Return classes that came after a fit as vectors, if its source was a pair of towers.

    Raises
    ------
    FileError
        If classes are texts, and the pair is not here.
    BundleError
        If it has other weights now.
    """
    if NETWORK not in state or classes.texts is None:
        return classes
    saved = state[NETWORK]
    towers = from_plain(saved["network"], networks.BUILDERS).towers(download=False)
    if towers.digest != saved["digest"]:
        raise BundleError(
            "the network of two towers must be the one that was the source "
            f"({saved['digest']:.32}); got other weights ({towers.digest:.32})"
        )
    described: Descriptions = towers.describe(classes)
    return described
