"""Peers on the same network and labels: a logistic regression, a script, SetFit, LoRA by peft."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.pretrained.features import features, lite, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.case import Case

__all__ = ["adapters", "logistic_regression", "script", "set_fit"]

WEIGHT: Final = 5.0
"""Weight of a target row, where a source row has 1."""
STEPS: Final = 150
BATCH: Final = 16
RATE: Final = 2e-4
LORA_RATE: Final = 1e-3


def logistic_regression(case: Case, *, keep: bool = True) -> float:
    """Rate scikit-learn's logistic regression on frozen features of source and target."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    domains = (case.source, case.target, case.evaluate)
    xs, xt, xe = (features(case, part, keep=keep) for part in domains)
    weight = np.r_[np.ones(len(xs)), np.full(len(xt), WEIGHT)]
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000))
    model.fit(
        np.concatenate([xs, xt]),
        np.concatenate([case.source.y, case.target.y]),
        logisticregression__sample_weight=weight,
    )
    return float(model.score(xe, case.evaluate.y))


def script(case: Case, adapted: Callable[[Any], Any] | None = None, rate: float = RATE) -> float:
    """Rate a plain script: all layers trained on batches of source and target, AdamW, cosine.

    Pictures are cropped and flipped at random.
    """
    import torch

    torch.manual_seed(0)
    body, prepare, width = _trainable(case, adapted)
    names, ys = np.unique(case.source.y, return_inverse=True)
    yt = np.searchsorted(names, case.target.y)
    head = torch.nn.Linear(width, len(names))
    parameters = [p for p in (*body.parameters(), *head.parameters()) if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, STEPS)
    xs, xt = rows_of(case.source), rows_of(case.target)
    random = np.random.default_rng(0)
    body.train()
    for _ in range(STEPS):
        i, j = random.integers(len(ys), size=BATCH), random.integers(len(yt), size=BATCH)
        x = prepare([*(xs[a] for a in i), *(xt[b] for b in j)], augment=True)
        y = torch.from_numpy(np.r_[ys[i], yt[j]])
        loss = torch.nn.functional.cross_entropy(head(body(x)), y, label_smoothing=0.1)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
    body.eval()
    rows = rows_of(case.evaluate)
    with torch.inference_mode():
        blocks = [head(body(prepare(rows[i : i + 32]))) for i in range(0, len(rows), 32)]
    return float((names[torch.cat(blocks).argmax(1).numpy()] == case.evaluate.y).mean())


def adapters(case: Case) -> float:
    """Rate the same script with LoRA adapters by peft in place of all layers."""
    from peft import LoraConfig, get_peft_model

    inner = (
        ["query", "value"] if case.below.startswith("st:") else ["_expand_conv", "_project_conv"]
    )
    config = LoraConfig(r=8, lora_alpha=16, lora_dropout=0.05, target_modules=inner)
    return script(case, lambda module: get_peft_model(_plain(module), config), LORA_RATE)


def _plain(module: Any) -> Any:
    """Put torch's own convolutions in place of others by 1 × 1, which peft cannot copy."""
    from torch import nn

    for layer in list(module.modules()):
        for name, child in layer.named_children():
            if isinstance(child, nn.Conv2d) and child.kernel_size == (1, 1):
                biased = child.bias is not None
                plain = nn.Conv2d(child.in_channels, child.out_channels, 1, bias=biased)
                plain.load_state_dict(child.state_dict())
                setattr(layer, name, plain)
    return module


def set_fit(case: Case) -> float:
    """Rate SetFit on the target's labels, as its README trains: one epoch, in few steps."""
    from datasets import Dataset
    from setfit import SetFitModel, Trainer, TrainingArguments

    from fourfold.preparation.pretrained.folders import find_network

    few = Dataset.from_dict({"text": list(rows_of(case.target)), "label": list(case.target.y)})
    model: Any = SetFitModel.from_pretrained(str(find_network(case.below)))
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            batch_size=BATCH, num_epochs=1, max_steps=STEPS, output_dir=folder, report_to="none"
        )
        Trainer(model=model, args=arguments, train_dataset=few).train()
    found = model.predict(list(rows_of(case.evaluate)))
    return float((np.asarray(found) == case.evaluate.y).mean())


def _trainable(
    case: Case, adapted: Callable[[Any], Any] | None
) -> tuple[Any, Callable[..., Any], int]:
    """Return a network to train, its inputs of rows, and the number of its features."""
    if not case.below.startswith("st:"):
        network, prepare_pictures = lite(case)

        def prepare(rows: Any, **options: Any) -> Any:
            return prepare_pictures(np.stack(list(rows)), **options)

        if adapted is not None:
            adapted(network.network)
        return network, prepare, 1280
    import torch
    from transformers import AutoModel, AutoTokenizer

    from fourfold.preparation.pretrained.folders import find_network

    about: Any = case.network
    folder = find_network(case.below)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    if adapted is not None:
        adapted(model)

    class Mean(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, given: Any) -> Any:
            steps = self.model(**given).last_hidden_state
            mask = given["attention_mask"].unsqueeze(-1)
            return (steps * mask).sum(1) / mask.sum(1)

    def prepare_texts(texts: Any, *, augment: bool = False) -> Any:
        del augment
        return tokenizer(
            list(texts),
            padding=True,
            truncation=True,
            max_length=about.max_tokens,
            return_tensors="pt",
        )

    return Mean(), prepare_texts, 384
