"""FixMatch: its equation, its views, and real pictures on which it beats the source model."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fourfold import Domain, Recipe
from fourfold.methods.adaptation.fixmatch import FixMatch, consistency
from methods.adaptation.photographs import NETWORK, alone, photographed

DOUBT, SURE = [0.1, 0.0], [9.0, 0.0]


def test_only_sure_answers_for_weak_views_are_learnt():
    weak = torch.tensor([SURE, DOUBT, SURE], requires_grad=True)
    strong = torch.tensor([[0.0, 0.0], [0.0, 5.0], [0.0, 1.0]], requires_grad=True)
    loss = consistency(weak, strong, 0.95)
    expected = (np.log(2) + 0 + np.log(1 + np.e)) / 3
    torch.testing.assert_close(loss, torch.tensor(expected, dtype=torch.float32))
    loss.backward()
    assert weak.grad is None  # no gradient flows through the answer
    assert torch.equal(strong.grad[1], torch.zeros(2))


def test_views_of_pictures_are_weak_and_strong(monkeypatch):
    pytest.importorskip("torchvision", reason="torchvision comes with the extra 'image'")
    from fourfold.preparation.augmenting.pictures import PictureAugmenter

    seen = []
    own = PictureAugmenter.__call__

    def noted(self, x):
        seen.append(self.augmentation.operations)
        return own(self, x)

    monkeypatch.setattr(PictureAugmenter, "__call__", noted)
    x = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3)).astype(np.uint8)
    y = np.array(["cat", "dog"])[np.arange(24) % 2]
    recipe = Recipe(steps=2, batch_size=6)
    FixMatch(recipe=recipe).fit(x, source=Domain(x, y))
    assert seen == [0, 2, 0] * 2  # the target weakly and strongly, then the source


def test_it_beats_the_source_alone_on_digits_over_photographs():
    pytest.importorskip("torchvision", reason="torchvision comes with the extra 'image'")
    source, x, y = photographed()
    recipe = Recipe(steps=70, batch_size=48)
    model = FixMatch(network=NETWORK, recipe=recipe).fit(x, source=source)
    assert model.score(x, y) > alone() + 0.02
    (share,) = [f.values for f in model.findings_ if f.title == "FixMatch"]
    assert share["rows of which the network is sure in the end"].endswith("%")


def test_studies_take_it_for_pictures_alone():
    from fourfold.planner import locate

    x, y = np.zeros((8, 9, 9), np.uint8), np.arange(8) % 2
    placed = locate([Domain(x, y)], Domain(x))
    assert "FixMatch" in placed.methods
    assert "FixMatch" not in placed.tried(
        pretrained=False
    )  # but with a pretrained network, or where it is asked for
    flat = np.zeros((8, 5))
    assert locate([Domain(flat, y)], Domain(flat)).skipped["FixMatch"] == (
        "rows are no pictures and no sounds"
    )
