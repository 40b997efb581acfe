"""Records of finished jobs, one a line, kept in the repository: the next machine goes on there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.harness import ROOT
from fourfold.core.atomic import whole_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Record = Mapping[str, Any]

__all__ = ["FILE", "key_of", "read", "write"]

FILE: Final = ROOT / "benchmarks" / "results" / "speech_records.jsonl"


def key_of(record: Record) -> str:
    """Return the name of a record, which is its job's."""
    return f"{record['part']}-{record['name']}-{record['seed']}"


def read(file: Path = FILE) -> dict[str, Record]:
    """Read the records of all finished jobs, by name."""
    if not file.is_file():
        return {}
    records = map(json.loads, file.read_text("utf-8").splitlines())
    return {key_of(record): record for record in records}


def write(records: Iterable[Record], file: Path = FILE) -> None:
    """Write all records, sorted by name, all or nothing."""
    lines = [json.dumps(one, separators=(",", ":")) for one in sorted(records, key=key_of)]
    with whole_file(file) as part:
        part.write_text("".join(f"{line}\n" for line in lines), "utf-8")
