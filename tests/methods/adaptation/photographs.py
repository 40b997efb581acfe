"""Digits laid over photographs, as MNIST-M is made: what networks adapt to in tests."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits, load_sample_images

from fourfold import Domain
from fourfold.methods.baselines.source_only import SourceOnly
from fourfold.networks import ConvNet

NETWORK = ConvNet(channels=(16, 24), hidden_layer_sizes=(50,), batch_norm=True)
N_SOURCE = 900


class Photographed(NamedTuple):
    source: Domain
    X: np.ndarray
    y: np.ndarray


@cache
def photographed() -> Photographed:
    """Return plain digits with labels, and other ones as |digit − patch| a channel."""
    X, y = load_digits(return_X_y=True)
    X = np.repeat((X / 16).astype(np.float32).reshape(-1, 1, 8, 8), 3, axis=1)
    photos = [photo.astype(np.float32) / 255 for photo in load_sample_images().images]
    rng = np.random.default_rng(0)
    pictures = []
    for digit in X[N_SOURCE:]:
        photo = photos[rng.integers(len(photos))]
        top, left = (rng.integers(side - 64) for side in photo.shape[:2])
        patch = photo[top : top + 64 : 8, left : left + 64 : 8]
        pictures.append(np.abs(digit - patch.transpose(2, 0, 1)))
    return Photographed(Domain(X[:N_SOURCE], y[:N_SOURCE]), np.stack(pictures), y[N_SOURCE:])


@cache
def alone() -> float:
    """Return the accuracy of the source model as it is."""
    source, X, y = photographed()
    return SourceOnly(network=NETWORK).fit(X, source=source).score(X, y)
