"""Networks of columns: a column with lateral connections from those before it, and their stack.

What progressive networks compute belongs here; how they are trained does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Final, Self, TypeAlias, cast, final

import annotated_types as at
import torch
from torch import Tensor, nn

from fourfold.core.parameters import Positive, PositiveInt
from fourfold.errors import ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["END", "Activations", "Column", "ColumnNetwork", "ColumnStack", "joints", "new_column"]

END: Final = "end"
"""The joint behind a column's last stage, whose activations are its features."""

Activations: TypeAlias = dict[str, Tensor]
"""Joint → a column's activations there, (B, ...)."""


@final
class Adapter(nn.Module):
    """The lateral connection U relu(V α h) from an old column to a new one at a joint.

    U starts at zero, so that a new column starts as if it were alone. It has channels of the old
    one, of the new one, and between V and U, 1×1 convolutions where activations have axes.
    """

    def __init__(self, inner: int, outer: int, width: int, scale: float, *, axes: int) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.tensor(scale))
        self.narrow = _pointwise(inner, width, axes)
        self.widen = _pointwise(width, outer, axes)
        for weights in self.widen.parameters():
            nn.init.zeros_(weights)

    def forward(self, h: Tensor) -> Tensor:
        return cast("Tensor", self.widen(self.narrow(self.scale * h).relu()))


def _pointwise(inner: int, outer: int, axes: int) -> nn.Module:
    if not axes:
        return nn.Linear(inner, outer)
    return (nn.Conv1d if axes == 1 else nn.Conv2d)(inner, outer, 1)


@final
class Column(nn.Module):
    """A network without its head, and adapters from columns before it.

    Parameters
    ----------
    stages
        The network.
    first_input
        Position of the first column with adapters to this one; all from there on have some.
    adapters
        For each of these columns: joint → adapter.

    Attributes
    ----------
    joint_of
        Stage → the joint behind it.
    """

    def __init__(
        self, stages: Body, first_input: int = 0, adapters: Sequence[Mapping[str, Adapter]] = ()
    ) -> None:
        super().__init__()
        self.stages = stages
        self.first_input = first_input
        self.adapters = nn.ModuleList(nn.ModuleDict(dict(each)) for each in adapters)
        *_, last = dict(stages.named_children())
        self.joint_of = {last if joint == END else joint: joint for joint in joints(stages)}

    @property
    def width(self) -> int:
        """Number of features."""
        return self.stages.width

    @property
    def adapter_width(self) -> int:
        """Channels inside the adapters; 1 without any."""
        return next((p.width for p in self.adapters.modules() if isinstance(p, Adapter)), 1)

    @property
    def lateral_inputs(self) -> list[tuple[int, str]]:
        """The position and the joint of each old column's activations that enter this one."""
        return [(j, joint) for j, adapters in self._adapters for joint in adapters]

    @property
    def _adapters(self) -> Iterable[tuple[int, nn.ModuleDict]]:
        """The position of each old column with adapters to this one, and these."""
        return enumerate(cast("Iterable[nn.ModuleDict]", self.adapters), self.first_input)

    def forward(self, x: Tensor, old: Sequence[Activations]) -> tuple[Tensor, Activations]:
        """Compute features (B, width) of rows, and the activations that later columns take.

        It takes the activations of each column before this one.
        """
        own: Activations = {}
        for name, stage in self.stages.named_children():
            x = stage(x)
            if name in self.joint_of:
                joint = self.joint_of[name]
                own[joint] = x  # before anything is added
                for j, adapters in self._adapters:
                    if joint in adapters:
                        x = x + adapters[joint](old[j][joint])
        return x, own

    def shift(self, by: int) -> Column:
        """Move the column behind more columns, without adapters from those."""
        self.first_input += by
        return self


def joints(stages: Body) -> list[str]:
    """Name the stages behind which columns are connected: those with weights.

    The last is called :data:`END` and lies behind the whole network.
    """
    weighted = [name for name, stage in stages.named_children() if list(stage.parameters())]
    return [*weighted[:-1], END]


def new_column(
    old: Sequence[Column],
    stages: Body,
    shape: tuple[int, ...],
    *,
    first_input: int = 0,
    adapter_width: int = 16,
    scale: float = 1.0,
) -> Column:
    """Make a new column of a network, with adapters from old columns.

    Columns are connected behind stages of the same name whose activations have equal axes beside
    their channels; at their end always.

    Parameters
    ----------
    old, stages, shape
        The columns so far, the new network without its head, and the shape of one input row.
    first_input
        Position of the first column with adapters to the new one.
    adapter_width, scale
        Channels inside each adapter, and its α.
    """
    own = _shapes(stages, shape)
    adapters: list[dict[str, Adapter]] = []
    for column in old[first_input:]:
        theirs = _shapes(column.stages, shape)
        pairs = {joint: (theirs[joint], own[joint]) for joint in own if joint in theirs}
        adapters.append({
            joint: Adapter(one[0], other[0], adapter_width, scale, axes=len(other) - 1)
            for joint, (one, other) in pairs.items()
            if len(one) <= 3 and one[1:] == other[1:]
        })  # fmt: skip
    return Column(stages, first_input, adapters)


