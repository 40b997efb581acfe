"""Spoken digits of a new speaker, on the speech embedding of openwakeword."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks import data
from benchmarks.data import imported
from benchmarks.harness import ROOT
from benchmarks.pretrained.case import Case

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["SHOTS", "SPEAKERS", "draw", "parts"]

SPEAKERS: Final = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")
SHOTS: Final = (1, 3, 5)
RATE: Final = 16_000
SAMPLES: Final = 12_640
"""Samples of one window of the encoder: 76 frames."""
EACH: Final = 20
"""Utterances of each digit to judge on; the source are all fifty of each speaker."""
ENCODER: Final = ROOT / "runs" / "pretrained" / "speech.onnx"


def draw(speaker: str, k: int, seed: int) -> Case:
    """Draw utterances of five speakers as the source, and few of the sixth."""
    from fourfold import Domain

    random = np.random.default_rng(seed)
    waves, digits, speakers = _waves()
    own, others = np.flatnonzero(speakers == speaker), np.flatnonzero(speakers != speaker)
    few = data.each_class(digits, own, k, random).ravel()
    judged = data.each_class(digits, np.setdiff1d(own, few), EACH, random).ravel()

    def domain(at: Any, name: str) -> Domain:
        return Domain(waves[at, None], digits[at], name=name)

    return Case(
        domain(others, "five speakers"),
        domain(few, speaker),
        domain(judged, f"{speaker} to judge on"),
        f"onnx:{_encoder()}",
    )


@functools.cache
def _waves() -> tuple[Any, Any, Any]:
    """Read utterances at the encoder's rate, around the middle of their energy: (n, SAMPLES)."""
    soundfile, soxr = imported("soundfile"), imported("soxr")
    paths, digits, speakers = data.spoken_digits()
    waves = np.zeros((len(paths), SAMPLES), np.float32)
    for wave, path in zip(waves, paths, strict=True):
        sound, rate = soundfile.read(path, dtype="float32")
        sound = soxr.resample(sound, rate, RATE)
        loud = np.cumsum(sound**2)
        middle = int(np.searchsorted(loud, loud[-1] / 2))
        around = np.pad(sound, SAMPLES)[middle + SAMPLES // 2 :]
        wave[:] = around[:SAMPLES] * 32768  # as integers, which the encoder had
    return waves, digits, speakers


def parts() -> tuple[Path, Path]:
    """Return the two files of openwakeword 0.4.0 (Apache-2.0): to log-mel, and to an embedding."""
    folder = data.folder("oww")
    return folder / "melspectrogram.onnx", folder / "embedding_model.onnx"


def _encoder() -> Path:
    """Join both files to one network, from waves (n, 1, SAMPLES) to vectors (n, 96)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    if ENCODER.exists():
        return ENCODER
    mel, embed = (
        onnx.compose.add_prefix(onnx.load(path), prefix)
        for path, prefix in zip(parts(), ("mel_", "embed_"), strict=True)
    )
    (heard,), (seen,) = mel.graph.input, mel.graph.output
    (given,), (found,) = embed.graph.input, embed.graph.output
    scaled = [
        helper.make_node("Mul", [seen.name, "tenth"], ["scaled"]),
        helper.make_node("Add", ["scaled", "two"], ["shifted"]),
        helper.make_node("Transpose", ["shifted"], [given.name], perm=[0, 2, 3, 1]),
    ]
    start = helper.make_node("Flatten", ["waves"], [heard.name])
    flat = helper.make_node("Flatten", [found.name], ["vectors"])
    constants = [
        numpy_helper.from_array(np.array(value, np.float32), name)
        for name, value in (("tenth", 0.1), ("two", 2.0))
    ]
    graph = helper.make_graph(
        [start, *mel.graph.node, *scaled, *embed.graph.node, flat],
        "speech",
        [helper.make_tensor_value_info("waves", TensorProto.FLOAT, ["n", 1, SAMPLES])],
        [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["n", 96])],
        [*mel.graph.initializer, *embed.graph.initializer, *constants],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=7)
    ENCODER.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, ENCODER)
    return ENCODER
