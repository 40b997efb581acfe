"""fourfold: the whole map of transfer learning, with an honest verdict on whether it helped.

Everything public is here, and loaded when it is first used.
"""

from __future__ import annotations

from typing import Any

import lazy_loader

from fourfold.methods import table as _table

_PARTS = {
    "bundle": ["export", "save"],
    "core.codebook": ["Codebook", "PatchCodebook"],
    "core.dictionary": ["SparseCoder"],
    "core.frozen": ["Frozen"],
    "core.label_index": ["LabelIndex"],
    "core.prepare": ["SentenceEncoding", "WordCounts"],
    "core.process": ["keep_memory"],
    "core.store": ["Store"],
    "core.tasks": ["Attributes", "Classification", "Regression"],
    "core.training": ["Part", "Phase", "Recipe", "minimize"],
    "descriptions": ["Descriptions"],
    "domain": ["Domain"],
    "errors": ["FourfoldError"],
    "methods.saved": ["load"],
    "networks": ["ConvNet", "Mlp"],
    "networks.cut": ["cut"],
    "readers": ["read_classes", "read_domain", "read_domains"],
    "readers.vectors": ["WordVectors"],
    "report": ["write_report"],
    "study": ["JointResult", "Result", "Study"],
}
_METHODS = {entry.module.removeprefix("fourfold."): [entry.name] for entry in _table().values()}

__getattr__: Any
__dir__: Any
__getattr__, __dir__, __all__ = lazy_loader.attach(__name__, submod_attrs=_PARTS | _METHODS)
