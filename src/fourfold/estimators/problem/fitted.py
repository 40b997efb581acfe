"""Fitted: the value that a method returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

from fourfold.training.phases import History

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from fourfold.algorithms.calibration import Calibration
    from fourfold.algorithms.rejection import Rejection
    from fourfold.core.findings import Finding
    from fourfold.estimators.model import FittedModel

__all__ = ["Fitted"]


@final
@dataclass(frozen=True)
class Fitted:
    """The result of learning.

    Attributes
    ----------
    model
        Predicts the target.
    history
        Of the training on the target; empty where nothing was trained.
    findings
        Curves, tables and facts for the report.
    state
        Further fitted attributes by name, each ending in ``_``: tensors by name, or plain JSON.
    files
        Parts of the fitted state that are saved into files of their own, by name.
    calibration
        Of the model's outputs, by rows that were held out; None leaves them as they are.
    rejection
        Adds the output of rows of no known class, where the model has none of its own.
    """

    model: FittedModel
    history: History = field(default_factory=History)
    findings: Sequence[Finding] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    files: dict[str, Any] = field(default_factory=dict)
    calibration: Calibration | None = None
    rejection: Rejection | None = None

    def finished(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return a model's outputs, calibrated and with that of rows of no known class."""
        found = outputs if self.calibration is None else self.calibration.apply(outputs)
        return found if self.rejection is None else self.rejection.apply(found)

    def last_stages(self) -> list[nn.Module]:
        """Return modules that compute :meth:`finished` in torch."""
        return [end.module() for end in (self.calibration, self.rejection) if end is not None]
