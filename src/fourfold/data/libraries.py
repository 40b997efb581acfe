"""Classes of optional libraries, without importing the libraries."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["imported_classes"]


def imported_classes(package: str, *names: str) -> tuple[type[Any], ...]:
    """Return those classes of a package that exist, for ``isinstance``; none before its import.

    An object of a library cannot exist before the library is imported.
    """
    module = sys.modules.get(package)
    found = (getattr(module, name, None) for name in names)
    return tuple(one for one in found if isinstance(one, type))
