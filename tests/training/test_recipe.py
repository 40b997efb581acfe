"""A recipe is what changes a training, and old names are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from fourfold.errors import ParameterError
from fourfold.training.recipe import Recipe


def test_the_identity_is_every_setting():
    base = Recipe(epochs=3)
    changed = {"epochs": 4, "learning_rate": 1.0, "optimizer": "sgd", "steps": 5, "patience": 1}
    names = {Recipe(epochs=3).set_params(**{k: v}).identity() for k, v in changed.items()}
    assert len(names | {base.identity()}) == 6
    numpys = Recipe(epochs=np.int64(3), learning_rate=np.float64(1e-3))
    assert json.loads(numpys.identity()) == json.loads(base.identity())
    assert base.but(epochs=4).identity() == Recipe(epochs=4).identity()


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"validation": 1.0}, {"optimizer": "adam"}, {"warmup": 2}]
)
def test_wrong_recipes_are_refused(wrong):
    recipe = Recipe(**wrong)
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} of Recipe must"):
        recipe.check()


def test_patience_without_validation_is_refused():
    with pytest.raises(ParameterError, match="patience of Recipe must be used with validation"):
        Recipe(patience=1).check()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("least_steps", "min_steps"),
        ("checkpoint", r"Runtime\(checkpoints=FOLDER\)"),
        ("each_epoch", r"Runtime\(callbacks=\.\.\.\)"),
        ("precision", r"Runtime\(precision=\.\.\.\)"),
    ],
)
def test_old_names_name_the_new_ones(old, new):
    with pytest.raises(ParameterError, match=f"{old} of Recipe must be written {new}"):
        Recipe(**{old: 1})
