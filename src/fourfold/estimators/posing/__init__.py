"""Posing: from a target and its sources to the problem that a method learns."""

from fourfold.estimators.posing.choices import PosesProblem
from fourfold.estimators.posing.pose import check_several, fit_task, pose

__all__ = ["PosesProblem", "check_several", "fit_task", "pose"]
