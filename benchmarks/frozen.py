"""A frozen EfficientNet-Lite0: its features, and a study of four methods that stand on them."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray


METHODS: Final = ("TargetOnly", "Linear", "SourceOnly", "FineTune")


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: pictures of each domain, and the study's epochs, batch and seeds."""

    pictures: int = 500
    epochs: int = 10
    batch: int = 64
    seeds: int = 5


class Scenes(NamedTuple):
    """Pictures (n, 3, 224, 224) of the same photographs by day and by night, and their labels."""

    day: NDArray[np.float32]
    day_y: NDArray[np.int64]
    night: NDArray[np.float32]
    night_y: NDArray[np.int64]

    @classmethod
    def make(cls, s: Settings) -> Scenes:
        """Cut them out of the photographs."""
        day, day_y = data.crops(s.pictures, night=False, seed=1)
        night, night_y = data.crops(s.pictures, night=True, seed=2)
        return cls(day, day_y, night, night_y)

    @property
    def all(self) -> NDArray[np.float32]:
        """Return all pictures."""
        return np.concatenate([self.day, self.night])


def _plain(s: Settings) -> Measures:
    import torch

    from benchmarks.peers import torch_features

    network, x = torch_features.network(), torch.from_numpy(Scenes.make(s).all)
    torch_features.features(network, x[:32])  # everything warms up
    began = time.perf_counter()
    torch_features.features(network, x)
    return {"pictures a second": len(x) / (time.perf_counter() - began)}


def _fourfold(engine: Literal["auto", "openvino"], s: Settings) -> Measures:
    import torch

    from benchmarks.peers import torch_features
    from fourfold import cut, keep_memory

    keep_memory()
    network, x = torch_features.network(), Scenes.make(s).all
    frozen = cut(network, "_avg_pooling", engine=engine).frozen
    began = time.perf_counter()
    frozen.compute(x[:32])
    exported = time.perf_counter()
    got = frozen.compute(x)["output"].reshape(len(x), -1)
    ended = time.perf_counter()
    wanted = torch_features.features(network, torch.from_numpy(x)).numpy()
    return {
        "pictures a second": len(x) / (ended - exported),
        "export seconds": exported - began,
        "difference": float(np.abs(got - wanted).max() / np.abs(wanted).max()),
    }


def _study(s: Settings) -> Measures:
    from benchmarks.peers import torch_features
    from fourfold import Domain, Recipe, Store, Study, cut, keep_memory
    from fourfold.networks.cut import headless

    keep_memory()
    body, _ = headless(torch_features.network())
    scenes, half = Scenes.make(s), s.pictures // 2
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        result = Study(
            Domain(scenes.day, scenes.day_y, name="day"),
            Domain(scenes.night[:half], scenes.night_y[:half], name="night"),
            Domain(scenes.night[half:], scenes.night_y[half:], name="other nights"),
            methods=["FineTune"],
            network=cut(body, "_avg_pooling"),
            recipe=Recipe(epochs=s.epochs, min_steps=1, batch_size=s.batch),
            seeds=s.seeds,
            output=Path(folder, "study"),
            store=Store(Path(folder, "store")),
            progress=False,
        ).run()
        seconds = time.perf_counter() - began
    scores = {line.method: float(np.mean(line.scores)) for line in result.lines}
    return {"seconds": seconds, **{f"accuracy of {name}": scores[name] for name in METHODS}}


def _study_plain(s: Settings) -> Measures:
    import torch

    from benchmarks.peers import torch_features

    scenes, half = Scenes.make(s), s.pictures // 2
    x, y = torch.from_numpy(scenes.night), torch.from_numpy(scenes.night_y)
    day = torch_features.Pile(torch.from_numpy(scenes.day), torch.from_numpy(scenes.day_y))
    network = torch_features.network()
    study = torch_features.Study(network, epochs=s.epochs, batch=s.batch, seeds=s.seeds)
    torch_features.features(network, x[:32])  # everything warms up
    seconds, scores = study.run(
        day, torch_features.Pile(x[:half], y[:half]), torch_features.Pile(x[half:], y[half:])
    )
    return {"seconds": seconds, **{f"accuracy of {name}": scores[name] for name in METHODS}}


def _figures(medians: Medians) -> dict[str, float]:
    speed = {side: found.get("pictures a second", 0.0) for side, found in medians.items()}
    ours, theirs = medians["study"], medians["study_plain"]
    return {
        "features_vs_plain_torch": speed["fourfold"] / speed["plain"],
        "features_vs_plain_torch_openvino": speed["openvino"] / speed["plain"],
        "features_max_difference": medians["fourfold"]["difference"],
        "export_seconds": medians["fourfold"]["export seconds"],
        "speedup_vs_no_store": theirs["seconds"] / ours["seconds"],
        **{f"accuracy_{name}": ours[f"accuracy of {name}"] for name in METHODS},
        **{f"accuracy_{name}_plain_torch": theirs[f"accuracy of {name}"] for name in METHODS},
    }


BENCHMARK: Final = Benchmark(
    name="frozen",
    title="a frozen EfficientNet-Lite0 at 224 × 224, fp32, on all cores",
    counts="""
      · Features: pictures lie in memory as floats; plain is eval() under no_grad in batches of 32
        in a process as it starts; loading the network counts on no side.
      · Export counts from the module to the first block: export, parity check, session.
      · study counts all of fourfold's: hashing, export, features, writing, training, the
        cross-validation that chooses, the result with its pictures, the winner's bundle.
      · study_plain counts the 4 methods × seeds only, without cross-validation; one epoch of each
        pile is timed and scaled to all epochs, methods and seeds, FineTune's source model trained
        anew: without a store nothing remembers SourceOnly's.
    """,
    sides={
        "plain": _plain,
        "fourfold": partial(_fourfold, "auto"),
        "openvino": partial(_fourfold, "openvino"),
        "study": _study,
        "study_plain": _study_plain,
    },
    figures=_figures,
    targets={
        "features_vs_plain_torch": Target("≥", 6),
        "features_max_difference": Target("≤", 1e-3),
        "speedup_vs_no_store": Target("≥", 50),
    },
    packages=("torch", "onnxruntime", "openvino", "scikit-learn", "efficientnet-lite-pytorch"),
    settings=Settings(),
    quick=Settings(pictures=72, epochs=1, seeds=2),
    rounds=3,
)
