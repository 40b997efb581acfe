"""The store: values of frozen functions and other artifacts, computed once and kept on disk.

What goes in reads or writes the folder of a store, or decides when a value is computed.
"""

from fourfold.frozen.store.folders import StoreEntry
from fourfold.frozen.store.once import active, compute_once, frozen_rows, using
from fourfold.frozen.store.store import Store
from fourfold.frozen.store.stored_rows import StoredRows

__all__ = ["Store", "StoreEntry", "StoredRows", "active", "compute_once", "frozen_rows", "using"]
