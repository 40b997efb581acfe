"""Costs besides accuracy: seconds of a study, of a step of training, and memory of adapters.

Seconds are those of the processor, on one thread, since other processes may run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from benchmarks.memory import Peak, anonymous
from benchmarks.pretrained import peers, speech, texts
from benchmarks.pretrained.ours import study

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.case import Case

__all__ = ["COSTS"]

ROWS, BATCH, EPOCHS, TOKENS = 160, 16, 5, 64
"""Texts, texts of a step, epochs of them, and tokens of a text at most."""


def _study() -> float:
    """Return the seconds of a default study whose features are in the store."""
    from fourfold import Store

    case = _digits()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder, "store"))
        study(case, Path(folder, "first"), store=store).run()
        began = time.process_time()
        study(case, Path(folder, "second"), store=store).run()
        return time.process_time() - began


def _script() -> float:
    """Return the seconds of the script of a logistic regression, features included."""
    case = _digits()
    import sklearn.linear_model  # noqa: F401  before the clock starts

    began = time.process_time()
    peers.logistic_regression(case, keep=False)
    return time.process_time() - began


def _digits() -> Case:
    return speech.draw("george", 5, 0)


def _texts() -> tuple[list[str], Any]:
    source = texts.draw("movies-amazon", 8, 0).source
    return list(source.rows.take(np.arange(ROWS))), source.y[:ROWS]


@final
class _Ends:
    """Seconds of the processor at the end of each epoch."""

    def __init__(self) -> None:
        self._ends: list[float] = []

    def __call__(self, *_: object) -> None:
        self._ends.append(time.process_time())

    def step(self) -> float:
        """Return the seconds of a step, by the median epoch after the first."""
        epochs = np.diff(self._ends).tolist()
        return statistics.median(epochs) / (ROWS // BATCH)


def _trained(ends: _Ends | None = None, adapter: Any = None, epochs: int = EPOCHS) -> None:
    """Train the encoder on labelled texts by fourfold."""
    from fourfold import Domain, Runtime, TargetOnly
    from fourfold.networks import Pretrained
    from fourfold.networks.pretrained.builder import TRANSFORMERS

    x, y = _texts()
    network = Pretrained(name="st:english", max_tokens=TOKENS, adapter=adapter)
    recipe = TRANSFORMERS.but(steps=epochs * ROWS // BATCH, batch_size=BATCH)
    with Runtime(accelerator="cpu", threads=1, callbacks=() if ends is None else (ends,)):
        TargetOnly(network=network, recipe=recipe).fit(Domain(x, y))


def _own_step() -> float:
    ends = _Ends()
    _trained(ends)
    return ends.step()


def _plain_step() -> float:
    """Return the seconds of the same step in plain PyTorch: AdamW, clipping, padding by batch."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    from fourfold.preparation.pretrained.folders import find_network

    x, labels = _texts()
    folder = find_network("st:english")
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder)
    y = torch.from_numpy((labels == "good").astype(np.int64))
    head = torch.nn.Linear(384, 2)
    parameters = [*model.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-4, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-4, EPOCHS * ROWS // BATCH)
    model.train()
    ends, random = _Ends(), np.random.default_rng(0)
    for _ in range(EPOCHS):
        for rows in random.permutation(ROWS).reshape(-1, BATCH):
            given = tokenizer(
                [x[i] for i in rows],
                padding=True,
                truncation=True,
                max_length=TOKENS,
                return_tensors="pt",
            )
            steps, mask = model(**given).last_hidden_state, given["attention_mask"].unsqueeze(-1)
            outputs = head((steps * mask).sum(1) / mask.sum(1))
            loss = torch.nn.functional.cross_entropy(outputs, y[rows])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 1.0)
            optimizer.step()
            schedule.step()
        ends()
    return ends.step()


def _memory(adapter: Any) -> float:
    """Return the peak of a training above the imports, in MB."""
    import peft
    import sentence_transformers  # noqa: F401

    import fourfold

    fourfold.keep_memory()
    imports = anonymous()
    with Peak() as peak:
        _trained(adapter=adapter, epochs=2)
    del peft
    return peak.megabytes - imports


COSTS: Final[dict[str, Callable[[], float]]] = {
    "study seconds": _study,
    "script seconds": _script,
    "step seconds": _own_step,
    "plain step seconds": _plain_step,
    "adapters MB": partial(_memory, "lora"),
    "all layers MB": partial(_memory, None),
}
"""Name → what is measured."""
