"""Classes of optional libraries, without importing the libraries."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["imported_class"]


class _Never:
    """A class without instances, in place of a class of a library that is not imported."""


def imported_class(package: str, name: str) -> type[Any]:
    """Return a class of a package if the package is imported, else a class without instances.

    An object of a library cannot exist before the library is imported, so ``isinstance`` needs no
    import.
    """
    module: Any = sys.modules.get(package)
    for part in name.split("."):
        module = getattr(module, part, None)
    return module if isinstance(module, type) else _Never
