"""Digests of written content, checked when it is read back.

They show damage, not forgery: whoever can change a file can change its digest, too.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from xxhash import xxh3_64_intdigest, xxh3_128

from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = [
    "DamagedError",
    "digest_tensors",
    "file_digest",
    "folder_digests",
    "is_sealed",
    "load_tensors",
    "row_digests",
    "save_tensors",
    "seal",
]

NOTES: Final = "fourfold"
"""Key of the notes in the metadata of a safetensors file."""
SEAL: Final = "digests.json"
"""File with the digests of the other files of its folder."""


class DamagedError(ValueError):
    """Content that differs from the written one."""


def file_digest(file: Path) -> str:
    """Hash the content of a file: 32 hex digits."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, xxh3_128).hexdigest()


def folder_digests(folder: Path) -> dict[str, str]:
    """Hash all files of a folder: relative path → digest."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file_digest(file) for file in files}


def seal(folder: Path) -> None:
    """Write the digests of all files of a folder into it."""
    (folder / SEAL).write_text(json.dumps(folder_digests(folder)), encoding="utf-8")


def is_sealed(folder: Path) -> bool:
    """Return whether a folder is there, as it was sealed."""
    try:
        digests = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        found = folder_digests(folder)
    except (OSError, ValueError):
        return False
    found.pop(SEAL)
    return bool(found == digests)


def row_digests(rows: Iterable[Any], form: str) -> NDArray[np.uint64]:
    """Hash arrays, (n,); those of another form, such as a type, get other digests."""
    seed = xxh3_64_intdigest(form.encode())
    plain = (np.ascontiguousarray(row).data for row in rows)
    return np.fromiter((xxh3_64_intdigest(row, seed) for row in plain), np.uint64)


def digest_tensors(tensors: Mapping[str, Tensor], notes: str = "") -> str:
    """Hash tensors, their names and notes: 32 hex digits."""
    content = xxh3_128(notes.encode())
    for name in sorted(tensors):
        plain = tensors[name].detach().cpu().contiguous()
        content.update(f"{name}{plain.dtype}{tuple(plain.shape)}".encode())
        content.update(plain.reshape(-1).view(torch.uint8).numpy().data if plain.numel() else b"")
    return content.hexdigest()


def save_tensors(path: Path, tensors: Mapping[str, Tensor], notes: Mapping[str, Any]) -> None:
    """Write tensors and notes, which JSON can hold, with a digest of both; all or nothing.

    Raises
    ------
    OSError, SafetensorError
        If the file cannot be written.
    """
    text = json.dumps(notes)
    metadata = {NOTES: text, "digest": digest_tensors(tensors, text)}
    with whole_file(path) as part:
        save_file(dict(tensors), part, metadata)


def load_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read tensors and notes of :func:`save_tensors`.

    Raises
    ------
    DamagedError
        If the file is not as it was written.
    FileNotFoundError
        If there is none.
    """
    try:
        with safe_open(path, "pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
        text = metadata[NOTES]
        whole = metadata["digest"] == digest_tensors(tensors, text)
    except FileNotFoundError:
        raise
    except Exception as error:  # a strange header makes the library raise many kinds of errors
        raise DamagedError(f"{path} must be as it was written; got {error}") from error
    if not whole:
        raise DamagedError(f"{path} must be as it was written; its digest is another one")
    return tensors, json.loads(text)
