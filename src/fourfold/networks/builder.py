"""What a network is made from: a description that can be cloned, searched over and saved."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, final

import torch
from torch import nn

from fourfold.core.parameters import Parameters
from fourfold.errors import DataError
from fourfold.preparation.choose import Standardizer

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Body", "Builder", "as_body"]


@final
class Body(nn.Sequential):
    """A network without its head: named stages, one after another, to features (B, width).

    Parameters
    ----------
    stages
        Name → module, in order.
    width
        Of the features that the last stage gives.
    tap
        The stage whose output a domain critic reads; the last one by default.
    builder
        Description that rebuilds it; None for a module of the user's.
    """

    def __init__(
        self,
        stages: Mapping[str, nn.Module],
        width: int,
        tap: str | None = None,
        builder: Builder | None = None,
    ) -> None:
        super().__init__()
        for name, stage in stages.items():
            self.add_module(name, stage)
        self.width = width
        self.tap = tap or list(stages)[-1]
        self.builder = builder

    def under(self, stage: nn.Module) -> Body:
        """Return the same body with a stage below it, e.g. preprocessing."""
        stages = {"prepare": stage, **dict(self.named_children())}
        return Body(stages, self.width, self.tap, self.builder)

    def bare(self) -> Body:
        """Return the same body for rows that are prepared already."""
        stages = {
            name: stage
            for name, stage in self.named_children()
            if not isinstance(stage, Standardizer)
        }
        return Body(stages, self.width, self.tap, self.builder)


class Builder(Parameters, ABC):
    """A network's description: its hyper-parameters are fields, and it builds for a shape."""

    @final
    def build(self, shape: tuple[int, ...]) -> Body:
        """Build a fresh network for rows of this shape.

        Raises
        ------
        DataError
            If rows of this shape do not fit the network.
        """
        body = self._build(shape)
        body.builder = self
        return body

    @abstractmethod
    def _build(self, shape: tuple[int, ...]) -> Body:
        """Build the stages."""

    def bare(self) -> Builder:
        """Return what builds the same network without any file, for weights that come later."""
        return self


def as_body(module: nn.Module, shape: tuple[int, ...]) -> Body:
    """Make a Body of any module, by passing one empty row through it.

    Parameters
    ----------
    module
        Any network; what it gives is flattened to (B, width).
    shape
        Of one row.

    Raises
    ------
    DataError
        If the module does not take rows of this shape.
    """
    if isinstance(module, Body):
        return module
    mode = module.training
    try:
        with torch.no_grad():  # lazy layers make their weights now, and shall train them later
            out = module.eval()(torch.zeros(1, *shape))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"the network must take rows of shape {shape}; got: {first}") from error
    finally:
        module.train(mode)
    flat = {"flatten": nn.Flatten()} if out.ndim > 2 else {}
    return Body({"network": module, **flat}, int(out[0].numel()), "network")
