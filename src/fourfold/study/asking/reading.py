"""Reading of the data of a study in words, for the terminal and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourfold.data.description import describe_reading
from fourfold.study.asking.arrays import describe_arrays

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.domain import Domain

__all__ = ["describe_data"]


def describe_data(domains: Sequence[Domain]) -> tuple[dict[str, str], list[str]]:
    """Return columns, labels, layouts and sizes in words, and remarks on doubtful ones."""
    from fourfold.readers.media.pictures import describe_sizes  # Pillow and decoders of sounds
    from fourfold.readers.media.transcribed import describe_speech

    lines, notes = describe_reading(domains)
    inputs = {
        "arrays": describe_arrays(domains),
        "pictures": describe_sizes([domain.rows for domain in domains]),
        "speech": describe_speech(domains),
    }
    return lines | {title: text for title, text in inputs.items() if text}, notes
