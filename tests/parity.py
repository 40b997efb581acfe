"""The proof that an ONNX file computes the same as a module, for the tests of exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from fourfold.frozen.onnx import relative_difference, session

if TYPE_CHECKING:
    from pathlib import Path


def check_parity(
    model: Path, module: torch.nn.Module, inputs: torch.Tensor, tolerance: float = 1e-3
) -> float:
    """Return the relative difference of the outputs; refuse one above the tolerance."""
    with torch.no_grad():
        wanted = module.eval()(inputs).numpy()
    (got,) = session(model).run(None, {"input": inputs.numpy()})
    worst = relative_difference(got, wanted)
    assert worst <= tolerance
    return worst
