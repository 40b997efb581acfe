"""Inference engines: frozen modules on blocks of rows.

One file holds one engine; a new engine subclasses ``Engine`` and is built by ``start_engine``.
"""

from fourfold.frozen.engines.base import Engine, EngineName, Precision
from fourfold.frozen.engines.onnx_runtime import OnnxRuntimeEngine
from fourfold.frozen.engines.pytorch import TorchEngine
from fourfold.frozen.engines.start import start_engine

__all__ = [
    "Engine",
    "EngineName",
    "OnnxRuntimeEngine",
    "Precision",
    "TorchEngine",
    "start_engine",
]