def _shapes(stages: Body, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Find the shape of the activations at each joint with one empty row."""
    modes = {part: part.training for part in stages.modules()}
    with torch.no_grad():
        _, activations = Column(stages).eval()(torch.zeros(1, *shape), [])
    for part, mode in modes.items():
        part.training = mode
    return {joint: tuple(value.shape[1:]) for joint, value in activations.items()}


@final
class ColumnNetwork(nn.Module):
    """Columns side by side; all but the last are frozen and stay in evaluation mode.

    Parameters
    ----------
    columns
        From the oldest to the newest, whose features are the output.
    heads
        The last layers of the old ones, for their own tasks; not part of the output.
    """

    def __init__(self, columns: Sequence[Column], heads: Sequence[nn.Module] = ()) -> None:
        super().__init__()
        self.columns = nn.ModuleList(columns)
        self.heads = nn.ModuleList(heads)
        for part in self._frozen:
            part.requires_grad_(False)
        columns[-1].requires_grad_(True)
        self.train(self.training)

    @property
    def _frozen(self) -> list[nn.Module]:
        return [*self.columns[:-1], self.heads]

    @property
    def column_list(self) -> list[Column]:
        """The columns, from the oldest to the newest."""
        return [column for column in self.columns if isinstance(column, Column)]

    def layer_at(self, j: int, joint: str) -> str:
        """Name the layer whose output is column j's activation at a joint."""
        joint_of = self.column_list[j].joint_of
        return f"columns.{j}.stages.{next(name for name in joint_of if joint_of[name] == joint)}"

    def train(self, mode: bool = True) -> Self:
        """Set the mode of the last column alone: frozen ones update no statistics."""
        super().train(mode)
        for part in self._frozen:
            part.train(False)
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.with_activations(x)[0]

    def with_activations(self, x: Tensor) -> tuple[Tensor, list[Activations]]:
        """Compute the last column's features (B, width), and the activations of every column."""
        every: list[Activations] = []
        for column in self.column_list:
            features, own = column(x, every)
            every.append(own)
        return features, every


@final
class ColumnStack(Builder):
    """Networks side by side, the newest with adapters from the older ones.

    The builder describes a progressive network; to train one, see
    :class:`~fourfold.methods.progressive.progressive.ProgressiveNetwork`.

    Parameters
    ----------
    columns
        The builder of each column, the oldest first.
    first_inputs
        For each column, the position of the first one with adapters to it; its own for none.
    adapter_widths
        For each column, channels inside its adapters.
    outputs
        Outputs of each old column's last layer, 0 where it is not kept; empty where none is.
    scale
        α of fresh adapters.

    References
    ----------
    Rusu et al., Progressive Neural Networks, arXiv:1606.04671, 2016.

    Examples
    --------
    >>> ColumnStack(columns=(Mlp(), Mlp(hidden_layer_sizes=(32,)))).build((10,)).width
    32
    """

    columns: tuple[Builder, ...] = (Mlp(), Mlp())
    first_inputs: tuple[Annotated[int, at.Ge(0)], ...] = (0, 0)
    adapter_widths: tuple[PositiveInt, ...] = (16, 16)
    outputs: tuple[Annotated[int, at.Ge(0)], ...] = ()
    scale: Positive = 1.0

    renamed: ClassVar[dict[str, str]] = {"starts": "first_inputs", "widths": "adapter_widths"}

    def _build(self, shape: tuple[int, ...]) -> Body:
        inputs, widths = self.first_inputs, self.adapter_widths
        if len({len(self.columns), len(inputs), len(widths)}) != 1 or not self.columns:
            raise ParameterError(
                "columns, first_inputs and adapter_widths of ColumnStack must be equally many, at "
                f"least one; got {len(self.columns)}, {len(inputs)} and {len(widths)}"
            )
        built: list[Column] = []
        for builder, first, width in zip(self.columns, inputs, widths, strict=True):
            built.append(new_column(
                built, builder.build(shape), shape,
                first_input=first, adapter_width=width, scale=self.scale,
            ))  # fmt: skip
        heads = [
            nn.Linear(column.width, n) if n else nn.Identity()
            for column, n in zip(built, self.outputs, strict=False)
        ]
        return Body({"columns": ColumnNetwork(built, heads)}, built[-1].width)

    def frames_in(self, shape: tuple[int, ...]) -> bool:
        return self.columns[-1].frames_in(shape)

    def bare(self) -> ColumnStack:
        bare = tuple(column.bare() for column in self.columns)
        return ColumnStack(**{**self.get_params(deep=False), "columns": bare})
