"""Inference by OpenVINO, an extra: the fastest on CPUs of Intel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np
import torch

from fourfold.errors import BundleError, MissingExtraError
from fourfold.frozen.engines import Engine, Precision

try:
    import openvino
except ImportError as error:
    raise MissingExtraError("openvino", "openvino") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["OpenVinoEngine", "version"]


def version() -> str:
    """Return the version of OpenVINO."""
    return str(openvino.__version__)


@final
class OpenVinoEngine(Engine):
    """OpenVINO on the CPU, with torch's number of threads at the first run.

    Pickling keeps only the bytes of the ONNX file, ``model``. ``"bf16"`` is half precision on CPUs
    that support it.
    """

    name = "openvino"

    def __init__(self, model: bytes, block: int, precision: Precision = "fp32") -> None:
        self.model = model
        self.block = block
        self.precision = precision
        self._request: Any = None

    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        self._request = self._request or self._compile()
        outputs = self._request.infer([rows], share_inputs=True)
        # copied, because the next run overwrites them
        return [np.array(outputs[i]) for i in range(len(outputs))]

    def _compile(self) -> Any:
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "NUM_STREAMS": 1,
        }
        try:
            compiled = core.compile_model(core.read_model(self.model), "CPU", settings)
            return compiled.create_infer_request()
        except RuntimeError as error:
            raise BundleError(f"the model must be runnable by OpenVINO; got: {error}") from error

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_request": None}
