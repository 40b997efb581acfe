"""Sides: accuracy on the rows to judge on, of ours and of peers on the same network and labels."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.cases import Case

__all__ = ["SIDES"]

WEIGHT: Final = 5.0
"""Weight of a target row in the peers, where a source row has 1."""
STEPS: Final = 150
BATCH: Final = 16
RATE: Final = 2e-4


def _ships(case: Case) -> float:
    """Rate the model that a default study hands over, with one seed."""
    import fourfold

    with tempfile.TemporaryDirectory() as folder:
        study = fourfold.Study(
            case.source,
            case.target,
            network=case.network,
            seeds=1,
            jobs=1,
            output=Path(folder, "study"),
            progress=False,
        )
        study.run()
        model = fourfold.load(Path(folder, "study", "best"))
    return float(model.score(case.evaluate.rows, case.evaluate.y))


def _method(name: str) -> Callable[[Case], float]:
    def side(case: Case) -> float:
        import fourfold

        model = getattr(fourfold, name)(network=case.network)
        model.fit(case.target, source=case.source)
        return float(model.score(case.evaluate.rows, case.evaluate.y))

    return side


def _lr(case: Case) -> float:
    """Rate scikit-learn's logistic regression on frozen features of source and target."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    xs, xt, xe = (_features(case, part) for part in (case.source, case.target, case.evaluate))
    weight = np.r_[np.ones(len(xs)), np.full(len(xt), WEIGHT)]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    model.fit(
        np.concatenate([xs, xt]),
        np.concatenate([case.source.y, case.target.y]),
        logisticregression__sample_weight=weight,
    )
    return float(model.score(xe, case.evaluate.y))


def _features(case: Case, domain: Any) -> Any:
    """Compute a domain's features by the network's own library."""
    rows = domain.rows.take(np.arange(domain.rows.n))
    if case.network.name.startswith("st:"):
        from sentence_transformers import SentenceTransformer

        from fourfold.preparation.pretrained.folders import find_network

        encoder = SentenceTransformer(str(find_network(case.network.name)), device="cpu")
        return encoder.encode(list(rows))
    import torch

    network, prepare = _pictures(case)
    with torch.inference_mode():
        blocks = [network(prepare(rows[i : i + 32])) for i in range(0, len(rows), 32)]
    return torch.cat(blocks).numpy()


def _pictures(case: Case) -> tuple[Any, Callable[[Any], Any]]:
    """Return EfficientNet-Lite as its package builds it, and its inputs as a script makes them."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet
    from torch.nn.functional import interpolate

    network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=case.network.weights)
    side = case.network.size or 224

    def prepare(pictures: Any) -> Any:
        x = torch.from_numpy(pictures).movedim(-1, 1).float() / 255
        x = interpolate(x, (side, side), mode="bilinear", antialias=True)
        return (x - 0.498) / 0.502

    class Features(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, x: Any) -> Any:
            return self.network.extract_features(x).mean((2, 3))

    return Features().eval(), prepare


def _script(case: Case) -> float:
    """Rate a plain script: all layers trained on batches of source and target, AdamW, cosine."""
    import torch

    torch.manual_seed(0)
    body, prepare, width = _trainable(case)
    names, ys = np.unique(case.source.y, return_inverse=True)
    yt = np.searchsorted(names, case.target.y)
    head = torch.nn.Linear(width, len(names))
    parameters = [*body.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, STEPS)
    xs, xt = (d.rows.take(np.arange(d.rows.n)) for d in (case.source, case.target))
    body.train()
    for _ in range(STEPS):
        i, j = torch.randint(len(xs), (BATCH,)).numpy(), torch.randint(len(xt), (BATCH,)).numpy()
        logits = head(body(prepare(np.concatenate([xs[i], xt[j]]))))
        labels = torch.from_numpy(np.concatenate([ys[i], yt[j]]))
        loss = torch.nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    body.eval()
    rows = case.evaluate.rows.take(np.arange(case.evaluate.rows.n))
    with torch.inference_mode():
        blocks = [head(body(prepare(rows[i : i + 32]))) for i in range(0, len(rows), 32)]
    return float((names[torch.cat(blocks).argmax(1).numpy()] == case.evaluate.y).mean())


def _trainable(case: Case) -> tuple[Any, Callable[[Any], Any], int]:
    """Return a network to train, its inputs of rows, and the number of its features."""
    if not case.network.name.startswith("st:"):
        network, prepare = _pictures(case)
        return network, prepare, 1280
    import torch
    from transformers import AutoModel, AutoTokenizer

    from fourfold.preparation.pretrained.folders import find_network

    folder = find_network(case.network.name)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, given: Any) -> Any:
            steps = self.model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            return (steps * mask).sum(1) / mask.sum(1)

    def prepare_texts(texts: Any) -> Any:
        most = case.network.max_tokens
        return tokenizer(
            list(texts), padding=True, truncation=True, max_length=most, return_tensors="pt"
        )

    return Mean(), prepare_texts, 384


SIDES: Final[dict[str, Callable[[Case], float]]] = {
    "ships": _ships,
    "LinearProbe": _method("LinearProbe"),
    "JointTraining": _method("JointTraining"),
    "FineTune": _method("FineTune"),
    "logistic regression": _lr,
    "script": _script,
}
"""Name → accuracy of a case."""
