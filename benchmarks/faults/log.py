"""A log of verdicts on disk, so that an attack that was stopped goes on."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any, final

from xxhash import xxh3_64_hexdigest

from benchmarks.faults.children import FAULTS
from benchmarks.harness import ROOT
from fourfold.core.digests import folder_digests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.faults.children import Verdict
    from benchmarks.harness import Measures

__all__ = ["Log"]


@final
class Log:
    """Verdicts of one side under one version of the code and one seed, in named groups."""

    def __init__(self, side: str, seed: int) -> None:
        code = {
            name: digest
            for part in ("src/fourfold", "benchmarks/faults")
            for name, digest in folder_digests(ROOT / part).items()
            if name.endswith(".py")
        }
        version = xxh3_64_hexdigest(json.dumps(code, sort_keys=True).encode())
        self.folder = ROOT / "runs" / "faults" / version
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path, self._lock = self.folder / f"{side}-{seed}.jsonl", Lock()
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        self._groups: dict[str, dict[str, Any]] = {}
        for line in lines:
            group = json.loads(line)
            self._groups[group["name"]] = group

    def __contains__(self, name: object) -> bool:
        return name in self._groups

    def add(self, name: str, verdicts: Sequence[Verdict]) -> None:
        """Write a group of verdicts: their number, that of refusals, and each fault."""
        group: dict[str, Any] = {
            "name": name,
            "cases": len(verdicts),
            "refused": sum(1 for one in verdicts if one.said and not one.fault),
            "faults": [[i, *one] for i, one in enumerate(verdicts) if one.fault],
        }
        with self._lock, self._path.open("a", encoding="utf-8") as file:
            self._groups[name] = group
            file.write(json.dumps(group) + "\n")

    def measures(self) -> Measures:
        """Return the number of cases, of refusals and of each fault."""
        counts = dict.fromkeys(("cases", "refused", *FAULTS), 0.0)
        for group in self._groups.values():
            counts["cases"] += group["cases"]
            counts["refused"] += group["refused"]
            for _, fault, _ in group["faults"]:
                counts[fault] += 1
        return counts
