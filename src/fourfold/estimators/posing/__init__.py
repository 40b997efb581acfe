"""Posing: from a target and its sources to the problem that a method learns."""

from fourfold.estimators.posing.choices import PosesProblem
from fourfold.estimators.posing.pose import fit_task, pose

__all__ = ["PosesProblem", "fit_task", "pose"]
