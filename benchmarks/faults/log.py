"""A log of verdicts on disk, so that an attack that was stopped goes on."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, final

from xxhash import xxh3_64_hexdigest

from benchmarks.faults.children import FAULTS, Verdict
from benchmarks.harness import ROOT
from fourfold.core.digests import folder_digests

if TYPE_CHECKING:
    from benchmarks.harness import Measures

__all__ = ["Log"]


@final
class Log:
    """Verdicts of one side under one version of the code and one seed, by the name of the case."""

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
        self._path = self.folder / f"{side}-{seed}.jsonl"
        self.verdicts: dict[str, Verdict] = {}
        if self._path.exists():
            for line in self._path.read_text("utf-8").splitlines():
                name, fault, said = json.loads(line)
                self.verdicts[name] = Verdict(fault, said)

    def add(self, name: str, verdict: Verdict) -> None:
        """Write a verdict."""
        self.verdicts[name] = verdict
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps([name, *verdict]) + "\n")

    def measures(self) -> Measures:
        """Return the number of cases, of refusals and of each fault."""
        found = Counter(verdict.fault for verdict in self.verdicts.values())
        refused = sum(1 for one in self.verdicts.values() if one.said and not one.fault)
        counts = {"cases": len(self.verdicts), "refused": refused}
        return {name: float(n) for name, n in (counts | {f: found[f] for f in FAULTS}).items()}
