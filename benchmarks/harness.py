"""The sides of a benchmark, run in turn, each in a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

from rich.console import Console
from xxhash import xxh3_64_hexdigest

from fourfold.core.digests import folder_digests
from fourfold.errors import FourfoldError, ParameterError

ROOT: Final = Path(__file__).parents[1]

Measures: TypeAlias = dict[str, float]
"""What one side found in one round: name → number."""
Medians: TypeAlias = Mapping[str, Mapping[str, float]]
"""Side → measure → its median over all rounds."""


class Stamp(NamedTuple):
    """Time of a measurement, digest of the measured code, processor; "" where one is not known."""

    date: str
    code: str
    cpu: str = ""

    @classmethod
    def now(cls) -> Self:
        """Return the stamp of this moment."""
        return cls(now(), code(), processor())

    @classmethod
    def latest(cls, records: Iterable[Mapping[str, Any]]) -> list[Self]:
        """Return the last stamp of each code among records."""
        stamps = sorted(cls(one["date"], one["code"], one.get("cpu", "")) for one in records)
        return list({stamp.code: stamp for stamp in stamps}.values())


def now() -> str:
    """Return the time, to the second."""
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")


def code() -> str:
    """Return a digest of the code that is measured."""
    found = folder_digests(ROOT / "src" / "fourfold")
    own = {name: one for name, one in found.items() if name.endswith(".py")}
    return xxh3_64_hexdigest(json.dumps([own], sort_keys=True).encode())


def processor() -> str:
    """Name the processor, as far as the system tells."""
    about = Path("/proc/cpuinfo")
    if about.exists():
        for line in about.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


class Measured(NamedTuple):
    """Rounds of a side, and the last stamp of each code that they were measured with."""

    rounds: list[Measures]
    stamps: list[Stamp]


class Target(NamedTuple):
    """Target of a figure."""

    relation: Literal["≤", "≥"]
    bound: float

    def met(self, value: float) -> bool:
        """Return True if a value reaches the target."""
        return value <= self.bound if self.relation == "≤" else value >= self.bound

    def __str__(self) -> str:
        return f"{self.relation} {self.bound:g}"


class Benchmark(NamedTuple):
    """Something that is measured on several sides.

    Attributes
    ----------
    name, title
        What it is called, and what it compares.
    counts
        What its numbers count, each after a ``·``.
    sides
        Name → what is run, with the settings, in a process of its own.
    figures
        From medians to what is reported.
    targets
        What was asked of some of the figures.
    packages
        Whose versions matter.
    settings, quick
        A dataclass of what both sides use, and a tiny one for a test.
    rounds
        How often each side runs.
    steady
        Sides that find the same in every round, so that they run in the first one only.
    records
        Reads the records that a side keeps, as far as it has measured, with the settings; None
        where it keeps none. Figures of a benchmark with records do without sides that are missing.
    """

    name: str
    title: str
    counts: str
    sides: Mapping[str, Callable[[Any], Measures]]
    figures: Callable[[Medians], dict[str, float]]
    targets: Mapping[str, Target]
    packages: tuple[str, ...]
    settings: Any
    quick: Any
    rounds: int
    steady: frozenset[str] = frozenset()
    records: Callable[[Any, str], Measured | None] | None = None

    @property
    def sentences(self) -> list[str]:
        """Sentences of ``counts``."""
        return [" ".join(one.split()) for one in self.counts.split("· ")[1:]]

    def chosen(self, *, quick: bool) -> Any:
        """Return the settings that hold."""
        return self.quick if quick else self.settings


class Outcome(NamedTuple):
    """Measurements.

    Attributes
    ----------
    benchmark, settings
        What ran.
    raw
        Side → what it found in each round.
    stamps
        Side → when and of which code.
    """

    benchmark: Benchmark
    settings: Any
    raw: dict[str, list[Measures]]
    stamps: dict[str, list[Stamp]]

    @property
    def medians(self) -> dict[str, dict[str, float]]:
        """Return each side's medians."""
        return {
            side: {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
            for side, rounds in self.raw.items()
        }

    @property
    def figures(self) -> dict[str, float]:
        """Return the report."""
        return self.benchmark.figures(self.medians)


def measure(
    benchmark: Benchmark,
    *,
    rounds: int | None = None,
    quick: bool = False,
    start: Callable[[str], Measures] | None = None,
    sides: Collection[str] | None = None,
    stored: Mapping[str, Measured] | None = None,
) -> Outcome:
    """Run every side once a round; every second round in reverse, so that drift hits all alike.

    Parameters
    ----------
    rounds
        How many; None is the benchmark's own number.
    quick
        With tiny settings.
    start
        Runs a side; by default in a process of its own.
    sides
        Sides that run, None for all; the others are taken from records, or from ``stored``.
    stored
        Side → what an earlier run measured.

    Raises
    ------
    ParameterError
        If there is no round, or a side that is needed is neither measured nor stored.
    FourfoldError
        If a side fails; with what it said.
    """
    rounds = benchmark.rounds if rounds is None else rounds
    if rounds < 1:
        raise ParameterError(f"rounds must be at least 1; got {rounds}")
    sides = list(benchmark.sides) if sides is None else sides
    kept = dict(stored or {})
    missing = [name for name in benchmark.sides if name not in (*sides, *kept)]
    if missing and benchmark.records is None:
        raise ParameterError(
            f"{benchmark.name} needs all its sides; not measured yet: {', '.join(missing)}: "
            "name them after --sides, too"
        )
    start = start or partial(_in_a_process, benchmark, quick=quick)
    settings = benchmark.chosen(quick=quick)
    raw: dict[str, list[Measures]] = {side: [] for side in benchmark.sides if side in sides}
    stamps = {side: [Stamp.now()] for side in raw}
    with Console(stderr=True).status("") as status:
        for i in range(rounds):
            for side in list(raw)[:: -1 if i % 2 else 1]:
                status.update(f"{benchmark.name}, round {i + 1} of {rounds}: {side}")
                same = i > 0 and side in benchmark.steady
                raw[side].append(raw[side][0] if same else start(side))
    kept |= {side: Measured(raw[side], stamps[side]) for side in raw}
    if benchmark.records is not None:
        recorded = {side: benchmark.records(settings, side) for side in benchmark.sides}
        kept |= {side: one for side, one in recorded.items() if one is not None}
    found = {side: kept[side] for side in benchmark.sides if side in kept}
    return Outcome(
        benchmark,
        settings,
        {side: one.rounds for side, one in found.items()},
        {side: one.stamps for side, one in found.items()},
    )


def _in_a_process(benchmark: Benchmark, side: str, *, quick: bool) -> Measures:
    command = [sys.executable, "-m", "benchmarks", benchmark.name, "--side", side]
    done = subprocess.run(
        [*command, *(["--quick"] if quick else [])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise FourfoldError(f"{benchmark.name}, {side}: {done.stderr.strip()}")
    measures: Measures = json.loads(done.stdout.splitlines()[-1])  # libraries print before it
    return measures
