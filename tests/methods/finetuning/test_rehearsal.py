"""Rehearsal keeps the outputs on a sample of the source's rows."""

from __future__ import annotations

import numpy as np
import pytest
from torch import nn

from fourfold import Domain, Rehearsal
from fourfold.errors import ParameterError
from fourfold.methods.baselines.target_only import TargetOnly
from fourfold.methods.finetuning import rehearsal
from fourfold.methods.finetuning.finetune import FineTune
from fourfold.training.recipe import Recipe
from methods.finetuning.conservative import LONG, NET, SHORT, forgetting
from samples import gains, rows


def test_a_strong_weight_keeps_the_old_outputs():
    assert forgetting(Rehearsal, weight=10.0) < 0.6 * forgetting(Rehearsal, weight=0.0)


def test_it_forgets_the_source_less_than_fine_tuning():
    X, y = rows(200)
    source = Domain(X, y)
    few = rows(16, seed=5)[0], np.arange(16) % 4
    few = Domain(few[0] + 3, (few[1] + 1) % 4)
    options = {"network": NET, "recipe": LONG}
    tuned = FineTune(decay=1.0, **options).fit(few, source=source)
    held = Rehearsal(weight=3.0, **options).fit(few, source=source)
    assert held.score(X, y) > tuned.score(X, y) + 0.1


def test_it_keeps_a_sample_of_the_source(monkeypatch):
    X, y = rows(300)
    seen = []
    teacher_outputs = rehearsal.teacher_outputs

    def watch(module, kept):
        seen.append(kept.n)
        return teacher_outputs(module, kept)

    monkeypatch.setattr(rehearsal, "teacher_outputs", watch)
    Rehearsal(network=NET, recipe=SHORT, memory=50).fit(X[:8], y[:8], source=Domain(X, y))
    assert seen == [50]


def test_the_source_must_be_data_that_tell_what_their_labels_mean(request):
    X, y = rows()
    taught = TargetOnly(network=NET, recipe=SHORT).fit(X, y)
    bare = nn.Sequential(nn.Linear(5, 6), nn.ReLU(), nn.Linear(6, 4))
    request.getfixturevalue("no_training")
    with pytest.raises(ParameterError, match="source must tell what its outputs mean"):
        Rehearsal(recipe=SHORT).fit(X[:4], [0, 1, 0, 1], source=bare)
    with pytest.raises(ParameterError, match="must be a Domain for this method; got a trained"):
        Rehearsal(network=NET, recipe=SHORT).fit(X[:4], [0, 1, 0, 1], source=taught)


def test_it_beats_the_target_alone_on_noisy_digits_with_two_labels_a_class():
    found = gains(Rehearsal, shots=2, seeds=3, recipe=Recipe(epochs=10, min_steps=60))
    assert min(found) > 0.1, found
