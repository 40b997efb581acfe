"""Goal: the columns of scores that an additive model fits, and their losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Goal", "Kind"]

Kind: TypeAlias = Literal["classes", "answers", "numbers"]


@final
class Goal(NamedTuple):
    """Kind of the labels, and number of the columns of scores.

    Two classes have one column, the log-odds of the second; more have a column each, as have
    yes/no answers, in log-odds, and numbers.

    Attributes
    ----------
    kind
        Of the labels: codes (n,) of classes; answers of 0 and 1, or numbers, (n, outputs), NaN
        where one is missing.
    outputs
        Number of classes, answers or numbers.
    """

    kind: Kind
    outputs: int

    @property
    def columns(self) -> int:
        """Number of columns of scores."""
        return 1 if self.two else self.outputs

    @property
    def two(self) -> bool:
        """Whether there are two classes."""
        return self.kind == "classes" and self.outputs == 2

    @property
    def apart(self) -> bool:
        """Whether each column is fitted by itself."""
        return self.two or self.kind != "classes"

    def column(self, y: NDArray[Any], at: int) -> Floats:
        """Return the labels (n,) that a column fits, NaN where one is missing."""
        return np.asarray(y if y.ndim == 1 else y[:, at], np.float64)

    def scores(self, outputs: NDArray[Any]) -> Floats:
        """Return the columns of outputs, (n, outputs)."""
        if self.two:
            return np.asarray(outputs[:, 1:] - outputs[:, :1], np.float64)
        return np.asarray(outputs, np.float64)

    def losses(self, scores: Floats, y: NDArray[Any]) -> Floats:
        """Return the loss of each row (n,): log loss, or the squared error, mean over columns."""
        if self.kind == "classes" and not self.two:
            return self.losses_and_slopes(scores, y)[0]
        labels = y.reshape(len(y), -1)
        if self.kind == "numbers":
            return np.asarray(np.nanmean((scores - labels) ** 2, axis=1))
        return np.asarray(np.nanmean(np.logaddexp(0, scores) - labels * scores, axis=1))

    def losses_and_slopes(self, scores: Floats, y: NDArray[Any]) -> tuple[Floats, Floats]:
        """Return the log losses of classes (n,), and their derivatives in the scores (n, columns).

        SciPy's softmax takes several times as long on few rows, which solvers ask very often.
        """
        rows, own = np.arange(len(y)), y.astype(int)
        shifted = scores - scores.max(axis=1, keepdims=True)
        shares = np.exp(shifted)
        total = shares.sum(axis=1, keepdims=True)
        losses = np.log(total[:, 0]) - shifted[rows, own]
        shares /= total
        shares[rows, own] -= 1
        return losses, shares
