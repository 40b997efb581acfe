"""Parts of an estimator that become one ONNX file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor, nn

__all__ = ["Exportable"]


@final
@dataclass(frozen=True)
class Exportable:
    """A fitted model as a chain from one input to one output, with an example of both.

    Attributes
    ----------
    stages
        What is done, one after another: modules, or the bytes of an ONNX file with one input and
        one output, where a module's code is not there any more.
    example
        (n, ...) random rows such as the first stage takes.
    wanted
        (n, ...) what the estimator itself gives for them.
    output
        What the output is called.
    notes
        What whoever runs the file should know, by name.
    """

    stages: Sequence[nn.Module | bytes]
    example: Tensor
    wanted: NDArray[Any]
    output: str
    notes: Mapping[str, str]
