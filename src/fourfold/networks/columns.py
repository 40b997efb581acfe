"""Columns: networks side by side, where the newest also hears what the older ones say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Self, TypeAlias, cast, final

import annotated_types as at
import torch
from torch import Tensor, nn

from fourfold.core.parameters import Positive, PositiveInt
from fourfold.errors import ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["END", "Column", "Columns", "Joined", "Said", "beside", "joints"]

END: Final = "end"
"""The joint behind a column's last stage, where its features go to the head."""

Said: TypeAlias = dict[str, Tensor]
"""Joint → what a column has computed there, (B, ...)."""


@final
class Adapter(nn.Module):
    """What an old column adds to a new one at a joint: U relu(V α h).

    It starts at nothing, U = 0, so that a new column begins as if it were alone.

    Parameters
    ----------
    inner, outer
        Channels of the old and of the new column there.
    width
        Channels between V and U.
    scale
        α at the start; it is learnt.
    planes
        Whether values are (C, H, W), so that V and U are 1×1 convolutions; else they are (d,).
    """

    def __init__(self, inner: int, outer: int, width: int, scale: float, *, planes: bool) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.tensor(scale))
        self.narrow = nn.Conv2d(inner, width, 1) if planes else nn.Linear(inner, width)
        self.widen = nn.Conv2d(width, outer, 1) if planes else nn.Linear(width, outer)
        for weights in self.widen.parameters():
            nn.init.zeros_(weights)

    def forward(self, h: Tensor) -> Tensor:
        added: Tensor = self.widen(self.narrow(self.scale * h).relu())
        return added


@final
class Column(nn.Module):
    """One network, and the adapters through which it hears the columns before it.

    Parameters
    ----------
    stages
        The network, without its head.
    start
        Position of the first column that it hears; it hears all from there on.
    adapters
        For each of these columns: joint → adapter.
    """

    def __init__(
        self, stages: Body, start: int = 0, adapters: Sequence[Mapping[str, Adapter]] = ()
    ) -> None:
        super().__init__()
        self.stages = stages
        self.start = start
        self.adapters = nn.ModuleList(nn.ModuleDict(dict(each)) for each in adapters)
        names = [name for name, _ in stages.named_children()]
        self.places = {
            (names[-1] if joint == END else joint): joint for joint in joints(stages)
        }  # the stage behind which each joint lies

    @property
    def width(self) -> int:
        """How many features it gives."""
        return self.stages.width

    @property
    def adapter_width(self) -> int:
        """Channels inside its adapters; 1 where it hears nobody."""
        widths = [part.width for part in self.adapters.modules() if isinstance(part, Adapter)]
        return widths[0] if widths else 1

    @property
    def hears(self) -> list[tuple[int, str]]:
        """Each older column's position, and a joint at which that one is heard."""
        return [
            (self.start + j, joint)
            for j, adapters in enumerate(cast("Iterable[nn.ModuleDict]", self.adapters))
            for joint in adapters
        ]

    def forward(self, x: Tensor, said: Sequence[Said]) -> tuple[Tensor, Said]:
        """Compute its features (B, width), and what it says at its joints to later columns."""
        own: Said = {}
        for name, stage in self.stages.named_children():
            x = stage(x)
            if name in self.places:
                joint = self.places[name]
                own[joint] = x
                for j, adapters in enumerate(cast("Iterable[nn.ModuleDict]", self.adapters)):
                    if joint in adapters:
                        x = x + adapters[joint](said[self.start + j][joint])
        return x, own

    def moved(self, by: int) -> Column:
        """Let it stand behind so many more columns, which it does not hear."""
        self.start += by
        return self


