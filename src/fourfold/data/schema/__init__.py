"""The schema: how columns, labels and rows of tables are read, over all piles together.

What infers, describes or applies it belongs here; numbers for networks are made by ``preparation``.
"""

from fourfold.data.schema.column import Column
from fourfold.data.schema.description import describe_labels, describe_schema
from fourfold.data.schema.hints import Hints, Note, Pile
from fourfold.data.schema.labels import Labels
from fourfold.data.schema.schema import ReadPile, Schema, as_pile, infer_schema, read_piles

__all__ = [
    "Column",
    "Hints",
    "Labels",
    "Note",
    "Pile",
    "ReadPile",
    "Schema",
    "as_pile",
    "describe_labels",
    "describe_schema",
    "infer_schema",
    "read_piles",
]
