"""Loading any method's saved model: the bundle gets the table of rebuildable methods."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fourfold import bundle
from fourfold.bundle.files import as_task, is_bundle
from fourfold.core.tasks import TASKS
from fourfold.errors import ParameterError
from fourfold.methods import table
from fourfold.methods.blend import Blend
from fourfold.methods.multitask._joint import JointNetworkEstimator, Member
from fourfold.networks import BUILDERS
from fourfold.preparation.choose import CLASSES
from fourfold.training.augmentation import Augmentation
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["load", "load_one"]


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
    classes: dict[str, Callable[..., Any]] = {"Recipe": Recipe, "Augmentation": Augmentation}
    classes |= {**TASKS, **CLASSES, **BUILDERS}
    classes |= {"Member": Member, "Blend": Blend}
    classes |= {name: entry.load() for name, entry in table().items()}
    return bundle.load(path, classes, network=network)


def load_one(path: Path | str, task: str | None) -> TransferEstimator:
    """Load a saved model that has one task, or one task of several.

    Raises
    ------
    ParameterError
        If the task is not named where there are several, or named where there is one.
    FileError, BundleError
        As :func:`load`.
    """
    parts = _parts(Path(path))
    if parts:
        if task not in parts:
            raise ParameterError(
                f"task must be one of {', '.join(parts)}, which {path} has; got {task or 'none'}"
            )
        return load_one(parts[task], None)
    model: TransferEstimator | JointNetworkEstimator = load(path)
    if not isinstance(model, JointNetworkEstimator):
        if task is not None:
            raise ParameterError(f"task must be left out, as {path} has a single one; got {task!r}")
        return model
    if task is None:
        known = ", ".join(model.members_)
        raise ParameterError(f"task must be one of {known}, which {path} has; got none")
    return model.of(task)


def _parts(path: Path) -> dict[str, Path]:
    """Find the models of several tasks in a folder that a study of them handed over."""
    parts = sorted(path.iterdir()) if path.is_dir() else []
    if not all(is_bundle(part) for part in parts):
        return {}
    return {as_task(part.name): part for part in parts}
