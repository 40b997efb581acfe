"""Fisher information of weights and of activations follows the formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Attributes, Classification, Domain, Regression
from fourfold.algorithms import fisher
from fourfold.algorithms.fisher import activation_fisher, fisher_diagonal
from fourfold.data.rows import as_rows

X = np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32)
WAYS = {
    "classes": Classification().fit(Domain(X, np.arange(30) % 3)),
    "answers": Attributes().fit(Domain(X, np.eye(3)[np.arange(30) % 3])),
    "numbers": Regression().fit(Domain(X, np.arange(90.0).reshape(30, 3))),
}


def linear():
    torch.manual_seed(0)
    return nn.Linear(4, 3)


@pytest.mark.parametrize("way", WAYS)
def test_of_a_linear_model(way):
    task = WAYS[way]
    model = linear()
    out = model(torch.from_numpy(X)).detach()
    p = {"classes": out.softmax(1), "answers": out.sigmoid()}.get(way)
    spread = torch.ones_like(out) if p is None else p * (1 - p)  # (n, k)
    found = fisher_diagonal(model, as_rows(X), task)
    torch.testing.assert_close(found["bias"], spread.mean(0))
    wanted = torch.einsum("nk,nd->kd", spread, torch.from_numpy(X).square()) / len(X)
    torch.testing.assert_close(found["weight"], wanted)


def test_it_is_the_expected_square_of_the_score():
    """By definition: each class's squared gradient, weighted by its probability, row by row."""
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3))
    found = fisher_diagonal(model, as_rows(X), WAYS["classes"])
    wanted = {name: torch.zeros_like(p) for name, p in model.named_parameters()}
    for x in torch.from_numpy(X):
        said = model(x[None]).log_softmax(1)[0]
        for c in range(3):
            scores = torch.autograd.grad(said[c], list(model.parameters()), retain_graph=True)
            for name, score in zip(wanted, scores, strict=True):
                wanted[name] += said[c].exp().detach() * score.square() / len(X)
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value)


def test_it_does_not_depend_on_the_chunks(monkeypatch):
    whole = fisher_diagonal(linear(), as_rows(X), WAYS["classes"])
    monkeypatch.setattr(fisher, "CHUNK_BYTES", 1)
    for name, value in fisher_diagonal(linear(), as_rows(X), WAYS["classes"]).items():
        torch.testing.assert_close(value, whole[name])


def test_batch_norm_is_in_evaluation_mode():
    model = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 3)).train()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    found = fisher_diagonal(model, as_rows(X), WAYS["classes"])
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all((value >= 0).all() for value in found.values())


N = 250  # more than two chunks, and no multiple of one


def rows(width=5):
    torch.manual_seed(0)
    return torch.randn(N, width) * torch.tensor([0.5, 1.0, 2.0, 1.0, 3.0])


def layers(outputs=3):
    torch.manual_seed(1)
    return torch.randn(outputs, 5)


def by_hand(task, x, w):
    """Σ_m var_m E[(∂ log-likelihood / ∂h_m)²] for outputs W h, row by row."""
    total = np.zeros(5)
    for row in x.numpy().astype(float):
        z, j = w.numpy() @ row, w.numpy().astype(float)
        if isinstance(task, Classification):
            p = np.exp(z) / np.exp(z).sum()
            total += (p[:, None] * (j - p @ j) ** 2).sum(0)
        elif isinstance(task, Attributes):
            p = 1 / (1 + np.exp(-z))
            total += ((p * (1 - p))[:, None] * j**2).sum(0)
        else:
            total += (j**2).sum(0)
    return float((total / len(x) * x.numpy().astype(float).var(0)).sum())


@pytest.mark.parametrize("task", [Classification(), Attributes(), Regression()])
def test_of_a_linear_layer_it_is_the_closed_form(task):
    x, w = rows(), layers()
    [found] = activation_fisher(lambda h: (h @ w.T, [h]), x, task)
    assert found == pytest.approx(by_hand(task, x, w), rel=1e-4)


def test_many_outputs_are_right_on_average():
    x, w = rows(), layers(12)
    torch.manual_seed(2)
    found = [activation_fisher(lambda h: (h @ w.T, [h]), x, Classification())[0] for _ in range(12)]
    assert np.mean(found) == pytest.approx(by_hand(Classification(), x, w), rel=0.05)


def test_the_scale_of_a_unit_does_not_matter():
    x, w = rows(), layers()
    scale = torch.tensor([10.0, 0.1, 1.0, 7.0, 100.0])

    def run(h):
        scaled = h * scale
        return scaled @ (w / scale).T, [h, scaled]

    one, other = activation_fisher(run, x, Classification())
    assert one == pytest.approx(other, rel=1e-4)


def test_what_is_not_used_or_never_varies_says_nothing():
    x, w = rows(), layers()

    def run(h):
        unused, constant = h * 2, h * 0 + 1
        return h @ w.T + constant[:, :3], [unused, constant, h]

    unused, constant, used = activation_fisher(run, x, Regression())
    assert unused == 0
    assert constant == pytest.approx(0, abs=1e-9)
    assert used > 1
