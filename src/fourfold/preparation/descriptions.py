"""Vectors of class descriptions that are sentences."""

from __future__ import annotations

from fourfold.data.descriptions import Descriptions

__all__ = ["with_vectors"]


def with_vectors(descriptions: Descriptions, encoder: str) -> Descriptions:
    """Encode descriptions that are texts; others are returned as they are.

    Raises
    ------
    MissingExtraError, FileError
        If there is no sentence encoder.
    """
    if descriptions.texts is None:
        return descriptions
    from fourfold.preparation.sentences import encode_sentences

    return Descriptions(descriptions.names, encode_sentences(descriptions.texts, encoder))
