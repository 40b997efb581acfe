"""Weights of several sources."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from fourfold import Domain, Study
from fourfold.study.choice.sources import weigh_sources


@pytest.fixture
def asked(tmp_path):
    def ask(*labels):
        """Ask a study of sources with the same rows, shifted, and other labels."""
        X, y = make_blobs(160, 4, centers=3, random_state=0)
        sources = [Domain(X + 0.1 * i, of(y), name=f"s{i}") for i, of in enumerate(labels)]
        study = Study(sources, Domain(X - 0.1), methods=["Standardized"], output=tmp_path / "study")
        (question,) = study.questions.values()
        return weigh_sources(question)

    return ask


def _weights(question):
    return [source.annotations.weight[0] for source in question.sources]


def test_a_source_with_shuffled_labels_weighs_almost_nothing(asked):
    shuffled = asked(lambda y: y, np.random.default_rng(0).permutation, lambda y: y)
    good, bad, fine = _weights(shuffled)
    assert min(good, fine) > 0.9
    assert bad < 0.2
    assert "s1 0." in shuffled.notes[-1]


def test_a_source_whose_labels_mean_something_else_weighs_almost_nothing(asked):
    weights = _weights(asked(lambda y: y, lambda y: (y + 1) % 3, lambda y: y))
    assert weights[1] == min(weights) < 0.05


def test_one_source_stays_as_it_is(asked):
    (source,) = asked(lambda y: y).sources
    assert source.annotations.weight is None
