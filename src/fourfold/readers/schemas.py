"""Files of schemas, in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from fourfold.core.atomic import whole_file
from fourfold.data.schema import Schema
from fourfold.errors import DataError, FileError
from fourfold.readers.files import named, read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_schema", "write_schema"]


def read_schema(path: Path) -> Schema:
    """Read a schema from a JSON file.

    Raises
    ------
    FileError
        If it is missing or unreadable.
    DataError
        If it is no schema.
    """
    with named(path, "a file of a schema"):
        try:
            said = json.loads(read_text(path))
        except (ValueError, RecursionError) as error:
            raise DataError(f"a schema must be JSON; got: {error}") from error
        return Schema.of_json(said)


def write_schema(schema: Schema, path: Path) -> None:
    """Write a schema to a JSON file, all or nothing.

    Raises
    ------
    FileError
        If the file cannot be written.
    """
    try:
        with whole_file(path) as part:
            part.write_text(json.dumps(schema.to_json(), indent=1, ensure_ascii=False), "utf-8")
    except OSError as error:
        raise FileError(f"{path} must be writable for a schema; got: {error.strerror}") from error
