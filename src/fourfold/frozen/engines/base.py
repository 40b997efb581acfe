"""The interface of inference engines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Engine", "EngineName", "Precision"]

EngineName: TypeAlias = Literal["onnxruntime", "openvino", "torch"]
Precision: TypeAlias = Literal["fp32", "bf16"]


class Engine(ABC):
    """Inference of a frozen module on blocks of a fixed size.

    Attributes
    ----------
    name
        Name in keys and options.
    block
        Number of rows of a block.
    """

    name: EngineName
    block: int

    @abstractmethod
    def run(self, rows: NDArray[Any]) -> list[NDArray[Any]]:
        """Compute the taps and the output of a whole block: (block, ...) each."""
