"""Metrics of scores of two classes, and of drift between tables.

Functions of plain arrays, as a risk committee asks for them; what a study compares methods by is in
``study/metrics``.
"""

from __future__ import annotations

from fourfold.metrics.calibration import (
    CalibrationBin,
    calibration_curve,
    expected_calibration_error,
)
from fourfold.metrics.cutoffs import CutOff, Decile, cut_offs, deciles
from fourfold.metrics.drift import Drift, drift_of, psi
from fourfold.metrics.two_classes import (
    auc_score,
    brier_score,
    gini_score,
    ks_statistic,
    log_loss,
    wilson_interval,
)

__all__ = [
    "CalibrationBin",
    "CutOff",
    "Decile",
    "Drift",
    "auc_score",
    "brier_score",
    "calibration_curve",
    "cut_offs",
    "deciles",
    "drift_of",
    "expected_calibration_error",
    "gini_score",
    "ks_statistic",
    "log_loss",
    "psi",
    "wilson_interval",
]
