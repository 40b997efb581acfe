"""Tables as matrices: one-hot and scaled for linear models, categories as codes for trees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, final

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.arena.task import Case

    Floats = NDArray[np.float64]

__all__ = ["Encoded", "Inputs", "encode"]


class Inputs(NamedTuple):
    """The same rows twice.

    Attributes
    ----------
    dense
        (n, d), scaled and one-hot.
    frame
        Numbers and categories, for trees.
    """

    dense: Floats
    frame: pd.DataFrame

    def at(self, index: NDArray[np.intp]) -> Inputs:
        """Return some rows."""
        return Inputs(self.dense[index], self.frame.iloc[index])


@final
@dataclass(frozen=True)
class Encoded:
    """A case in numbers.

    Attributes
    ----------
    source, target, evaluate
        Inputs.
    source_y, y
        Labels of source and target: 0 and 1, or numbers.
    names
        The two classes; empty for numbers.
    """

    source: Inputs
    target: Inputs
    evaluate: Inputs
    source_y: Floats
    y: Floats
    names: NDArray[Any]

    @property
    def classes(self) -> bool:
        """Whether labels are classes."""
        return len(self.names) > 0

    @property
    def labels(self) -> NDArray[Any]:
        """Labels to draw folds by."""
        return self.y.astype(int) if self.classes else self.y


def encode(case: Case) -> Encoded:
    """Encode the inputs of all rows alike; of the rows to evaluate on only the inputs are there."""
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    piles = (case.source.X, case.target.X, case.evaluate.X)
    learnt = pd.concat(piles[:2])
    words = [c for c in learnt if not pd.api.types.is_numeric_dtype(learnt[c])]
    piles = tuple(pile.assign(**pile[words].astype(object).fillna("none")) for pile in piles)
    learnt = pd.concat(piles[:2])
    dense = make_column_transformer(
        (
            make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()),
            make_column_selector(dtype_include="number"),
        ),
        (
            OneHotEncoder(
                handle_unknown="infrequent_if_exist", min_frequency=5, sparse_output=False
            ),
            words,
        ),
    ).fit(learnt)
    kinds = {c: pd.CategoricalDtype(sorted(learnt[c].unique())) for c in words}
    inputs = [Inputs(np.asarray(dense.transform(p), float), p.astype(kinds)) for p in piles]
    ys = case.source.y
    assert ys is not None
    y = np.empty(0, ys.dtype) if case.target.y is None else case.target.y
    names = np.empty(0) if ys.dtype.kind == "f" else np.unique(ys)
    if len(names):
        ys, y = (ys == names[1]).astype(float), (y == names[1]).astype(float)
    return Encoded(*inputs, ys, y, names)
