"""Losses are as their papers write them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles

from fourfold.methods.zeroshot._label_heads import correlation, hinges
from two_views import views


def test_a_batchs_correlation_is_the_sum_of_its_canonical_ones():
    X, Y = views()
    wanted = np.cos(subspace_angles(X - X.mean(0), Y - Y.mean(0))).sum()
    got = correlation(torch.from_numpy(X), torch.from_numpy(Y), 0.0)
    assert float(got) == pytest.approx(wanted, abs=1e-4)
    x = torch.from_numpy(X[:20]).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda part: correlation(part, torch.from_numpy(Y[:20]), 0.1), x
    )


def brute(scores, y, margin, over):
    """Return one row's loss, as its paper writes it."""
    wrong = [margin - scores[y] + s for c, s in enumerate(scores) if c != y]
    above = [max(0.0, w) for w in wrong]
    if over == "hardest":
        return max(0.0, margin - scores[y] + max(s for c, s in enumerate(scores) if c != y))
    if over == "all":
        return sum(above)
    rank = sum(w > 0 for w in wrong)
    return sum(1 / i for i in range(1, rank + 1)) / rank * sum(above) if rank else 0.0


@pytest.mark.parametrize("over", ["hardest", "all", "ranked"])
def test_hinges_are_as_their_papers_write_them(over):
    rng = np.random.default_rng(0)
    scores, y = rng.normal(size=(50, 7)), rng.integers(7, size=50)
    scores[0, y[0]] = 9.0  # right by far: no loss
    wanted = [brute(s, c, 0.3, over) for s, c in zip(scores, y, strict=True)]
    found = hinges(torch.from_numpy(scores), torch.from_numpy(y), 0.3, over)
    np.testing.assert_allclose(found, wanted, atol=1e-12)
    assert found[0] == 0
    assert torch.autograd.gradcheck(
        lambda part: hinges(part, torch.from_numpy(y), 0.3, over),
        torch.from_numpy(scores).requires_grad_(),
    )
