"""Columns side by side: the network, and the builder that describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self, final

import annotated_types as at
from torch import Tensor, nn

from fourfold.core.parameters import Positive, PositiveInt
from fourfold.errors import ParameterError
from fourfold.networks.builder import Body, Builder
from fourfold.networks.columns.column import Column, new_column
from fourfold.networks.mlp import Mlp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.networks.columns.column import Activations

__all__ = ["ColumnNetwork", "ColumnStack"]


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
        features = x
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
            column = new_column(
                built, builder.build(shape), shape,
                first_input=first, adapter_width=width, scale=self.scale,
            )  # fmt: skip
            built.append(column)
        heads = [
            nn.Linear(column.width, n) if n else nn.Identity()
            for column, n in zip(built, self.outputs, strict=False)
        ]
        return Body({"columns": ColumnNetwork(built, heads)}, built[-1].width)

    def bare(self) -> ColumnStack:
        return ColumnStack(
            columns=tuple(column.bare() for column in self.columns),
            first_inputs=self.first_inputs,
            adapter_widths=self.adapter_widths,
            outputs=self.outputs,
            scale=self.scale,
        )
