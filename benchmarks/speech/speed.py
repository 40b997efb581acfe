"""Seconds of a step of CTC training beside plain PyTorch, and of decoding beside real time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from benchmarks.speech.prompts import prompts, read_spoken
from fourfold import TargetOnly
from fourfold.core.tasks import Transcription
from fourfold.frozen.blocks import as_tensor
from fourfold.networks import Listener
from fourfold.training.recipe import SPEECH

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["measure_speed"]

ROUNDS: Final = 5
EPOCHS: Final = 4
ROWS: Final = 160
"""Prompts that are trained on."""


def measure_speed() -> dict[str, Any]:
    """Return medians of rounds, in turn: both steps, their ratio, and audio over decoding time."""
    torch.set_num_threads(1)
    spoken = read_spoken({"speed": prompts("en")[:ROWS]})["speed"]
    spoken.rows.take(np.arange(1))  # decoded once, for both
    ours, plain, decoding = [], [], []
    recipe = SPEECH.but(epochs=EPOCHS, min_steps=1)
    for _ in range(ROUNDS):
        method = TargetOnly(recipe=recipe).fit(spoken)
        ours.append(method.history_.seconds / method.history_.steps)
        plain.append(_plain(spoken, recipe.batch_size))
        fresh = read_spoken({"speed": prompts("en")[:ROWS]})["speed"]
        began = time.perf_counter()
        method.predict(fresh.rows)
        decoding.append(fresh.rows.seconds / (time.perf_counter() - began))
    own, theirs = float(np.median(ours)), float(np.median(plain))
    return {
        "ours": own,
        "plain": theirs,
        "ctc_step_vs_plain": own / theirs,
        "decode_vs_real_time": float(np.median(decoding)),
    }


def _plain(spoken: Any, size: int) -> float:
    """Train the same network on batches of the same lengths, as a script would; seconds a step."""
    task = Transcription().fit(spoken)
    y = task.encode(spoken)
    x = as_tensor(spoken.rows.take(np.arange(spoken.n_rows))).float()
    lengths = ((x != 0).any(1) * torch.arange(1, x.shape[2] + 1)).amax(1)
    body = Listener().build(tuple(x.shape[1:]))
    head = nn.Conv1d(body.width, task.n_outputs, 1)
    nets = nn.ModuleList([body, head]).train()
    optimizer = torch.optim.AdamW(nets.parameters(), lr=2e-3)
    batches = torch.split(lengths.argsort(), size)
    began = time.perf_counter()
    for _ in range(EPOCHS):
        for at in torch.randperm(len(batches)).tolist():
            batch = batches[at]
            longest = int(lengths[batch].max())
            _step(nets, optimizer, x[batch, :, :longest], y[batch], lengths[batch])
    return (time.perf_counter() - began) / (EPOCHS * len(batches))


def _step(
    nets: nn.ModuleList, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, lengths: Tensor
) -> None:
    body, head = nets
    outputs = head(body(x)).log_softmax(1).permute(2, 0, 1)
    known = (y >= 0).sum(1)
    loss = F.ctc_loss(outputs, y.clamp(min=0) + 1, (lengths + 2) // 3, known, zero_infinity=True)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(nets.parameters(), 5.0)
    optimizer.step()
