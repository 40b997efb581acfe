"""Column: a network with lateral connections from the columns before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias, cast, final

import torch
from torch import Tensor, nn

from fourfold.networks.columns.adapter import Adapter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fourfold.networks.builder import Body

__all__ = ["END", "Activations", "Column", "joints", "new_column"]

END: Final = "end"
"""The joint behind a column's last stage, whose activations are its features."""

Activations: TypeAlias = dict[str, Tensor]
"""Joint → a column's activations there, (B, ...)."""


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
        last = [name for name, _ in stages.named_children()][-1]
        self.joint_of = {last if joint == END else joint: joint for joint in joints(stages)}

    @property
    def width(self) -> int:
        """Number of features."""
        return self.stages.width

    @property
    def adapter_width(self) -> int:
        """Channels inside the adapters; 1 without any."""
        widths = [part.width for part in self.adapters.modules() if isinstance(part, Adapter)]
        return widths[0] if widths else 1

    @property
    def lateral_inputs(self) -> list[tuple[int, str]]:
        """The position and the joint of each old column's activations that enter this one."""
        return [
            (self.first_input + j, joint)
            for j, adapters in enumerate(cast("Iterable[nn.ModuleDict]", self.adapters))
            for joint in adapters
        ]

    def forward(self, x: Tensor, old: Sequence[Activations]) -> tuple[Tensor, Activations]:
        """Compute the features (B, width), and the activations that later columns take.

        Parameters
        ----------
        x
            (B, ...) rows.
        old
            The activations of each column before this one.
        """
        own: Activations = {}
        for name, stage in self.stages.named_children():
            x = stage(x)
            if name in self.joint_of:
                joint = self.joint_of[name]
                own[joint] = x  # before anything is added
                for j, adapters in enumerate(cast("Iterable[nn.ModuleDict]", self.adapters)):
                    if joint in adapters:
                        x = x + adapters[joint](old[self.first_input + j][joint])
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

    Columns are connected behind stages of the same name whose activations are both vectors, or both
    planes of one size; at their end always.

    Parameters
    ----------
    old
        The columns so far.
    stages
        The new network, without its head.
    shape
        Of one input row.
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
        adapters.append(
            {
                joint: Adapter(one[0], other[0], adapter_width, scale, planes=len(other) == 3)
                for joint, (one, other) in pairs.items()
                if len(one) in {1, 3} and one[1:] == other[1:]
            }
        )
    return Column(stages, first_input, adapters)


def _shapes(stages: Body, shape: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Return the shape of the activations at each joint, found with one empty row."""
    modes = {part: part.training for part in stages.modules()}
    with torch.no_grad():
        _, activations = Column(stages).eval()(torch.zeros(1, *shape), [])
    for part, mode in modes.items():
        part.training = mode
    return {joint: tuple(value.shape[1:]) for joint, value in activations.items()}
