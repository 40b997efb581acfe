"""Saving and loading of fitted models: safetensors and JSON in a folder, without pickle.

Loading runs no code of the folder, opens nothing but the regular files that its index lists, and
contacts nobody. Digests show damage, not forgery: whoever can change a file can change them, too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

from safetensors import SafetensorError
from xxhash import xxh3_128_hexdigest

from fourfold.core.atomic import whole_folder
from fourfold.core.digests import file_digest, folder_digests
from fourfold.core.inside import files_below, read_json
from fourfold.core.process import seeded
from fourfold.core.serialization import from_plain, to_plain
from fourfold.core.version import VERSION
from fourfold.errors import BundleError, FileError, FourfoldError, ParameterError, some, summary

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import nn

    from fourfold.estimators.joint import JointEstimator
    from fourfold.estimators.transfer import TransferEstimator

__all__ = ["as_folder", "as_task", "is_bundle", "is_whole", "load", "save"]

FORMAT: Final = 2
"""Version of the folder's layout; 1 was that of fourfold 0.1."""
INDEX: Final = "bundle.json"


def save(estimator: TransferEstimator | JointEstimator, path: Path | str) -> Path:
    """Save a fitted model as a folder, all or nothing.

    Parameters
    ----------
    estimator
        Fitted estimator.
    path
        Folder to write; an existing bundle is replaced.

    Raises
    ------
    NotFittedError
        If the estimator is not fitted.
    FileError
        If the folder cannot be written, or holds something other than a bundle.
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
    """Load a saved model, without its training data.

    Parameters
    ----------
    path
        Folder of the model.
    classes
        Name → class, for every class that may be rebuilt.
    network
        Module of a model with a network of your own, needed to train it further; without it the
        model predicts through ONNX.

    Returns
    -------
    TransferEstimator or JointEstimator
        The fitted estimator.

    Raises
    ------
    FileError
        If there is no such folder.
    BundleError
        If it is damaged, of another format, or not a bundle.
    """
    path = Path(path)
    index = _index(path)
    try:
        _check_files(path, index["files"])
        estimator = from_plain(index["estimator"], classes)
        if network is not None:
            _set_network(estimator, network)
        with seeded(0):  # a network draws random weights before it gets the saved ones
            return estimator.load_fitted(path, index["fitted"])
    except FourfoldError:
        raise
    except Exception as error:  # libraries raise many kinds of errors at strange files
        raise BundleError(f"{path} must be a whole bundle; got {summary(error)}") from error


def is_whole(path: Path) -> bool:
    """Return whether a folder is a saved model, as it was written."""
    try:
        _check_files(path, _index(path)["files"])
    except FourfoldError:
        return False
    return True


def is_bundle(path: Path) -> bool:
    """Return whether a folder is a saved model, whole or damaged."""
    return (path / INDEX).exists()


def as_folder(task: str) -> str:
    """Return the folder name of a task, with special characters as percent codes.

    Examples
    --------
    >>> as_folder("a/b"), as_task(as_folder("a/b"))
    ('a%2Fb', 'a/b')
    """
    return quote(task, safe=" ,()[]=+@").replace(".", "%2E")


def as_task(folder: str) -> str:
    """Return the task of a folder name: the inverse of :func:`as_folder`."""
    return unquote(folder)


def _set_network(estimator: TransferEstimator | JointEstimator, network: nn.Module) -> None:
    """Set the network of an estimator, whose code the bundle lacks."""
    if "network" not in estimator.get_params(deep=False):
        raise ParameterError(f"{type(estimator).__name__} takes no network; got one")
    estimator.set_params(network=network)


def _check_free(path: Path) -> None:
    """Refuse to replace anything but a bundle."""
    if path.exists() and not (path / INDEX).exists() and (path.is_file() or any(path.iterdir())):
        raise FileError(
            f"{path} must be empty, or hold a bundle to replace; it holds something else"
        )


def _write(estimator: TransferEstimator | JointEstimator, folder: Path) -> None:
    fitted = estimator.save_fitted(folder)
    index = {
        "format": FORMAT,
        "fourfold": VERSION,
        "estimator": to_plain(estimator),
        "fitted": fitted,
        "files": folder_digests(folder),
    }
    signed = {**index, "digest": _index_digest(index)}
    (folder / INDEX).write_text(json.dumps(signed, indent=1), encoding="utf-8")


def _index(path: Path) -> dict[str, Any]:
    """Read the index of a bundle, and check its format and its digest."""
    if not path.exists():
        raise FileError(f"{path} must be the folder of a saved model; it does not exist")
    try:
        index: dict[str, Any] = read_json(path / INDEX)
        version = int(index["format"])
    except FileNotFoundError as error:
        raise BundleError(
            f"{path} must be a model that fourfold saved; it lacks {INDEX}"
        ) from error
    except PermissionError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise BundleError(
            f"{path} must be a model that fourfold saved; got {summary(error)}"
        ) from error
    if version != FORMAT:
        remedy = "update fourfold"
        if version < FORMAT:
            remedy = "load it with 'pip install fourfold==0.1.*', or train the model again"
        raise BundleError(
            f"{path} must be a bundle of format {FORMAT}; got format {version}, saved by fourfold "
            f"{index.get('fourfold')!s:.20}: {remedy}"
        )
    listed = index.get("files")
    if index.pop("digest", None) != _index_digest(index) or not isinstance(listed, dict):
        raise BundleError(f"{path} must be as it was saved; {INDEX} is damaged")
    return index


def _index_digest(index: dict[str, Any]) -> str:
    return xxh3_128_hexdigest(json.dumps(index).encode())


def _check_files(path: Path, files: Mapping[str, str]) -> None:
    """Refuse a folder with other files than the listed ones, or with other content."""
    try:
        found = files_below(path) - {INDEX}
        if lacking := sorted(files.keys() - found):
            raise BundleError(f"{path} must be a whole bundle; it lacks {_named(lacking)}")
        if added := sorted(found - files.keys()):
            raise BundleError(f"{path} must hold what was saved; {_named(added)} is no part of it")
        for name, digest in files.items():
            if file_digest(path / name) != digest:
                raise BundleError(f"{path} must be as it was saved; {name} is damaged")
    except PermissionError as error:
        raise FileError(f"{path} must be readable; got: {error}") from error


def _named(files: list[str]) -> str:
    return some([f"{file!r:.60}" for file in files], 1)
