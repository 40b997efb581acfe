"""Data of a source and a target, and descriptions of classes, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fourfold import readers
from fourfold.errors import ParameterError
from fourfold.frozen.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.descriptions import Descriptions
    from fourfold.data.domain import Domain

__all__ = ["check_vectors", "read_all", "read_descriptions", "read_transfer"]


def read_transfer(
    source: Sequence[Path] | None,
    target: Path | None,
    evaluate: Path | None,
    label: str | None,
    classes: Path | None,
    vectors: Path | None,
) -> dict[str, Any]:
    """Read the data of a study of a source and a target, as keywords of ``Study``."""
    if not source or target is None:
        raise ParameterError("a study must be given --source and --target, or several --task")
    *sources, goal = read_all([*source, target], label, classes, vectors)
    rows = None if evaluate is None else readers.read_domain(evaluate, label=label, like=goal)
    return {"source": sources, "target": goal, "evaluate": rows}


def read_all(
    paths: Sequence[Path], label: str | None, classes: Path | None, vectors: Path | None
) -> list[Domain]:
    """Read several domains together; the last is the target, which gets the descriptions."""
    check_vectors(classes, vectors)
    domains = readers.read_domains(paths, label=label)
    if classes is not None:
        labels = next((domain.known for domain in domains if domain.n_labelled), None)
        domains[-1] = domains[-1].described(read_descriptions(classes, vectors, labels))
    return domains


def read_descriptions(
    classes: Path, vectors: Path | None, labels: NDArray[Any] | None = None
) -> Descriptions:
    """Read descriptions of classes, with names of the same type as the labels."""
    words = None
    if vectors is not None:
        from fourfold.readers.vectors import WordVectors

        words = WordVectors.open(vectors, store=Store.default())
    return readers.read_classes(classes, vectors=words, labels=labels)


def check_vectors(classes: Path | None, vectors: Path | None) -> None:
    """Refuse word vectors without names of classes."""
    if vectors is not None and classes is None:
        raise ParameterError("--vectors must stand beside --classes, the names; got it without")
