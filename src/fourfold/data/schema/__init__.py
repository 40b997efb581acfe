"""The schema of tables: kinds of columns, labels and rows, over all piles together.

Inference, description and use of it belong here; numbers for networks are made by ``preparation``.
"""

from fourfold.data.schema.column import NAMES_ROWS, Column
from fourfold.data.schema.hints import Hints
from fourfold.data.schema.labels import Labels
from fourfold.data.schema.notes import Note
from fourfold.data.schema.piles import Pile, as_pile, check_label, in_one_name
from fourfold.data.schema.plain import Plain, mark_of, settle_plain
from fourfold.data.schema.reading import infer_schema, read_piles
from fourfold.data.schema.schema import ReadPile, Schema
from fourfold.data.schema.unused import label_notes

__all__ = [
    "NAMES_ROWS",
    "Column",
    "Hints",
    "Labels",
    "Note",
    "Pile",
    "Plain",
    "ReadPile",
    "Schema",
    "as_pile",
    "check_label",
    "in_one_name",
    "infer_schema",
    "label_notes",
    "mark_of",
    "read_piles",
    "settle_plain",
]
