"""Networks of series find an event wherever it is."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from fourfold import Recipe, TargetOnly
from fourfold.errors import DataError, ParameterError
from fourfold.networks import ConvNet1d, choose


def test_each_stage_halves_the_time_and_the_last_keeps_peak_and_mean():
    body = ConvNet1d(channels=(4, 5), hidden_layer_sizes=(), batch_norm=False).build((2, 21))
    x = torch.randn(3, 2, 21)
    first = nn.functional.max_pool1d(body.conv1[0](x), 2).relu()
    torch.testing.assert_close(body.conv1(x), first, rtol=0, atol=0)
    last = nn.functional.max_pool1d(body.conv2[0](first), 2).relu()
    assert last.shape == (3, 5, 5)
    torch.testing.assert_close(body(x), torch.cat([last.amax(2), last.mean(2)], 1))
    assert (body.width, body.tap) == (10, "conv2")


@pytest.mark.parametrize(
    ("builder", "shape", "message"),
    [
        (ConvNet1d(), (64,), r"\(channels, time\); got rows of shape \(64,\)$"),
        (ConvNet1d(), (1, 8, 8), "layout='series' reads"),
        (ConvNet1d(), (1, 7), "long enough for 3 convolutions, 8 steps; got 7"),
    ],
)
def test_rows_that_do_not_fit_are_refused(builder, shape, message):
    with pytest.raises(DataError, match=message):
        builder.build(shape)


@pytest.mark.parametrize("builder", [ConvNet1d(channels=()), ConvNet1d(kernel=4)])
def test_a_convolution_and_an_odd_kernel(builder):
    with pytest.raises(ParameterError, match="at least one convolution, and an odd kernel"):
        builder.build((1, 20))


@pytest.mark.parametrize("length", [16, 17, 100, 5000])
def test_series_of_every_length_are_built(length):
    chosen = choose((2, length))
    assert isinstance(chosen, ConvNet1d)
    assert chosen.build((2, length)).eval()(torch.zeros(1, 2, length)).shape == (1, 100)


def events(n, seed, length=80):
    """Noise, and in half of the rows a short wave somewhere."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, 2, length)).astype(np.float32)
    y = np.arange(n) % 2
    wave = 4 * np.sin(np.arange(10) * 2 * np.pi / 5)
    for row in np.flatnonzero(y):
        at = random.integers(length - 10)
        x[row, 0, at : at + 10] += wave
    return x, y


def test_an_event_somewhere_in_a_signal_is_found():
    X, y = events(100, 0)
    new, true = events(200, 1)
    recipe = Recipe(epochs=10, min_steps=1, batch_size=32)
    scores = {}
    for network in (None, "mlp"):
        model = TargetOnly(network=network, recipe=recipe).fit(X, y)
        scores[network] = (model.predict(new) == true).mean()
    assert scores[None] > 0.95
    assert scores["mlp"] < 0.8
