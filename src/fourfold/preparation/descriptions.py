"""Class descriptions in words as vectors."""

from __future__ import annotations

from fourfold.data.descriptions import Descriptions

__all__ = ["encode_descriptions"]


def encode_descriptions(descriptions: Descriptions, encoder: str) -> Descriptions:
    """Encode descriptions that are texts; return others unchanged.

    Raises
    ------
    MissingExtraError, FileError
        If no sentence encoder is installed, or the model is missing.
    """
    if descriptions.texts is None:
        return descriptions
    from fourfold.preparation.sentences import encode_sentences

    return Descriptions(descriptions.names, encode_sentences(descriptions.texts, encoder))
