"""Studies: methods side by side, scores, the gate, and what was found."""

from __future__ import annotations

from fourfold.study.joint_result import JointResult
from fourfold.study.result import Result
from fourfold.study.study import Study

__all__ = ["JointResult", "Result", "Study"]
