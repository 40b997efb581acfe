"""Studies: methods side by side on one question or several, with a verdict on each.

What is asked, run, judged and concluded belongs here; how a method learns, and how results are
drawn, does not.
"""

from __future__ import annotations

from fourfold.study.result import JointResult, Result
from fourfold.study.study import Study

__all__ = ["JointResult", "Result", "Study"]
