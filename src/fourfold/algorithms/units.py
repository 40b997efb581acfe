"""Units of numbers: the line from predictions to labels that few labels can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["Line", "fit_line"]

FAR: Final = 3.0
"""Spreads between a single label and its prediction from which on units differ."""
LESS: Final = 0.9
"""Share of an error below which another line replaces a simpler one."""
SMALL: Final = 1e-4
"""Errors, as a share of the spread, that no line needs to correct."""


@final
class Line(NamedTuple):
    """The map x → slope·x + shift."""

    slope: float = 1.0
    shift: float = 0.0


def fit_line(x: Floats, y: Floats, spread: float) -> Line:
    """Fit labels by their predictions as they are, shifted, or by a line: the best left-out error.

    Each label is predicted by the others, and a simpler fit stays unless the error falls by a
    tenth. A line takes four labels, a shift two; a single label shifts where it is far off.

    Parameters
    ----------
    x, y
        (n,) predictions and labels.
    spread
        Standard deviation of labels where the predictions were learnt, in the same units.

    Examples
    --------
    >>> celsius = np.array([10.0, 15.0, 20.0, 30.0])
    >>> line = fit_line(celsius, 1.8 * celsius + 32, spread=5.0)
    >>> round(line.slope, 6), round(line.shift, 6)
    (1.8, 32.0)
    """
    n, gap = len(x), y - x
    if n == 0:
        return Line()
    moved = Line(shift=float(gap.mean()))
    if n == 1:
        return moved if abs(moved.shift) > FAR * spread else Line()
    errors = {Line(): gap, moved: (gap - gap.mean()) * n / (n - 1)}
    centred = x - x.mean()
    if n >= 4 and (square := float(centred @ centred)) > 0:
        slope = float(centred @ y) / square
        line = Line(slope, float(y.mean() - slope * x.mean()))
        leverage = 1 / n + centred**2 / square
        errors[line] = (y - slope * x - line.shift) / np.maximum(1 - leverage, 1e-9)
    rated = {line: float(np.square(error).mean()) for line, error in errors.items()}
    best = Line()
    for line, error in rated.items():
        if error < LESS * rated[best] and rated[best] > (SMALL * spread) ** 2:
            best = line
    return best
