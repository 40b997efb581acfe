"""Protocols: ways to judge methods and to choose models, one for each kind of question.

They refuse data that cannot be judged; what is trained does not belong here.
"""

from fourfold.study.protocols.clusters import clustering_protocol
from fourfold.study.protocols.described import check_asked, described_protocol
from fourfold.study.protocols.labelled import common_folds, labelled_protocol
from fourfold.study.protocols.protocol import Chooser, Protocol

__all__ = [
    "Chooser",
    "Protocol",
    "check_asked",
    "clustering_protocol",
    "common_folds",
    "described_protocol",
    "labelled_protocol",
]
