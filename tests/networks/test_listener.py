"""Listener: frames behind the end of an utterance are zero, and nothing depends on them."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.errors import DataError, ParameterError
from fourfold.networks import Listener
from fourfold.networks.choice import Stem
from fourfold.networks.listener import SpecAugment, real_frames

SMALL = Listener(width=8, blocks=4, kernel=5)


@pytest.fixture
def utterances():
    """Return two utterances, of 31 and 20 frames."""
    torch.manual_seed(0)
    x = torch.randn(2, 40, 31)
    x[1, :, 20:] = 0
    return x


@pytest.mark.parametrize("builder", [SMALL, Stem(network=SMALL, width=6, middle=(5, 4))])
def test_padding_changes_no_feature(utterances, builder):
    body = builder.build((40, 31)).eval()
    together, alone = body(utterances), body(utterances[1:, :, :20])
    longer = body(F.pad(utterances, (0, 9)))
    assert together.shape == (2, body.width, 11)
    torch.testing.assert_close(together[1, :, :7], alone[0])
    torch.testing.assert_close(longer[:, :, :11], together)
    assert not together[1, :, 7:].any()
    assert not longer[:, :, 11:].any()


def test_padding_changes_no_step_of_training(utterances):
    gradients = []
    for x in (utterances, F.pad(utterances, (0, 30))):
        torch.manual_seed(0)
        still = Listener(width=8, blocks=2, kernel=5, dropout=0.0, time_masks=0, band_masks=0)
        body = still.build((40, 31)).train()
        body(x).square().sum().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in body.parameters()]))
    torch.testing.assert_close(*gradients, atol=1e-3, rtol=1e-3)


def test_hidden_frames_are_still_there(utterances):
    augment = SpecAugment(time_masks=2, band_masks=2).train()
    real = real_frames(utterances)
    hidden = augment(utterances, real)
    assert (hidden == 0).sum() > (utterances == 0).sum()
    torch.testing.assert_close(augment.eval()(utterances, real), utterances)


def test_rows_of_another_form_and_even_filters_are_refused():
    with pytest.raises(DataError, match="frames of \\(bands, time\\)"):
        SMALL.build((3, 32, 32))
    with pytest.raises(ParameterError, match="kernel of Listener must be odd; got 4"):
        Listener(kernel=4).build((40, 31))
