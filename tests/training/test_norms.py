"""Each domain is normalized by itself, and predictions by the target."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fourfold.training.norms import (
    BatchNorm1d,
    BatchNorm2d,
    FrameNorm,
    forward_by_domain,
    still_statistics,
)


@pytest.fixture
def batches():
    generator = torch.Generator().manual_seed(0)
    source = torch.randn(8, 3, 6, 6, generator=generator)
    return source, 3 * torch.randn(5, 3, 6, 6, generator=generator) + 2


def network(norm):
    torch.manual_seed(1)
    layers = [nn.Conv2d(3, 4, 3), *norm, nn.ReLU(), nn.Flatten(), nn.Linear(64, 7)]
    return nn.Sequential(*layers).train()


@pytest.mark.parametrize("norm", [BatchNorm2d, nn.BatchNorm2d])
def test_apart_is_two_passes(batches, norm):
    source, target = batches
    fs, ft = forward_by_domain(network([norm(4)]), source, target)
    torch.testing.assert_close(fs, network([norm(4)])(source), rtol=0, atol=0)
    torch.testing.assert_close(ft, network([norm(4)])(target), rtol=0, atol=0)
    joint = network([norm(4)])(torch.cat([source, target]))
    assert not torch.allclose(fs, joint[:8], atol=0.1)


def test_running_statistics_follow_the_target_only(batches):
    source, target = batches
    both, alone = network([BatchNorm2d(4)]), network([BatchNorm2d(4)])
    for _ in range(3):
        forward_by_domain(both, source, target)
        alone(target)
    for name, buffer in alone.named_buffers():
        assert torch.equal(dict(both.named_buffers())[name], buffer), name
    assert both[1].num_batches_tracked == 3
    assert both[1].momentum == 0.1


def test_gradients_come_from_both_domains(batches):
    source, target = batches
    net = network([BatchNorm2d(4)])
    fs, _ = forward_by_domain(net, source, target)
    fs.square().sum().backward()
    assert net[0].weight.grad.abs().sum() > 0


@pytest.mark.parametrize("norm", [(), (nn.GroupNorm(2, 4),)])
def test_without_batch_norm_it_is_one_joint_pass(batches, norm):
    source, target = batches
    net = network(norm)
    calls = []
    net[0].register_forward_hook(lambda _m, x, _y: calls.append(len(x[0])))
    fs, ft = forward_by_domain(net, source, target)
    assert calls == [13]
    torch.testing.assert_close(torch.cat([fs, ft]), net(torch.cat([source, target])))
    torch.testing.assert_close(ft, net(target))


@pytest.mark.parametrize("momentum", [0.3, None])
def test_statistics_stand_still_inside_and_move_again_outside(batches, momentum):
    net = network([nn.BatchNorm2d(4, momentum=momentum)])
    net(batches[0])
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(ZeroDivisionError), still_statistics(net):
        _ = net(batches[1]) / (1 // 0)
    after = net.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())
    assert net[1].momentum == momentum
    net(batches[1])
    assert not torch.equal(net[1].running_mean, before["1.running_mean"])
    assert net[1].num_batches_tracked == 2


@pytest.mark.parametrize(
    ("ours", "torchs", "shape"),
    [(BatchNorm1d, nn.BatchNorm1d, (9, 4)), (BatchNorm2d, nn.BatchNorm2d, (9, 4, 2, 2))],
)
def test_alone_our_batch_norm_is_pytorchs(ours, torchs, shape):
    x = torch.randn(shape)
    for mode in (True, False):
        mine, theirs = ours(4).train(mode), torchs(4).train(mode)
        assert torch.equal(mine(x), theirs(x))
        assert torch.equal(mine.running_var, theirs.running_var)


def test_a_frame_norm_counts_the_frames_that_are_there():
    torch.manual_seed(0)
    lengths = torch.tensor([4, 9, 7])
    real = (torch.arange(9) < lengths[:, None]).float()[:, None]
    x = torch.randn(3, 5, 9) * real
    norm, plain = FrameNorm(5), nn.BatchNorm1d(5)
    frames = x.transpose(1, 2)[real[:, 0] > 0]  # (20, 5)
    found, wanted = norm(x, real).transpose(1, 2)[real[:, 0] > 0], plain(frames)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    torch.testing.assert_close(norm.running_var, plain.running_var)
    torch.testing.assert_close(norm.eval()(x, real), plain.eval()(x))


def test_a_frame_norm_takes_the_statistics_of_a_table():
    torch.manual_seed(0)
    norm = FrameNorm(2)
    norm.reset_running_stats()
    norm.momentum = None
    blocks = [torch.randn(3, 2, 6) + 3 for _ in range(4)]
    for block in blocks:
        norm(block, torch.ones(3, 1, 6))
    mean = torch.stack([block.mean((0, 2)) for block in blocks]).mean(0)
    torch.testing.assert_close(norm.running_mean, mean)
    with still_statistics(norm):
        norm(blocks[0] + 9, torch.ones(3, 1, 6))
    torch.testing.assert_close(norm.running_mean, mean)
