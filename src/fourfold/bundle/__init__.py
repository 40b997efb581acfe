"""Bundles: fitted models as folders that load without the training data, and as ONNX files.

Formats of saved models belong here; each estimator writes its own content into them.
"""

from __future__ import annotations

from fourfold.bundle.export import export
from fourfold.bundle.files import is_whole, load, save

__all__ = ["export", "is_whole", "load", "save"]
