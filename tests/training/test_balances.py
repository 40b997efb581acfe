"""How the losses of tasks become one step: closed forms, and gradients by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn
from torchjd import aggregation

from fourfold.errors import ParameterError
from fourfold.training.aggregators import AGGREGATORS, descend
from fourfold.training.balances import Aggregated, Equal, Uncertainty
from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Part, Phase
from fourfold.training.recipe import Recipe


def two(a=3.0, b=1.0, c=-0.5):
    """Return gradients of two tasks with these norms and this cosine, (2, 3)."""
    return torch.tensor([[a, 0.0, 0.0], [b * c, b * math.sqrt(1 - c * c), 0.0]])


def shared_step(name, jacobian):
    """Give two linear losses these gradients in what they share; return what that follows."""
    w = nn.Parameter(torch.zeros(jacobian.shape[1]))
    descend(jacobian @ w, name, [w], [])
    return w.grad


def test_pcgrad_projects_each_gradient_off_the_other():
    g1, g2 = two()
    wanted = g1 - (g1 @ g2) / (g2 @ g2) * g2 + g2 - (g1 @ g2) / (g1 @ g1) * g1
    torch.testing.assert_close(shared_step("pcgrad", two()), wanted)


def test_pcgrad_leaves_gradients_that_agree_alone():
    torch.testing.assert_close(shared_step("pcgrad", two(c=0.3)), two(c=0.3).sum(0))


@pytest.mark.parametrize(("a", "b", "c"), [(3.0, 1.0, -0.5), (1.0, 2.0, 0.4)])
def test_imtlg_weighs_by_the_other_norm(a, b, c):
    g1, g2 = two(a, b, c)
    wanted = (b * g1 + a * g2) / (a + b)
    torch.testing.assert_close(shared_step("imtlg", two(a, b, c)), wanted)


@pytest.mark.parametrize(("a", "b", "c"), [(3.0, 1.0, -0.5), (3.0, 1.0, 0.9), (1.0, 1.0, 0.0)])
def test_mgda_goes_where_the_two_are_nearest_to_zero(a, b, c):
    g1, g2 = two(a, b, c)
    alpha = (((g2 - g1) @ g2) / ((g1 - g2) @ (g1 - g2))).clip(0, 1)
    wanted = alpha * g1 + (1 - alpha) * g2
    torch.testing.assert_close(shared_step("mgda", two(a, b, c)), wanted, atol=5e-3, rtol=1e-2)


@pytest.mark.parametrize(("a", "b", "c"), [(3.0, 1.0, -0.5), (1.0, 2.0, 0.4)])
def test_nash_weighs_by_the_inverse_norms(a, b, c):
    g1, g2 = two(a, b, c)
    wanted = (g1 / a + g2 / b) / math.sqrt(1 + c)
    got = shared_step("nashmtl", two(a, b, c))
    assert torch.cosine_similarity(got, wanted, dim=0) > 0.9999


def test_cagrad_stays_within_half_the_mean_gradient_of_it():
    mean = two().mean(0)
    step = shared_step("cagrad", two())
    assert torch.dist(step, mean) == pytest.approx(0.5 * float(mean.norm()), rel=1e-2)
    assert (two() @ step).min() >= (two() @ mean).min() - 1e-5


@pytest.mark.parametrize("name", ["pcgrad", "upgrad", "mgda", "imtlg", "nashmtl", "alignedmtl"])
def test_no_task_loses_by_the_step(name):
    assert (two(c=-0.8) @ shared_step(name, two(c=-0.8)) >= -1e-5).all()


class Nets(nn.Module):
    """A shared layer, and a head for each of three tasks."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 5)
        self.heads = nn.ModuleList(nn.Linear(5, 1) for _ in range(3))

    def losses(self, x, y):
        h = self.shared(x).tanh()
        return torch.stack([(head(h)[:, 0] - y[:, i]).square().mean() * 3**i
                            for i, head in enumerate(self.heads)])  # fmt: skip


def by_hand(nets, x, y):
    """Differentiate each task's loss by itself."""
    shared, heads = list(nets.shared.parameters()), list(nets.heads.parameters())
    losses = nets.losses(x, y)
    rows = [torch.autograd.grad(loss, shared, retain_graph=True) for loss in losses]
    jacobian = torch.stack([torch.cat([g.reshape(-1) for g in row]) for row in rows])
    own = torch.autograd.grad(losses.sum(), heads)
    return jacobian, own


@pytest.fixture
def nets():
    torch.manual_seed(0)
    return Nets(), torch.randn(16, 4), torch.randn(16, 3)


