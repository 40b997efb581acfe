"""DANN on MNIST → MNIST-M: the same mathematics by hand in PyTorch, in skada, and here."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

from benchmarks import data
from benchmarks.clock import Clock, cores
from benchmarks.harness import Benchmark, Measures, Medians, Target

if TYPE_CHECKING:
    from numpy.typing import NDArray


@final
@dataclass(frozen=True)
class Settings:
    """Sizes: rows of each domain, rows to test on, epochs, rows of each in a step."""

    rows: int = 8192
    test_rows: int = 2000
    epochs: int = 4
    batch: int = 64
    seed: int = 0


class Digits(NamedTuple):
    """Pictures (n, 28, 28, 3) of bytes; labels (n,) where they may be seen."""

    source: NDArray[np.uint8]
    y: NDArray[np.int64]
    target: NDArray[np.uint8]
    test: NDArray[np.uint8]
    test_y: NDArray[np.int64]

    @classmethod
    def make(cls, s: Settings) -> Digits:
        """Read MNIST and put other digits of it on photographs."""
        pictures, y = data.mnist()
        test, test_y = data.mnist("t10k")
        source = np.repeat(pictures[: s.rows, ..., None], 3, axis=3)
        target = data.mnist_m(pictures[s.rows : 2 * s.rows], seed=1)
        test_m = data.mnist_m(test[: s.test_rows], seed=2)
        return cls(source, y[: s.rows], target, test_m, test_y[: s.test_rows])

    def normalized(self) -> list[NDArray[np.float32]]:
        """Return source, target and test as (n, 3, 28, 28), channels with mean 0 and spread 1."""
        both = np.concatenate([self.source, self.target]).astype(np.float32)
        mean, spread = both.mean((0, 1, 2)), both.std((0, 1, 2))
        return [
            np.ascontiguousarray(np.moveaxis((part - mean) / spread, -1, 1), np.float32)
            for part in (self.source, self.target, self.test)
        ]


def _plain(s: Settings) -> Measures:
    import torch

    from benchmarks.peers import torch_dann

    digits, clock = Digits.make(s), Clock()
    torch.manual_seed(s.seed)
    torch.set_num_threads(cores())
    source, target, test = (torch.from_numpy(part) for part in digits.normalized())
    y, test_y = torch.from_numpy(digits.y), torch.from_numpy(digits.test_y)
    network = torch_dann.train(source, y, target, epochs=s.epochs, batch=s.batch, each_epoch=clock)
    return {
        "seconds an epoch": clock.seconds,
        "accuracy": torch_dann.accuracy(network, test, test_y),
    }


def _plain_same(s: Settings) -> Measures:
    from fourfold import keep_memory

    keep_memory()
    return _plain(s)


def _skada(s: Settings) -> Measures:
    import torch

    from benchmarks.peers import skada_dann

    digits, clock = Digits.make(s), Clock()
    torch.manual_seed(s.seed)
    torch.set_num_threads(cores())
    source, target, test = digits.normalized()
    net = skada_dann.train(
        source, digits.y, target, epochs=s.epochs, batch=s.batch, each_epoch=clock
    )
    guesses = net.predict(test, np.full(len(test), -2))
    return {"seconds an epoch": clock.seconds, "accuracy": float((guesses == digits.test_y).mean())}


def _fourfold(s: Settings) -> Measures:
    from fourfold import DANN, ConvNet, Domain, Recipe, Runtime, keep_memory

    digits, clock = Digits.make(s), Clock()
    keep_memory()
    with tempfile.TemporaryDirectory() as folder:
        recipe = Recipe(
            epochs=s.epochs,
            min_steps=1,
            batch_size=s.batch,
            optimizer="sgd",
            learning_rate=0.01,
            momentum=0.9,
            weight_decay=0.0,
            schedule="inverse",
        )
        papers = {"lambda_": 1.0, "tap": "conv2", "critic_layers": 1, "pretrain": False}
        network = ConvNet(batch_norm=False)
        model = DANN(network=network, recipe=recipe, random_state=s.seed, **papers)
        with Runtime(accelerator="cpu", threads=cores(), checkpoints=folder, callbacks=(clock,)):
            model.fit(Domain(digits.target), source=Domain(digits.source, digits.y))
        return {
            "seconds an epoch": clock.seconds,
            "accuracy": model.score(digits.test, digits.test_y),
        }


def _figures(medians: Medians) -> dict[str, float]:
    seconds = {side: found["seconds an epoch"] for side, found in medians.items()}
    return {
        "time_vs_plain_torch": seconds["fourfold"] / seconds["plain"],
        "time_vs_skada": seconds["fourfold"] / seconds["skada"],
        "time_vs_plain_torch_same_settings": seconds["fourfold"] / seconds["plain_same"],
        "accuracy_fourfold": medians["fourfold"]["accuracy"],
        "accuracy_plain_torch": medians["plain"]["accuracy"],
        "accuracy_skada": medians["skada"]["accuracy"],
    }


BENCHMARK: Final = Benchmark(
    name="loop",
    title="DANN, MNIST → MNIST-M, the paper's network, fp32, on all cores",
    counts="""
      · An epoch lasts from the end of one to the end of the next, the first left out.
      · Data lie in memory: to peers as normalized floats, to fourfold as bytes that every step
        normalizes.
      · plain and skada run in a process as it starts; plain_same after keep_memory(), as fourfold
        does, which also writes a checkpoint.
      · Accuracy is on pictures of MNIST-M whose labels nobody saw.
    """,
    sides={"plain": _plain, "plain_same": _plain_same, "skada": _skada, "fourfold": _fourfold},
    figures=_figures,
    targets={
        "time_vs_plain_torch": Target("≤", 0.65),
        "time_vs_skada": Target("≤", 0.65),
        "time_vs_plain_torch_same_settings": Target("≤", 0.85),
    },
    packages=("torch", "numpy", "lightning-fabric", "skada", "skorch"),
    settings=Settings(),
    quick=Settings(rows=256, test_rows=100, epochs=2),
    rounds=5,
)
