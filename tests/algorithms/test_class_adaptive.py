"""The class-adaptive probe: its penalties, and a minimum of the loss that its authors' code has."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.class_adaptive import choose_alpha, class_adaptive, class_penalties
from fourfold.algorithms.samples import Sample

SCALE = 12.0


def drawn(n=40, k=3, d=6):
    rng = np.random.default_rng(0)
    prototypes = rng.normal(size=(k, d)) * 2
    y = np.arange(n) % k
    x = prototypes[y] + rng.normal(size=(n, d)) * 2
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    return Sample(x, y, np.ones(n, np.float32)), prototypes


def loss(w, rows, prototypes, penalties):
    """Write the loss as the authors' code does, in torch."""
    logits = torch.from_numpy(rows.x).double() @ F.normalize(w).T * SCALE
    apart = (w - prototypes).pow(2).sum(-1)
    return F.cross_entropy(logits, torch.from_numpy(rows.y)) + torch.mean(
        torch.from_numpy(penalties) * apart
    )


def test_penalties_are_the_mean_probability_of_the_right_class():
    rows, prototypes = drawn()
    x, t = torch.from_numpy(rows.x).double(), torch.from_numpy(prototypes)
    labels = F.one_hot(torch.from_numpy(rows.y)).double()
    soft = torch.softmax(SCALE * x @ F.normalize(t).T, -1)
    wanted = torch.diag(soft.T @ labels) / labels.sum(0)  # as the authors' code has it
    np.testing.assert_allclose(class_penalties(rows, prototypes, SCALE), wanted, rtol=1e-6)
    assert class_penalties(rows.at(rows.y != 1), prototypes, SCALE)[1] == 1.0


def test_the_solution_is_a_minimum_of_the_authors_loss():
    rows, prototypes = drawn()
    penalties = class_penalties(rows, prototypes, SCALE)
    found = class_adaptive(rows, prototypes, SCALE, penalties)
    w = torch.from_numpy(found.copy()).requires_grad_()
    lost = loss(w, rows, torch.from_numpy(prototypes), penalties)
    lost.backward()
    assert float(w.grad.abs().max()) < 1e-3
    trained = torch.from_numpy(prototypes.copy()).requires_grad_()
    optimizer = torch.optim.SGD([trained], 0.1)
    for _ in range(300):  # the authors' optimizer
        optimizer.zero_grad()
        loss(trained, rows, torch.from_numpy(prototypes), penalties).backward()
        optimizer.step()
    start = torch.from_numpy(prototypes)
    theirs, before = (float(loss(w, rows, start, penalties)) for w in (trained.detach(), start))
    assert float(lost.detach()) <= theirs + 1e-6 < before


def test_a_large_penalty_keeps_the_prototypes_and_weights_are_repeated_rows():
    rows, prototypes = drawn()
    kept = class_adaptive(rows, prototypes, SCALE, np.full(3, 1e9))
    np.testing.assert_allclose(kept, prototypes, atol=1e-6)
    weight = 1 + np.arange(len(rows.y)) % 2
    twice = rows.at(np.repeat(np.arange(len(rows.y)), weight))
    ones = np.ones(3)
    np.testing.assert_allclose(
        class_adaptive(rows._replace(weight=weight.astype(np.float32)), prototypes, SCALE, ones),
        class_adaptive(twice, prototypes, SCALE, ones),
        atol=1e-4,
    )


def test_held_out_labels_choose_how_far_prototypes_are_trusted():
    rng = np.random.default_rng(1)
    right, x = rng.normal(size=(3, 20)), rng.normal(size=(600, 20))
    x = (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32)
    logits = 6 * x @ F.normalize(torch.from_numpy(right)).numpy().T
    y = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)  # as the prototypes say
    rows = Sample(x, y, np.ones(600, np.float32))
    assert choose_alpha(rows, right, 6.0) > 1.0
    wrong = right + rng.normal(size=right.shape)
    assert choose_alpha(rows, wrong, 6.0) < 1.0
    few = rows.at(np.array([np.flatnonzero(y == c)[0] for c in range(3)]))
    assert choose_alpha(few, wrong, 6.0) == 1.0  # nothing can be held out
