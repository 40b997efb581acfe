"""Signs that an adversarial training failed: the critic's guesses, and collapsed classes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import Domain
from fourfold.core.findings import FAILURE, Curves, Facts
from fourfold.methods.adaptation._critic import Critic, note
from fourfold.methods.adaptation._joint import signs
from fourfold.methods.adaptation.dann import DANN
from fourfold.methods.adaptation.mcc import MCC
from fourfold.networks import Mlp
from fourfold.training.recipe import Recipe

SHORT = Recipe(epochs=2, batch_size=16, min_steps=12)


def guessed(share):
    """A critic that has guessed a share of the rows of both domains right, twenty times."""
    critic, ten = Critic(4, 8, 1), torch.arange(10)[:, None]
    for _ in range(20):
        right = torch.where(ten < 10 * share, 1.0, -1.0)
        note(critic, -right, right)
    return critic.findings()


@pytest.mark.parametrize(("share", "sign"), [(1.0, "apart"), (0.5, "at random"), (0.8, None)])
def test_a_critic_that_is_always_right_or_never_sure_is_a_sign_of_failure(share, sign):
    curves, *facts = guessed(share)
    assert isinstance(curves, Curves)
    assert curves.lines["critic"] == pytest.approx([share] * 10)
    assert [fact.title for fact in facts] == ([FAILURE] if sign else [])
    assert all(sign in fact.values["critic"] for fact in facts)


def test_the_guesses_of_a_training_are_in_its_findings():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 4)), np.arange(64) % 2
    model = DANN(network=Mlp(hidden_layer_sizes=(8,)), recipe=SHORT).fit(X, source=Domain(X, y))
    (curves,) = (one for one in model.findings_ if isinstance(one, Curves))
    assert len(curves.lines["critic"]) == 10
    assert all(0 <= share <= 1 for share in curves.lines["critic"])


def test_predictions_of_one_class_alone_are_a_collapse():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(64, 4)), np.arange(64) % 4
    found = []

    class Asks(MCC):
        def _critic(self, width, problem, model):
            found.append(signs(problem, model))
            with torch.no_grad():
                model.head.bias[0] += 100
            found.append(signs(problem, model))
            return super()._critic(width, problem, model)

    Asks(network=Mlp(hidden_layer_sizes=(8,)), recipe=SHORT).fit(X, source=Domain(X, y))
    before, after = ([fact for fact in of if fact.title == FAILURE] for of in found)
    assert not before
    assert after == [Facts(FAILURE, {"class collapse": "1.0 classes are in use"})]
