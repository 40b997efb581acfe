"""Networks of columns: adapters, a column, and the columns side by side.

What progressive networks compute belongs here; how they are trained does not.
"""

from __future__ import annotations

from fourfold.networks.columns.column import END, Activations, Column, joints, new_column
from fourfold.networks.columns.stack import ColumnNetwork, ColumnStack

__all__ = [
    "END",
    "Activations",
    "Column",
    "ColumnNetwork",
    "ColumnStack",
    "joints",
    "new_column",
]