@pytest.mark.parametrize("name", sorted(AGGREGATORS))
def test_a_phase_leaves_the_gradients_that_are_made_by_hand(nets, name):
    net, x, y = nets
    jacobian, own = by_hand(net, x, y)
    balance, seen = Aggregated(name, 3), []

    def backward(losses, _module):
        torch.manual_seed(1)  # PCGrad's order
        balance.backward(losses, net.shared, net.heads)
        seen.append([p.grad.clone() for p in net.parameters()])

    phase = Phase(lambda _t, b: net.losses(b.x, b.y), net, backward=backward)
    minimize(net, phase, Table(x, y), recipe=Recipe(steps=1, batch_size=16))
    torch.manual_seed(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_a, **_k: None)  # cvxpy's, of how fast it will be
        wanted = AGGREGATORS[name](3)(jacobian)
    got = torch.cat([g.reshape(-1) for g in seen[0][:2]])
    torch.testing.assert_close(got, wanted, atol=2e-4, rtol=1e-3)
    for mine, theirs in zip(seen[0][2:], own, strict=True):
        torch.testing.assert_close(mine, theirs)


def test_equal_follows_the_mean(nets):
    net, x, y = nets
    jacobian, own = by_hand(net, x, y)
    Equal(3).backward(net.losses(x, y), net.shared, net.heads)
    got = torch.cat([p.grad.reshape(-1) for p in net.shared.parameters()])
    torch.testing.assert_close(got, jacobian.mean(0))
    torch.testing.assert_close(net.heads[0].weight.grad, own[0] / 3)


@pytest.mark.parametrize("name", sorted(AGGREGATORS))
def test_a_task_without_a_loss_takes_no_part(nets, name):
    """Not even where an aggregator would stand still for it."""
    net, x, y = nets
    jacobian, _ = by_hand(net, x, y)
    some = torch.tensor([1.0, 0.0, 1.0])
    torch.manual_seed(1)
    Aggregated(name, 3).backward(net.losses(x, y) * some, net.shared, net.heads)
    got = torch.cat([p.grad.reshape(-1) for p in net.shared.parameters()])
    torch.manual_seed(1)
    wanted = shared_step(name, jacobian[[0, 2]])
    torch.testing.assert_close(got, wanted, atol=2e-4, rtol=1e-3)
    assert got.abs().sum() > 0
    assert not net.heads[1].weight.grad.any()
    Aggregated(name, 3).backward(net.losses(x, y) * 0, net.shared, net.heads)
    assert not any(p.grad.any() for p in net.parameters())


def test_uncertainty_rests_where_s_is_the_logarithm_of_the_loss():
    balance = Uncertainty(3)
    fixed = torch.tensor([0.2, 1.0, 5.0])
    phase = Phase(
        lambda _t, _b: fixed,
        [Part(balance, weight_decay=0.0)],
        backward=lambda losses, _module: balance.backward(losses, nn.Module(), nn.Module()),
    )
    recipe = Recipe(steps=600, learning_rate=0.05)
    minimize(balance, phase, Table(torch.zeros(1, 1)), recipe=recipe)
    torch.testing.assert_close(balance.s.detach(), fixed.log(), atol=1e-2, rtol=1e-2)
    (facts,) = balance.findings(["a", "b", "c"])
    assert [float(v) for v in facts.values.values()] == pytest.approx([2.5, 0.5, 0.1], rel=0.05)


def test_uncertainty_weighs_nothing_where_there_is_no_loss():
    balance, w = Uncertainty(2), torch.ones(2, requires_grad=True)
    balance.backward(torch.tensor([1.0, 0.0]) * w, nn.Module(), nn.Module())
    assert balance.s.grad.tolist() == [0.0, 0.0]  # log 1 is best for the first
    assert w.grad.tolist() == [0.5, 0.0]


def test_one_task_has_no_gradients_that_conflict():
    with pytest.raises(ParameterError, match="balance='pcgrad' must have at least 2 tasks"):
        Aggregated("pcgrad", 1)


def test_every_aggregator_is_torchjds():
    made = {name: type(build(2)).__name__.lower() for name, build in AGGREGATORS.items()}
    assert all(name == kind for name, kind in made.items())
    assert all(isinstance(build(2), aggregation.Aggregator) for build in AGGREGATORS.values())


def test_gradients_lie_in_memory_as_their_parameters_do():
    """Fused optimizers on a GPU refuse the others."""
    shared, own = (nn.Conv2d(3, 3, 3).to(memory_format=torch.channels_last) for _ in range(2))
    outputs = own(shared(torch.ones(2, 3, 9, 9)))
    losses = torch.stack([outputs.square().mean(), outputs.abs().mean()])
    parameters = list(shared.parameters()), list(own.parameters())
    descend(losses, "pcgrad", *parameters)
    assert not shared.weight.is_contiguous()
    for parameter in (*parameters[0], *parameters[1]):
        assert parameter.grad.stride() == parameter.stride()
