"""Averages of weights: their equation, in validation and after a resumed training."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fourfold.training.averaging import Average
from fourfold.training.batches import Table
from fourfold.training.loop import minimize
from fourfold.training.phases import Phase
from fourfold.training.recipe import Recipe
from fourfold.training.runtime import Runtime


def line():
    module = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(module.weight)
    return module


def trained(module, seen, validate=None, **settings):
    torch.manual_seed(0)
    recipe = Recipe(
        optimizer="sgd", momentum=0.0, learning_rate=1.0, weight_decay=0.0, schedule="constant",
        **{"steps": 5, "ema": 0.5, **settings},
    )  # fmt: skip

    def loss(_t, _batch):
        seen.append(module.weight.item())
        return -module.weight.sum()

    return minimize(module, Phase(loss, module), Table(torch.zeros(4, 1)), recipe=recipe,
                    validate=validate)  # fmt: skip


def averaged(weights, most=0.5):
    mean = 0.0
    for step, weight in enumerate(weights):
        decay = min(most, (1 + step) / (10 + step))
        mean = decay * mean + (1 - decay) * weight
    return mean


def test_the_result_is_the_moving_average():
    module = line()
    trained(module, [])
    assert module.weight.item() == pytest.approx(averaged([1, 2, 3, 4, 5]))


def test_training_itself_goes_on_from_the_last_weights():
    seen = []
    trained(line(), seen)
    assert seen == [0, 1, 2, 3, 4]


def test_the_average_is_validated_and_the_best_of_it_kept():
    module, said = line(), []

    def validate():
        said.append(module.weight.item())
        return -abs(said[-1] - averaged([1, 2]))

    trained(module, [], validate, validation=0.5, patience=2)
    assert said[:2] == [pytest.approx(averaged([1])), pytest.approx(averaged([1, 2]))]
    assert module.weight.item() == pytest.approx(averaged([1, 2]))


def test_statistics_are_averaged_and_counts_are_not():
    module = nn.BatchNorm1d(1)
    average = Average(module, 0.5)
    module.running_mean.fill_(1.0)
    module.num_batches_tracked.fill_(7)
    average.update(module, 1000)
    with average.used(module):
        assert float(module.running_mean) == 0.5
        assert int(module.num_batches_tracked) == 7
    assert float(module.running_mean) == 1.0


def test_a_resumed_training_has_the_same_average(tmp_path):
    whole = line()
    trained(whole, [])

    class StoppedError(Exception):
        pass

    def stop(epoch, _history):
        if epoch == 2:
            raise StoppedError

    settings = {"checkpoints": tmp_path, "checkpoint_every": 0.0}
    with Runtime(**settings, callbacks=(stop,)), pytest.raises(StoppedError):
        trained(line(), [])
    module, seen = line(), []
    with Runtime(**settings):
        trained(module, seen)
    assert len(seen) < 5
    assert module.weight.item() == whole.weight.item()
