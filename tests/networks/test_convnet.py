"""The default convnet is the paper's, and small pictures are refused in one sentence."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fourfold.errors import DataError, ParameterError
from fourfold.networks import ConvNet


def test_the_digit_network_is_the_papers():
    body = ConvNet().build((3, 28, 28))
    shapes = {name: tuple(p.shape) for name, p in body.named_parameters() if p.ndim > 1}
    assert list(shapes.values()) == [(32, 3, 5, 5), (48, 32, 5, 5), (100, 768), (100, 100)]
    assert body.tap == "conv2"
    assert body.conv1(torch.randn(1, 3, 28, 28)).shape == (1, 32, 12, 12)
    assert body.conv2(torch.randn(1, 32, 12, 12)).shape == (1, 768)


def test_pooling_before_the_relu_changes_nothing():
    stage = ConvNet(hidden_layer_sizes=()).build((1, 28, 28)).conv1
    x = torch.randn(2, 1, 28, 28)
    expected = nn.functional.max_pool2d(stage[0](x).relu(), 2)
    torch.testing.assert_close(stage(x), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("builder", "shape", "message"),
    [
        (ConvNet(), (64,), r"a convnet must get rows of \(C, H, W\); got rows of shape \(64,\)"),
        (ConvNet(kernel=9), (1, 8, 8), r"large enough for 2 convolutions; got \(8, 8\)"),
        (ConvNet(channels=(4,) * 5), (1, 8, 8), "large enough for 5 convolutions"),
    ],
)
def test_rows_that_do_not_fit_are_refused(builder, shape, message):
    with pytest.raises(DataError, match=message):
        builder.build(shape)


def test_a_convnet_has_convolutions():
    with pytest.raises(ParameterError, match="at least one convolution"):
        ConvNet(channels=()).build((1, 28, 28))
