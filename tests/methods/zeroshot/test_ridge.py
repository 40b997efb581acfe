"""The baseline chooses its penalty on seen classes."""

from __future__ import annotations

import numpy as np

from fourfold import Domain, RidgeToDescriptions
from methods.zeroshot.worlds import parted


def test_the_baseline_chooses_its_penalty_on_seen_classes():
    """Noise in many features: the ridge penalizes more, and is the better for it."""
    ours, weaks, clean, chosen = [], [], [], []
    for seed in range(6):
        source, target, y = parted(classes=20, rows=8, seed=seed)
        clean.append(RidgeToDescriptions().fit(target, source=source).alpha_)
        rng = np.random.default_rng(seed)
        X, Z = (
            np.hstack([d.rows.take(np.arange(d.n_rows)), 2 * rng.normal(size=(d.n_rows, 200))])
            for d in (source, target)
        )
        noisy = Domain(X, source.y, classes=source.classes)
        asked = Domain(Z, classes=target.classes)
        model = RidgeToDescriptions().fit(asked, source=noisy)
        weak = RidgeToDescriptions(alpha=1.0).fit(asked, source=noisy)
        assert weak.alpha_ == 1.0
        chosen.append(model.alpha_)
        ours.append(model.score(Z, y))
        weaks.append(weak.score(Z, y))
    assert np.mean(np.log(chosen)) > np.mean(np.log(clean)), (chosen, clean)
    assert np.mean(ours) > np.mean(weaks), (ours, weaks)
