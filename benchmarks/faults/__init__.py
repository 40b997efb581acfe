"""An attack: kills, flipped bits, hostile bundles and mutated inputs, and how many did harm."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

from benchmarks.faults.children import FAULTS
from benchmarks.faults.settings import Settings
from benchmarks.harness import Benchmark, Measures, Medians, Target
from fourfold.methods import table

if TYPE_CHECKING:
    from collections.abc import Callable

WARM: Final = (
    *("lightning_fabric", "lightgbm", "onnxruntime", "sklearn.datasets", "torch._dynamo"),
    *(entry.module for entry in table().values()),
)
"""Modules that children would import, one after another."""


def _side(name: str) -> Callable[[Settings], Measures]:
    def attack(s: Settings) -> Measures:
        import torch

        torch.set_num_threads(1)  # children cannot use a pool of threads that their parent made
        for module in WARM:
            import_module(module)
        found: Measures = import_module(f"benchmarks.faults.{name}").attack(s)
        return {"seed": s.seed, **found}

    return attack


def _figures(medians: Medians) -> dict[str, float]:
    figures = {fault: sum(found[fault] for found in medians.values()) for fault in FAULTS}
    for side, found in medians.items():
        figures |= {f"{side}_{name}": found[name] for name in ("cases", "refused")}
    return figures


BENCHMARK: Final = Benchmark(
    name="faults",
    title="kills, flips and hostile input",
    counts="""
    · A crash is an exception of a library, a process that ends, or a message that is empty, of
      several lines or longer than 300 characters.
    """,
    sides={name: _side(name) for name in ("kills", "flips", "bundles", "inputs")},
    figures=_figures,
    targets={fault: Target("≤", 0) for fault in FAULTS},
    packages=("torch", "numpy", "pyarrow", "pillow", "soundfile", "skops", "safetensors"),
    settings=Settings(),
    quick=Settings(kills=2, flips=20, inputs=20, seed=1, resume=False),
    rounds=1,
)
