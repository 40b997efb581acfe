"""Sides of fourfold: accuracy of the shipped model, and of single methods."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.pretrained.case import Case

__all__ = ["method", "ships", "study"]


def study(case: Case, folder: Path, **options: Any) -> Any:
    """Return a default study with one seed."""
    import fourfold

    return fourfold.Study(
        case.source,
        case.target,
        network=case.network,
        encoder=case.encoder,
        seeds=1,
        jobs=1,
        output=folder,
        progress=False,
        **options,
    )


def ships(case: Case) -> float:
    """Rate the model that a default study hands over."""
    import fourfold

    with tempfile.TemporaryDirectory() as folder:
        study(case, Path(folder, "study")).run()
        model = fourfold.load(Path(folder, "study", "best"))
    return float(model.score(case.evaluate.rows, case.evaluate.y))


def method(name: str) -> Callable[[Case], float]:
    """Return the side of one method as it comes."""

    def side(case: Case) -> float:
        import fourfold

        model = getattr(fourfold, name)(network=case.network)
        model.fit(case.target, source=case.source)
        return float(model.score(case.evaluate.rows, case.evaluate.y))

    return side
