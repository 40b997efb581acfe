"""Problem and Fitted: the two values between which a method learns."""

from fourfold.estimators.problem.fitted import Fitted
from fourfold.estimators.problem.problem import Problem
from fourfold.estimators.problem.sources import (
    ClassDescriptions,
    Given,
    Labelled,
    SourceNetwork,
    SourceOf,
    Unlabelled,
)

__all__ = [
    "ClassDescriptions",
    "Fitted",
    "Given",
    "Labelled",
    "Problem",
    "SourceNetwork",
    "SourceOf",
    "Unlabelled",
]
