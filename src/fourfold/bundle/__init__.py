"""Bundles: a fitted model as a folder that loads without its training data, and as ONNX."""

from __future__ import annotations

from fourfold.bundle.export import export
from fourfold.bundle.files import load, save

__all__ = ["export", "load", "save"]
