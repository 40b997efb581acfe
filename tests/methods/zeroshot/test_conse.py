"""ConSE averages the signatures of the likeliest seen classes."""

from __future__ import annotations

import numpy as np

from fourfold import ConSE, Domain
from fourfold.methods.baselines.target_only import TargetOnly
from methods.zeroshot.worlds import SHORT, parted, signatures


def test_conse_is_its_formula_on_a_fitted_classifier():
    source, target, _ = parted()
    classifier = TargetOnly(recipe=SHORT).fit(source.rows, source.y)
    known = Domain(target.rows, classes=target.classes.joined(source.classes))
    model = ConSE(likeliest=3).fit(known, source=classifier)
    p = classifier.predict_proba(target.rows)
    S = signatures(model, source.classes.subset(classifier.classes_)).numpy()
    for row, weights in enumerate(p[:20]):
        best = np.argsort(-weights)[:3]
        f = (weights[best, None] * S[best]).sum(0)
        Z = signatures(model, target.classes.subset(model.classes_)).numpy()
        cosines = Z @ f / np.linalg.norm(Z, axis=1) / np.linalg.norm(f)
        np.testing.assert_allclose(model.outputs(target.rows)[row], cosines, atol=1e-5)
