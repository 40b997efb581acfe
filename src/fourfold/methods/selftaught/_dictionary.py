"""The dictionary of sparse coding: fitted to a source's rows, described for the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor

from fourfold.algorithms.linear import zca_whitening
from fourfold.algorithms.sparse_coding import learn_dictionary
from fourfold.core.findings import Curves, Facts
from fourfold.errors import DataError
from fourfold.frozen.blocks import as_tensor
from fourfold.networks.coder import CURVE, CodesAndInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fourfold.core.findings import Finding
    from fourfold.data.rows import Rows
    from fourfold.networks.builder import Body

__all__ = ["codes_of", "describe_dictionary", "fit_dictionary"]

BATCH: Final = 1024
"""Windows that the atoms learn from at a time."""
LOOK: Final = 512
"""Rows whose windows set scales and whitening."""
PASSES: Final = 2
NOISE: Final = 0.1
"""Added to each direction's variance where windows are whitened."""


def fit_dictionary(
    body: Body, rows: Rows, penalty: float, most: int, *, whiten: bool, owner: str
) -> None:
    """Fit the dictionary, scales and whitening of a coder to at most so many windows of rows.

    Raises
    ------
    DataError
        If all rows, or all windows, are constant.
    """
    module, read = codes_of(body), _reader(body, rows)
    sample = read(rows.draw(LOOK))
    windows = module.windows
    even = sample if windows.window is None else windows.contrast_normalized(sample)
    if not even.any():
        what = "rows" if windows.window is None else "windows"
        raise DataError(
            f"{what} of the source of {owner} must not all be blank; got n_samples={rows.n}, all "
            "constant"
        )
    if windows.window is None:
        windows.length.copy_(sample.flatten(1).square().sum(1).mean().sqrt().clamp(min=1e-12))
    elif whiten:
        windows.turn.copy_(zca_whitening(even, NOISE))
    per = windows.count(sample[:1])
    drawn = min(per, -(-most // rows.n))
    batches = _batches(read, module, rows.n, drawn, most)
    atoms = len(module.codes.atoms)
    dictionary = learn_dictionary(batches, atoms, penalty, rows.n * per, f"atoms of {owner}")
    module.codes.set_atoms(dictionary.atoms)
    costs = dictionary.costs
    places = np.linspace(0, len(costs) - 1, CURVE)
    module.curve.copy_(torch.from_numpy(np.interp(places, np.arange(len(costs)), costs)))
    means = [module.pooled(sample).square().mean(), sample.square().mean()]
    module.scales.copy_(torch.stack(means).sqrt().clamp(min=1e-6))


def describe_dictionary(body: Body, rows: Rows) -> list[Finding]:
    """Return the dictionary's objective over its training, and its use on labelled rows."""
    module = codes_of(body)
    few = _reader(body, rows)(rows.draw(LOOK // 8))
    on = module.codes(module.windows(few)) != 0
    title = "What the dictionary leaves of the source: ½‖x − aD‖² + λ‖a‖₁"
    shares = [f"{share:.0%}" for share in np.linspace(0, 1, CURVE)]
    return [
        Curves(title, "training", "average", shares, {"objective": module.curve.tolist()}),
        Facts(
            "The dictionary, on the target's labelled rows",
            {
                "atoms": f"{len(module.codes.atoms)}",
                "windows a row": f"{module.windows.count(few[:1])}",
                "active atoms a code": f"{float(on.sum(1).float().mean()):.1f}",
                "atoms that are never active": f"{float((~on.any(0)).float().mean()):.0%}",
            },
        ),
    ]


def codes_of(body: Body) -> CodesAndInput:
    """Return the codes in the body that a :class:`Coder` built."""
    module = body.get_submodule("codes")
    if not isinstance(module, CodesAndInput):
        raise TypeError(f"a coder's body must hold codes; got {type(module).__name__}")
    return module


def _reader(body: Body, rows: Rows) -> Callable[[NDArray[np.intp]], Tensor]:
    """Return a function that reads rows at positions, prepared for the coder."""
    below = [stage for name, stage in body.named_children() if name != "codes"]

    def read(index: NDArray[np.intp]) -> Tensor:
        x = as_tensor(rows.take(np.sort(index)))  # in the order of the disk
        for stage in below:
            x = stage(x)
        return x.float()

    return read


def _batches(
    read: Callable[[NDArray[np.intp]], Tensor], module: CodesAndInput, n: int, drawn: int, most: int
) -> Iterator[Tensor]:
    """Pass twice over random rows, with ``drawn`` random windows of each."""
    for _ in range(PASSES):
        order = torch.randperm(n).numpy()[: -(-most // drawn)]
        size = max(1, BATCH // drawn)
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            windows = module.windows(read(rows))
            each = windows.unflatten(0, (len(rows), -1))  # (rows, P, d)
            chosen = torch.rand(each.shape[:2]).argsort(1)[:, :drawn]
            few = each.gather(1, chosen[:, :, None].expand(-1, -1, each.shape[2]))
            yield few.flatten(0, 1)
