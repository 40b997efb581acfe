"""Self-taught learning: what unlabelled rows are made of says what labelled ones are made of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Literal, final

import annotated_types as at
import numpy as np
import torch
from torch import Tensor

from fourfold.algorithms.sparse_coding import learn_dictionary
from fourfold.core.findings import Curves, Facts
from fourfold.core.parameters import Positive, PositiveInt
from fourfold.core.process import seeded
from fourfold.core.serialization import to_plain
from fourfold.data.rows import evenly
from fourfold.errors import DataError, ParameterError
from fourfold.estimators.contracts import Needs
from fourfold.estimators.linear_head import teach
from fourfold.estimators.network import NetworkEstimator
from fourfold.estimators.problem import once
from fourfold.frozen.blocks import as_tensor
from fourfold.networks.coder import CURVE, Coder, CodesAndInput
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows
    from fourfold.estimators.problem import Data, Job, Model
    from fourfold.networks.builder import Body

__all__ = ["SparseCoding"]

BATCH: Final = 1024
"""Windows that the atoms learn from at a time."""
LOOK: Final = 512
"""Rows whose windows are looked at before training starts."""
PASSES: Final = 2
NOISE: Final = 0.1
"""Added to each direction's variance where windows are whitened."""
LEAST_SIDE: Final = 6
"""Smaller pictures are coded whole."""


