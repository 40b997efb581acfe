"""Loading any method's saved model: the bundle is handed the table of what it may rebuild."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fourfold import bundle
from fourfold.core.prepare import CLASSES
from fourfold.core.tasks import TASKS
from fourfold.core.training import Recipe
from fourfold.methods import table
from fourfold.networks import BUILDERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

__all__ = ["load"]


def load(path: Path | str, *, network: nn.Module | None = None) -> Any:
    """Load a saved model; the data it was trained on are not needed.

    Parameters
    ----------
    path
        The folder that :func:`fourfold.save` or a study wrote.
    network
        The module that was trained, where it is not one of ours, to train it on; without it the
        model predicts, through ONNX.

    Returns
    -------
    TransferEstimator or JointEstimator
        Fitted, as it was saved.

    Raises
    ------
    FileError
        If there is no such folder.
    BundleError
        If it is damaged, from a newer version, or none of ours.
    """
    classes: dict[str, Callable[..., Any]] = {"Recipe": Recipe, **TASKS, **CLASSES, **BUILDERS}
    classes |= {name: entry.load() for name, entry in table().items()}
    return bundle.load(path, classes, network=network)
