"""Saving and loading: safetensors and JSON in a folder, no pickle, nothing that runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from safetensors import SafetensorError
from xxhash import xxh3_128, xxh3_128_hexdigest

from fourfold.core.atomic import whole_folder
from fourfold.core.process import seeded
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.version import VERSION
from fourfold.errors import BundleError, FileError, FourfoldError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["is_bundle", "load", "save"]

FORMAT: Final = 1
"""The version of the folder's layout."""
INDEX: Final = "bundle.json"


def save(estimator: TransferEstimator | JointEstimator, path: Path | str) -> Path:
    """Save a fitted model as a folder, all or nothing.

    Parameters
    ----------
    estimator
        Fitted.
    path
        The folder; one that is there is replaced.

    Raises
    ------
    NotFittedError
        If it is not fitted.
    FileError
        If the folder cannot be written, or holds something that is no bundle.
    """
    estimator.check_fitted()
    path = Path(path)
    try:
        _check_free(path)
        with whole_folder(path) as part:
            _write(estimator, part)
    except FourfoldError:
        raise
    except (OSError, SafetensorError) as error:
        raise FileError(f"{path} must be writable for a bundle; got: {error}") from error
    return path


def load(
    path: Path | str, classes: Mapping[str, Callable[..., Any]], *, network: nn.Module | None = None
) -> Any:
    """Load a model; the data it was trained on are not needed.

    Parameters
    ----------
    path
        The folder.
    classes
        Name → class: what may be rebuilt.
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
    path = Path(path)
    index = _index(path)
    try:
        _check_files(path, index["files"])
        estimator = from_plain(index["estimator"], classes)
        if network is not None:
            _bring(estimator, network)
        with seeded(0):  # a network draws its weights when it is built, before it gets its own
            return estimator.load_fitted(path, index["fitted"])
    except FourfoldError:
        raise
    except Exception as error:  # whatever a file that is none of ours makes a library raise
        raise BundleError(f"{path} must be a whole bundle; got {_said(error)}") from error


def is_bundle(path: Path) -> bool:
    """Tell whether a folder is a saved model, whole or not."""
    return (path / INDEX).exists()


def _bring(estimator: TransferEstimator | JointEstimator, network: nn.Module) -> None:
    """Give an estimator the network whose code the bundle lacks."""
    if "network" not in estimator.get_params(deep=False):
        raise ParameterError(f"{type(estimator).__name__} takes no network; got one")
    estimator.set_params(network=network)


def _check_free(path: Path) -> None:
    """Refuse to replace what is no bundle."""
    if path.exists() and not (path / INDEX).exists() and (path.is_file() or any(path.iterdir())):
        raise FileError(f"{path} must be free for a bundle, or hold one; it holds something else")


def _write(estimator: TransferEstimator | JointEstimator, folder: Path) -> None:
    fitted = estimator.save_fitted(folder)
    index = {
        "format": FORMAT,
        "fourfold": VERSION,
        "estimator": to_plain(estimator),
        "fitted": fitted,
        "files": {name: _digest(folder / name) for name in _names(folder)},
    }
    signed = {**index, "digest": _digest_of_index(index)}
    (folder / INDEX).write_text(json.dumps(signed, indent=1), encoding="utf-8")


def _index(path: Path) -> dict[str, Any]:
    """Read what the bundle says of itself, and check that this is what was written."""
    if not path.exists():
        raise FileError(f"{path} must be the folder of a saved model; it does not exist")
    try:
        index: dict[str, Any] = json.loads((path / INDEX).read_text(encoding="utf-8"))
        version = int(index["format"])
    except PermissionError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{path} must be a model that fourfold saved; got {_said(error)}"
        ) from error
    if version > FORMAT:
        raise BundleError(
            f"{path} must be of format {FORMAT} or older; got {version}, from fourfold "
            f"{index.get('fourfold')}: update fourfold"
        )
    if index.pop("digest", None) != _digest_of_index(index):
        raise BundleError(f"{path} must be as it was saved; {INDEX} is damaged")
    return index


def _digest_of_index(index: dict[str, Any]) -> str:
    return xxh3_128_hexdigest(json.dumps(index).encode())


def _check_files(path: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        try:
            found = _digest(path / name)
        except FileNotFoundError:
            raise BundleError(f"{path} must be a whole bundle; it lacks {name}") from None
        except OSError as error:
            raise FileError(f"{path} must be readable; got: {error}") from error
        if found != digest:
            raise BundleError(f"{path} must be as it was saved; {name} is damaged")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def _names(folder: Path) -> list[str]:
    return sorted(str(f.relative_to(folder)) for f in folder.rglob("*") if f.is_file())


def _digest(file: Path) -> str:
    content = xxh3_128()
    with file.open("rb") as stream:
        while block := stream.read(1 << 20):
            content.update(block)
    return content.hexdigest()