@final
class SparseCoding(NetworkEstimator):
    """Code rows by a dictionary that unlabelled rows taught; a linear model on the codes.

    The source needs neither labels nor the target's classes: it teaches the atoms that such rows
    are made of. A row, or each window of a picture, is coded as a sum of few of them, and the few
    labels are learnt from the codes. The dictionary is learnt online, from data larger than memory,
    and once for all folds.

    Parameters
    ----------
    atoms
        In the dictionary; None: 128 for windows, 256 for whole rows, fewer where the source is
        small.
    penalty
        λ, in ½‖x − aD‖² + λ‖a‖₁ for rows or windows of length 1.
    window
        Height and width of what is coded of a picture; a whole band of a log-mel picture of sound
        and some of its frames are such a window too. ``"auto"``: about a third of a picture's side,
        whole rows for what is no picture or smaller than 6 × 6; None: whole rows.
    stride
        From one window to the next; None: a third of a window's side.
    whiten
        Whether windows are whitened first, as on photographs they should be.
    classify
        What the linear model stands on: the codes alone, or with the input beside them.
    split
        Whether positive and negative parts of codes are features of their own.
    strength
        Of the L2 penalty of the linear model; None chooses by cross-validation on the labels.
    windows
        How many windows, or rows, the dictionary is learnt from, at the most.

    References
    ----------
    Raina, Battle, Lee, Packer & Ng, Self-taught Learning: Transfer Learning from Unlabeled Data,
    ICML 2007. Coates & Ng, The Importance of Encoding Versus Training with Sparse Coding and Vector
    Quantization, ICML 2011.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> X = X.reshape(-1, 8, 8)
    >>> few, rest, others = np.split(np.arange(1000), [50, 500])
    >>> model = SparseCoding().fit(X[few], y[few], source=Domain(X[others]))
    >>> model.score(X[rest], y[rest]) > 0.9
    True
    """

    atoms: PositiveInt | None = None
    penalty: Positive = 0.25
    window: tuple[Annotated[int, at.Ge(1)], ...] | Literal["auto"] | None = "auto"
    stride: PositiveInt | None = None
    whiten: bool = False
    classify: Literal["codes", "codes+input"] = "codes+input"
    split: bool = True
    strength: Positive | None = None
    windows: PositiveInt = 50_000

    needs: ClassVar[Needs] = Needs(source=True)
    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    def _learn(self, job: Job) -> Model:
        source, known = job.source_data, job.target.known()
        self.builder_ = self._coder(source)
        body = job.body()
        what = json.dumps([to_plain(self.builder_), self.whiten, self.windows])
        key = job.key(job.recipe, what)
        with seeded(job.seed):
            once(body, key, lambda: self._teach(body, source))
        model = job.model(body)
        self._tell(body, known)
        trained = teach(model, job.task, known, job.recipe, self.strength)
        if trained is not None:
            self.history_ = trained
        return model

    def _coder(self, source: Data) -> Coder:
        """Describe the coder for these rows, and refuse what cannot be learnt."""
        window = self._window()
        stride = self.stride or (max(1, round(min(window) / 3)) if window else 1)
        draft = Coder(n_components=1, window=window, stride=stride).build(self.shape_)
        windows = _module(draft).windows
        most = source.rows.n * windows.count(torch.zeros(1, 1))
        usual = min(256 if window is None else 128, 8 * windows.width, max(1, most // 4))
        atoms = usual if self.atoms is None else self.atoms
        if atoms > most:
            what = "rows" if window is None else "windows"
            raise ParameterError(
                f"atoms of {type(self).__name__} must be at most the number of {what} of the "
                f"source, {most}; got {atoms}"
            )
        return Coder(
            n_components=atoms,
            alpha=self.penalty,
            window=window,
            stride=stride,
            split_sign=self.split,
            keep_input=self.classify == "codes+input",
        )

    def _window(self) -> tuple[int, ...] | None:
        if self.window != "auto":
            return None if self.window is None else tuple(self.window)
        side = min(self.shape_[1:]) if len(self.shape_) == 3 else 0
        return None if side < LEAST_SIDE else (round(side / 3),) * 2

    def _teach(self, body: Body, source: Data) -> None:
        """Learn the dictionary, and all else that a body holds, from the source's rows."""
        module, read = _module(body), _reader(body, source.rows)
        sample = read(evenly(source.rows.n, LOOK))
        windows = module.windows
        even = sample if windows.window is None else windows.contrast_normalized(sample)
        if not even.any():
            what = "rows" if windows.window is None else "windows"
            raise DataError(
                f"{what} of the source of {type(self).__name__} must not all be blank; got "
                f"n_samples={source.rows.n}, all constant"
            )
        if windows.window is None:
            windows.length.copy_(sample.flatten(1).square().sum(1).mean().sqrt().clamp(min=1e-12))
        elif self.whiten:
            windows.turn.copy_(_whitening(even))
        per = windows.count(sample[:1])
        drawn = min(per, -(-self.windows // source.rows.n))
        batches = _batches(read, module, source.rows.n, drawn, self.windows)
        dictionary = learn_dictionary(
            batches,
            len(module.codes.atoms),
            self.penalty,
            source.rows.n * per,
            f"atoms of {type(self).__name__}",
        )
        module.codes.set_atoms(dictionary.atoms)
        costs = dictionary.costs
        places = np.linspace(0, len(costs) - 1, CURVE)
        module.curve.copy_(torch.from_numpy(np.interp(places, np.arange(len(costs)), costs)))
        means = [module.pooled(sample).square().mean(), sample.square().mean()]
        module.scales.copy_(torch.stack(means).sqrt().clamp(min=1e-6))

    def _tell(self, body: Body, known: Data) -> None:
        """Leave what the report says of the dictionary."""
        module = _module(body)
        few = _reader(body, known.rows)(evenly(known.rows.n, LOOK // 8))
        on = module.codes(module.windows(few)) != 0
        shares = [f"{share:.0%}" for share in np.linspace(0, 1, CURVE)]
        curve: list[float] = module.curve.tolist()
        self.findings_ += [
            Curves(
                "What the dictionary leaves of the source: ½‖x − aD‖² + λ‖a‖₁",
                "training",
                "average",
                shares,
                {"objective": curve},
            ),
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


def _module(body: Body) -> CodesAndInput:
    module = body.get_submodule("codes")
    if not isinstance(module, CodesAndInput):
        raise TypeError(f"a coder's body must hold codes; got {type(module).__name__}")
    return module


def _reader(body: Body, rows: Rows) -> Callable[[NDArray[np.intp]], Tensor]:
    """Return what reads rows at positions, prepared as the coder takes them."""
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
    """Pass twice over random rows, with so many random windows of each."""
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


def _whitening(x: Tensor) -> Tensor:
    """Return what turns windows (n, d) so that all directions vary alike, but for noise (ZCA)."""
    values, vectors = torch.linalg.eigh((x.T @ x / len(x)).double())
    scaled = vectors * (values.clamp(min=0) + NOISE).rsqrt()
    turn: Tensor = (scaled @ vectors.T).float()
    return turn
