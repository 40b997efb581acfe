"""OnnxModule: a module that ONNX Runtime computes, for prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fourfold.frozen.onnx import session

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

__all__ = ["OnnxModule"]


class OnnxModule(nn.Module, ABC):
    """A module with the content of an ONNX file, of one input and one output."""

    @property
    @abstractmethod
    def content(self) -> bytes:
        """The file, with all of its weights."""

    def forward(self, x: Tensor) -> Tensor:
        running = _session(self.content, torch.get_num_threads())
        (name,) = [given.name for given in running.get_inputs()]
        return torch.from_numpy(running.run(None, {name: x.cpu().numpy()})[0])


@lru_cache(maxsize=8)
def _session(content: bytes, threads: int) -> InferenceSession:
    """Open a network once; a session is no part of the module, which is copied and pickled."""
    return session(content, threads)
