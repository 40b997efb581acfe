"""Inference by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from fourfold.frozen.engines.base import Engine
from fourfold.frozen.onnx import session

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnxruntime import InferenceSession

__all__ = ["OnnxRuntimeEngine"]


@final
class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on the CPU, with torch's number of threads at the first run.

    Parameters
    ----------
    model
        Bytes of an ONNX file; pickling keeps only these.
    block
        Number of rows of the model's input.
    """

    name = "onnxruntime"

    def __init__(self, model: bytes, block: int) -> None:
        self.model = model
        self.block = block
        self._session: InferenceSession | None = None

    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        if self._session is None:
            self._session = session(self.model)
        outputs: list[NDArray[Any]] = self._session.run(None, {"input": rows})
        return outputs

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_session": None}
