"""Learning without forgetting keeps the old outputs on the target's rows."""

from __future__ import annotations

import pytest
from torch import nn

from fourfold import LwF
from fourfold.errors import ParameterError
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import SHORT, forgetting
from samples import gains, rows


def test_a_strong_weight_keeps_the_old_outputs():
    assert forgetting(LwF, weight=10.0) < 0.6 * forgetting(LwF, weight=0.0)


@pytest.mark.usefixtures("no_training")
def test_the_source_must_tell_what_its_outputs_mean():
    X, _ = rows()
    bare = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    with pytest.raises(ParameterError, match="source must tell what its outputs mean"):
        LwF(recipe=SHORT).fit(X[:4], [0, 1, 0, 1], source=bare)


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(LwF, shots=2, seeds=3, recipe=Recipe(epochs=10, min_steps=60))
    assert min(found) > 0.1, found
