"""Files of weights: safetensors, or torch's own without anything but tensors in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import load_file

from fourfold.errors import DataError, FileError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["check_file", "read_weights"]


def check_file(path: Path) -> None:
    """Refuse a path that is no regular file, such as a pipe, which would be waited for.

    Raises
    ------
    FileError
        If it is none.
    """
    if not path.is_file():
        what = "is no regular file" if path.exists() else "does not exist"
        raise FileError(f"{path} must be a file of weights; it {what}")


def read_weights(path: Path) -> dict[str, Any]:
    """Read a file of weights by name; no code in it runs.

    Raises
    ------
    FileError
        If it does not exist.
    DataError
        If it holds something else.
    """
    check_file(path)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        weights = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file raises anything
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"{path} must hold weights and nothing else; got: {first:.90}") from error
    if not isinstance(weights, dict):
        raise DataError(f"{path} must hold weights by name; got {type(weights).__name__}")
    return weights
