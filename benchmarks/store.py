"""The store's segments beside LMDB: seconds of reading proven rows, and harm by a cut file."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

from benchmarks.faults.children import Case, Limits, run_cases
from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from fourfold.frozen.store.values import ValueLocations

    Floats = NDArray[np.float32]

WRITE_BYTES: Final = 1 << 23
CUT_ROWS: Final = 3000
LIMITS: Final = Limits(30.0, 1 << 30)


class Size(NamedTuple):
    """Rows of so many bytes, read in batches."""

    name: str
    bytes: int
    n: int
    batch: int


@final
@dataclass(frozen=True)
class Settings:
    """Numbers of rows of 4 kB and of 1 MB, of readings of all of them, and of cut files."""

    small: int = 20_000
    large: int = 200
    readings: int = 5
    cuts: int = 300

    @property
    def sizes(self) -> tuple[Size, Size]:
        """Return the sizes of rows."""
        return Size("4 kB", 4096, self.small, 32), Size("1 MB", 1 << 20, self.large, 8)


def _rows(size: Size) -> Floats:
    return np.random.default_rng(0).standard_normal((size.n, size.bytes // 4)).astype(np.float32)


def _micros(take: Callable[[NDArray[np.intp]], Floats], size: Size) -> float:
    """Return the microseconds of reading a row in drawn batches."""
    order = np.random.default_rng(1).permutation(size.n)
    began = time.perf_counter()
    for start in range(0, size.n, size.batch):
        take(order[start : start + size.batch])
    return 1e6 * (time.perf_counter() - began) / size.n


def _segments(s: Settings) -> Measures:
    found: Measures = {}
    with TemporaryDirectory() as folder:
        for size in s.sizes:
            place, x = Path(folder, size.name), _rows(size)
            _write(place, x, WRITE_BYTES // size.bytes)
            times = []
            for _ in range(s.readings):
                values = _look_up(place, x)
                times.append((_micros(values.take, size), _micros(values.take, size)))
            first, again = np.median(times, axis=0)
            found |= {f"{size.name}, µs a row": first, f"{size.name}, µs a row again": again}
        place, x = Path(folder, "cut"), _rows(Size("cut", 256, CUT_ROWS, 1))
        _write(place, x, CUT_ROWS)
        [file] = (place / "segments").iterdir()

        def read(place: Path) -> None:
            from fourfold.frozen.store.values import DamagedValuesError

            found = _look_up(place, x)
            if found.missing.size:  # they would be computed again
                return
            with suppress(DamagedValuesError, OSError):
                found.take(np.arange(CUT_ROWS))

        found["processes ended by a cut"] = _cuts(file, read, place, s.cuts)
    return found


def _write(place: Path, x: Floats, per_write: int) -> None:
    from fourfold.data.rows import ArrayRows
    from fourfold.frozen.store import Store
    from fourfold.frozen.store.segments import SegmentWriter

    folders, keys = Store(place)._folders, ArrayRows(x).keys  # noqa: SLF001  below the public face
    with SegmentWriter(folders.index, folders.segments, "f") as writer:
        for at in range(0, len(x), per_write):
            writer.add(keys[at : at + per_write], {"output": x[at : at + per_write]})


def _look_up(place: Path, x: Floats) -> ValueLocations:
    from fourfold.data.rows import ArrayRows
    from fourfold.frozen.store import Store
    from fourfold.frozen.store.segments import look_up

    folders = Store(place)._folders  # noqa: SLF001
    return look_up(folders.index, folders.segments, "f", "output", ArrayRows(x).keys)


def _lmdb(s: Settings) -> Measures:
    from benchmarks.peers.lmdb_rows import Rows

    found: Measures = {}
    with TemporaryDirectory() as folder:
        for size in s.sizes:
            x, width = _rows(size), size.bytes // 4
            place, space = Path(folder, size.name), 4 * x.nbytes + (1 << 28)
            with Rows(place, space) as rows:
                rows.write(x, WRITE_BYTES // size.bytes)
            times = []
            for _ in range(s.readings):
                with Rows(place, space) as rows:
                    take = partial(rows.take, width=width)
                    times.append((_micros(take, size), _micros(take, size)))
            first, again = np.median(times, axis=0)
            found |= {f"{size.name}, µs a row": first, f"{size.name}, µs a row again": again}
        place, x = Path(folder, "cut"), _rows(Size("cut", 256, CUT_ROWS, 1))
        with Rows(place, 1 << 28) as rows:
            rows.write(x, CUT_ROWS)

        def read(place: Path) -> None:
            import lmdb

            with suppress(lmdb.Error, KeyError, ValueError):
                Rows(place, 1 << 28, read_only=True).take(np.arange(CUT_ROWS), x.shape[1])

        found["processes ended by a cut"] = _cuts(place / "data.mdb", read, place, s.cuts)
    return found


def _cuts(file: Path, read: Callable[[Path], None], place: Path, cuts: int) -> float:
    """Cut a file at drawn places, and count the processes that end while they read."""
    size, rng, ended = file.stat().st_size, np.random.default_rng(0), 0
    for _ in range(cuts):
        with TemporaryDirectory() as folder:
            copy = Path(shutil.copytree(place, Path(folder, "copy")))
            with (copy / file.relative_to(place)).open("r+b") as cut:
                cut.truncate(int(rng.integers(size)))
            [verdict] = run_cases([Case("cut", partial(read, copy))], LIMITS)
            ended += bool(verdict.fault)
    return float(ended)


def _digest(s: Settings) -> Measures:
    from fourfold.core.digests import row_digests

    found = {}
    for size in s.sizes:
        x = _rows(size)
        began = time.perf_counter()
        row_digests(x, "float32")
        found[f"{size.name}, GB a second"] = x.nbytes / 1e9 / (time.perf_counter() - began)
    return found


def _figures(medians: Medians) -> dict[str, float]:
    ours, theirs, digest = medians["segments"], medians["lmdb"], medians["digest"]
    figures = {}
    for size in ("4 kB", "1 MB"):
        name = size.replace(" ", "_").lower()
        first, again = ours[f"{size}, µs a row"], ours[f"{size}, µs a row again"]
        figures |= {
            f"microseconds_a_row_of_{name}": first,
            f"microseconds_a_row_of_{name}_again": again,
            f"time_vs_lmdb_{name}": first / theirs[f"{size}, µs a row"],
            f"time_vs_lmdb_{name}_again": again / theirs[f"{size}, µs a row again"],
            f"digests_gigabytes_a_second_{name}": digest[f"{size}, GB a second"],
        }
    ended = "processes ended by a cut"
    return figures | {"ended_by_a_cut": ours[ended], "ended_by_a_cut_lmdb": theirs[ended]}


BENCHMARK: Final = Benchmark(
    name="store",
    title="reading rows of the store, each proven by its digest",
    counts="""
    · Rows are read in drawn batches of 32 (4 kB) and 8 (1 MB), from a warm disk; a row is proven
      when a process reads it first.
    · LMDB holds the same rows, each behind the same digest, which is checked at every reading.
    · A file is opened anew before all rows are read twice.
    · A cut shortens the file of 3,000 rows of 256 bytes at a drawn place, before a child reads it.
    """,
    sides={"segments": _segments, "lmdb": _lmdb, "digest": _digest},
    figures=_figures,
    targets={
        "time_vs_lmdb_4_kb": Target("≤", 1),
        "time_vs_lmdb_1_mb": Target("≤", 1),
        "ended_by_a_cut": Target("≤", 0),
    },
    packages=("lmdb", "numpy", "xxhash"),
    settings=Settings(),
    quick=Settings(200, 10, 1, 3),
    rounds=3,
)
