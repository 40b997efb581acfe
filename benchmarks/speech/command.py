"""The command: ``python -m benchmarks speech [--part NAME] [--seeds 3] [--minutes 90]``."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import torch
from rich.console import Console

from benchmarks.harness import Target, code, now
from benchmarks.outcome import heading, machine, save
from benchmarks.speech import records
from benchmarks.speech.figures import curves, figures
from benchmarks.speech.parts import PARTS, jobs, timed
from benchmarks.speech.prompts import RUNS
from fourfold import Store
from fourfold.errors import FourfoldError
from fourfold.frozen.store import using

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["main"]

TITLE: Final = "Transcription: shared languages, a new one, a device, a voice"
TARGETS: Final = {
    "wer_reduction_multilingual": Target("≥", 0.05),
    "wer_reduction_new_language": Target("≥", 0.2),
    "cer_languages_better": Target("≥", 4),
    "cer_reduction_new_language": Target("≥", 0.25),
    "device_gap_closed": Target("≥", 0.5),
    "voice_gain": Target("≥", 0),
    "ctc_step_vs_plain": Target("≤", 1.1),
    "decode_vs_real_time": Target("≥", 50),
}


def main(arguments: Sequence[str]) -> int:
    """Measure transcription; finished jobs are taken over, so that parts can be run in turn."""
    parser = argparse.ArgumentParser("python -m benchmarks speech", description=main.__doc__)
    parser.add_argument("--part", help=f"only this one of {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=90, help="start no job after so many")
    asked = parser.parse_args(arguments)
    if asked.part not in {None, *PARTS}:
        parser.error(f"--part must be one of {', '.join(PARTS)}; got {asked.part!r}")
    end = time.monotonic() + 60 * asked.minutes
    torch.set_num_threads(1)
    try:
        with using(Store(RUNS / "store")):  # a source model is trained once for all jobs
            _run([asked.part] if asked.part else list(PARTS), asked.seeds, end)
    except FourfoldError as error:
        print(error, file=sys.stderr)
        return 2
    known = list(records.read().values())
    found = figures(known)
    for name, target in TARGETS.items():
        if name in found:
            met = "met" if target.met(found[name]) else "missed"
            print(f"{name:30} {found[name]:8.3f}  asked {target}: {met}")
    print(f"written to {_write(found, known)}")
    return 0


def _run(parts: list[str], seeds: int, end: float) -> None:
    """Run the jobs that have no record yet; each is written as soon as it is done."""
    known, version = records.read(), code()
    left = [job for job in jobs(parts, seeds) if job.key not in known]
    for at, job in enumerate(left, 1):
        if time.monotonic() > end:
            print(f"{len(left) - at + 1} jobs are left: run it again to go on", file=sys.stderr)
            return
        Console(stderr=True).print(f"{at} of {len(left)}: {job.key}")
        about = {"date": now(), "code": version}
        known[job.key] = timed(job) | about
        records.write(known.values())


def _write(found: dict[str, Any], known: list[Mapping[str, Any]]) -> Path:
    seeds: dict[str, int] = {}
    for record in known:
        seeds[record["part"]] = max(seeds.get(record["part"], 0), record["seed"] + 1)
    about = {
        **heading("speech", TITLE, found, TARGETS),
        "curves": curves(known),
        "seeds": seeds,
        "cpu_seconds": round(sum(record["seconds"] for record in known)),
        "codes": sorted({record["code"] for record in known}),
        "machine": machine(),
    }
    return save(about)