@final
class Joined(nn.Module):
    """Columns side by side; all but the last are frozen, and for ever in evaluation mode.

    Parameters
    ----------
    columns
        From the oldest to the newest, whose features are the output.
    heads
        The last layers of the old ones: not used here, but kept, so that what the old columns were
        trained for can still be asked of them.
    """

    def __init__(self, columns: Sequence[Column], heads: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.columns = nn.ModuleList(columns)
        self.heads = nn.ModuleList(heads)
        for part in self._old:
            part.requires_grad_(False)
        columns[-1].requires_grad_(True)
        self.train(self.training)

    @property
    def _old(self) -> list[nn.Module]:
        return [*self.columns[:-1], self.heads]

    @property
    def parts(self) -> list[Column]:
        """The columns, from the oldest to the newest."""
        return [column for column in self.columns if isinstance(column, Column)]

    def tap(self, j: int, joint: str) -> str:
        """Name the layer whose value a column says at a joint."""
        places = self.parts[j].places
        return f"columns.{j}.stages.{next(name for name in places if places[name] == joint)}"

    def train(self, mode: bool = True) -> Self:
        """Let the last column alone change its mode: old ones update no statistics."""
        super().train(mode)
        for part in self._old:
            part.train(False)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.listen(x)[0]

    def listen(self, x: Tensor) -> tuple[Tensor, list[Said]]:
        """Compute the last column's features (B, width), and what every column says."""
        said: list[Said] = []
        features = x
        for column in self.parts:
            features, own = column(x, said)
            said.append(own)
        return features, said


def joints(stages: Body) -> list[str]:
    """Name where columns with these stages can be joined: behind each that has weights.

    The last is called :data:`END` and lies behind the whole network.
    """
    weighted = [name for name, stage in stages.named_children() if list(stage.parameters())]
    return [*weighted[:-1], END]


def beside(
    old: Sequence[Column],
    stages: Body,
    shape: tuple[int, ...],
    *,
    start: int = 0,
    width: int = 16,
    scale: float = 1.0,
) -> Column:
    """Make a new column of a network, with adapters from old ones.

    Columns are joined behind stages of the same name whose values are both vectors, or both planes
    of one size; at their end always.

    Parameters
    ----------
    old
        The columns so far.
    stages
        The new network, without its head.
    shape
        Of one input row.
    start
        Position of the first column that the new one hears.
    width, scale
        Channels inside each adapter, and its α.
    """
    own = _shapes(stages, shape)
    adapters: list[dict[str, Adapter]] = []
    for column in old[start:]:
        theirs = _shapes(column.stages, shape)
        pairs = {joint: (theirs[joint], own[joint]) for joint in own if joint in theirs}
        adapters.append(
            {
                joint: Adapter(one[0], other[0], width, scale, planes=len(other) == 3)
                for joint, (one, other) in pairs.items()
                if len(one) in {1, 3} and one[1:] == other[1:]
            }
        )
    return Column(stages, start, adapters)


def _shapes(stages: Body, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the shape of a row's value at each joint, by passing an empty row."""
    modes = {part: part.training for part in stages.modules()}
    with torch.no_grad():
        _, said = Column(stages).eval()(torch.zeros(1, *shape), [])
    for part, mode in modes.items():
        part.training = mode
    return {joint: tuple(value.shape[1:]) for joint, value in said.items()}


@final
class Columns(Builder):
    """Networks side by side, of which the newest hears the older ones through adapters.

    This is how a progressive network is described and rebuilt; to train one, see
    :class:`~fourfold.methods.progressive.progressive.ProgressiveNetwork`.

    Parameters
    ----------
    columns
        What builds each column, the oldest first.
    starts
        For each column, the position of the first one that it hears; its own for none.
    widths
        For each column, channels inside its adapters.
    outputs
        How many outputs the last layer of each old column has, 0 where it is not kept; empty where
        none is.
    scale
        α of fresh adapters.

    References
    ----------
    Rusu et al., Progressive Neural Networks, arXiv:1606.04671, 2016.

    Examples
    --------
    >>> Columns(columns=(Mlp(), Mlp(widths=(32,)))).build((10,)).width
    32
    """

    columns: tuple[Builder, ...] = (Mlp(), Mlp())
    starts: tuple[Annotated[int, at.Ge(0)], ...] = (0, 0)
    widths: tuple[PositiveInt, ...] = (16, 16)
    outputs: tuple[Annotated[int, at.Ge(0)], ...] = ()
    scale: Positive = 1.0

    def _build(self, shape: tuple[int, ...]) -> Body:
        lengths = {len(self.columns), len(self.starts), len(self.widths)}
        if len(lengths) != 1 or not self.columns:
            raise ParameterError(
                "columns, starts and widths of Columns must be equally many, at least one; got "
                f"{len(self.columns)}, {len(self.starts)} and {len(self.widths)}"
            )
        built: list[Column] = []
        for builder, start, width in zip(self.columns, self.starts, self.widths, strict=True):
            stages = builder.build(shape)
            built.append(beside(built, stages, shape, start=start, width=width, scale=self.scale))
        heads = [
            nn.Linear(column.width, n) if n else nn.Identity()
            for column, n in zip(built, self.outputs, strict=False)
        ]
        return Body({"columns": Joined(built, heads)}, built[-1].width)

    def bare(self) -> Columns:
        return Columns(
            columns=tuple(column.bare() for column in self.columns),
            starts=self.starts,
            widths=self.widths,
            outputs=self.outputs,
            scale=self.scale,
        )
