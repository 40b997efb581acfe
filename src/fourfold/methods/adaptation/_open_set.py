"""Rows of no known class in pseudo-labels: an output for them, first guesses, neighbours' votes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from scipy.special import logsumexp, softmax
from sklearn.neighbors import NearestNeighbors
from torch import nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.rejection import two_means
from fourfold.methods.adaptation._joint import source_model
from fourfold.methods.kit import DataError, Model, ParameterError, has_batch_norm, track

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from fourfold.methods.kit import Problem, TrainsNetwork

    Floats = NDArray[np.float32]

__all__ = ["OpenModel"]

NEIGHBOURS: Final = 10
"""Rows nearest to one by their features, which vote with it."""


class OpenModel:
    """A source model with a last output for rows of no known class.

    At first this is a constant, where the target's rows of high energy, −log Σ exp(outputs), begin,
    the higher of two groups; the network has the target's batch statistics by then. Each row's
    answer is the mean over its ten nearest neighbours in the features: classes are groups of rows.

    References
    ----------
    Liu et al., Energy-Based Out-of-Distribution Detection, NeurIPS 2020; Saito, Kim, Sclaroff &
    Saenko, Universal Domain Adaptation through Self-Supervision, NeurIPS 2020.
    """

    def __init__(self, problem: Problem, method: TrainsNetwork) -> None:
        if problem.target.rows.n < 2 * NEIGHBOURS:
            raise DataError(
                f"the target must have {2 * NEIGHBOURS} rows or more to find unknown classes in; "
                f"got {problem.target.rows.n}"
            )
        source = source_model(method, problem)
        if not isinstance(source.head, nn.Linear):
            raise ParameterError(
                "the source model must end in a linear layer to learn unknown classes; got "
                f"{type(source.head).__name__}"
            )
        if has_batch_norm(source.body):
            track(source.body, problem.target.table(), problem.recipe.batch_size)
        self.rows = problem.target.rows
        outputs = source.cpu().eval().outputs(self.rows)
        self.model = Model(source.body, _widened(source.head, outputs))

    def answers(self) -> Floats:
        """Compute the target's probabilities (n, k + 1), those of unknown rows last."""
        p = softmax(self.model.cpu().eval().outputs(self.rows), axis=1)
        features = F.normalize(torch.from_numpy(self.model.embed(self.rows))).numpy()
        near = NearestNeighbors(n_neighbors=NEIGHBOURS + 1).fit(features)
        votes: Floats = p[near.kneighbors(features, return_distance=False)].mean(axis=1)
        return votes


def _widened(head: nn.Linear, outputs: Floats) -> nn.Linear:
    """Add an output, for all rows the same, between the groups of energies of outputs (n, k)."""
    low, high = two_means(logsumexp(outputs, axis=1))
    wide = nn.Linear(head.in_features, head.out_features + 1)
    with torch.no_grad():
        wide.weight.copy_(F.pad(head.weight, (0, 0, 0, 1)))
        wide.bias.copy_(F.pad(head.bias, (0, 1), value=(low + high) / 2))
    return wide
