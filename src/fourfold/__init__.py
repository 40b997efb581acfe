"""fourfold: the whole map of transfer learning, with an honest verdict on whether it helped.

Public names are loaded when they are first used: nouns such as ``Domain`` and ``Study``, the cells
of the map with their methods (``fourfold.adaptation.DANN``), and each method by its name alone
(``fourfold.DANN``).
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from fourfold.methods import cells as _cells
from fourfold.methods import modules as _modules

_PARTS = {
    "bundle": ["export", "save"],
    "algorithms.codebook": ["Codebook", "PatchCodebook"],
    "algorithms.sparse_coding": ["SparseCoder"],
    "frozen.frozen": ["Frozen"],
    "algorithms.label_index": ["LabelIndex"],
    "preparation.choose": ["SentenceEncoding", "WordCounts"],
    "core.memory": ["max_memory"],
    "core.process": ["keep_memory"],
    "frozen.store": ["Store"],
    "core.tasks": ["Attributes", "Classification", "Regression", "Transcription"],
    "training.augmentation": ["Augmentation"],
    "training.loop": ["minimize"],
    "training.phases": ["Part", "Phase"],
    "training.recipe": ["Recipe"],
    "training.runtime": ["Runtime"],
    "data.descriptions": ["Descriptions"],
    "data.domain": ["Domain"],
    "data.schema": ["Hints", "Schema", "infer_schema"],
    "errors": ["FourfoldError"],
    "estimators.reasons.contributions": ["Contributions"],
    "estimators.reasons.scorecard": ["scorecard"],
    "methods": list(_cells()),
    "methods.blend": ["Blend"],
    "methods.saved": ["load"],
    "networks": ["ConvNet", "ConvNet1d", "Listener", "Mlp", "Pretrained"],
    "networks.cut": ["cut"],
    "picking": ["Picks", "pick"],
    "readers": ["read_classes", "read_domain", "read_domains"],
    "readers.vectors": ["WordVectors"],
    "report": ["write_report"],
    "study": ["JointResult", "Result", "Study"],
    "study.choice.prior": ["Prior"],
}
_METHODS = {name.removeprefix("fourfold."): classes for name, classes in _modules().items()}

__getattr__: Any
__dir__: Any
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_PARTS | _METHODS)
