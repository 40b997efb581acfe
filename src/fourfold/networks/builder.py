"""Body and Builder: a network without its head, in stages, and the description that builds it."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, final

import torch
from torch import Tensor, nn

from fourfold.core.parameters import Parameters
from fourfold.errors import DataError, ParameterError
from fourfold.preparation.blockwise import InputStage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fourfold.data.rows import Rows
    from fourfold.networks.towers import Towers
    from fourfold.preparation.base import Preparation
    from fourfold.training.recipe import Recipe

__all__ = ["Body", "Builder", "as_body", "reset_copy", "stages"]

BLOCKS: Final = frozenset({"blocks", "features", "layers", "stages"})
"""Names under which networks of pictures keep their blocks, whose stages these are."""


@final
class Body(nn.Sequential):
    """A network without its head: named stages in sequence, from rows to features (B, width).

    Parameters
    ----------
    stages
        Name → module, in order.
    width
        Number of features.
    tap
        The stage whose output a domain critic reads; the last one by default.
    builder
        The description that can rebuild the stages; None for a module of the user's.
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
        self._origin = _Origin(builder)

    @property
    def builder(self) -> Builder | None:
        """The description that can rebuild the stages; None for a module of the user's."""
        return self._origin.builder

    @builder.setter
    def builder(self, builder: Builder | None) -> None:
        self._origin.builder = builder

    def under(self, stage: nn.Module) -> Body:
        """Return the same body with a stage below it, such as preprocessing."""
        stages = {"prepare": stage, **dict(self.named_children())}
        return Body(stages, self.width, self.tap, self.builder)

    def bare(self) -> Body:
        """Return the same body without preprocessing."""
        parts = self.named_children()
        stages = {name: part for name, part in parts if not isinstance(part, InputStage)}
        return Body(stages, self.width, self.tap, self.builder)


@final
@dataclass(slots=True)
class _Origin:
    """The builder of a body, outside the body's attributes.

    Attributes of a module enter its fingerprint, which names what the module computes, whatever
    built it.
    """

    builder: Builder | None


class Builder(Parameters, ABC):
    """The description of a network: hyper-parameters as fields, and the network for a row shape.

    A builder can be cloned, searched over and written as JSON.

    Attributes
    ----------
    frames
        Whether features are of the frames of utterances, (B, width, T).
    """

    frames: ClassVar[bool] = False

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
        """Build a fresh network for rows of this shape."""

    def frames_in(self, shape: tuple[int, ...]) -> bool:
        """Return whether features of rows of a shape are of their frames."""
        del shape
        return self.frames

    def bare(self) -> Builder:
        """Return the builder of the same network without weights from files."""
        return self

    def kept(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Return those weights of a model, by name, that a saved one holds: all, or adapters."""
        return dict(weights)

    def saved(self) -> Builder:
        """Return the builder by which a saved model is rebuilt."""
        return self.bare()

    def rebuilt(self, digest: str) -> Builder:
        """Return the builder of a saved model, whose network's weights had a hash.

        Raises
        ------
        BundleError
            If these are needed, and not here.
        """
        del digest
        return self.bare()  # reads no other file

    def untrained(self) -> Builder:
        """Return the builder of the same network with random weights."""
        return self

    @property
    def trained(self) -> bool:
        """Whether the network is built with weights of a training, so that it is a source."""
        return False

    @property
    def paired(self) -> bool:
        """Whether it is one of two towers, whose other one places names of classes beside rows."""
        return False

    def towers(self, *, download: bool = True) -> Towers:
        """Return the maps of the pair of towers that it is one of, maybe without a download.

        Raises
        ------
        ParameterError
            If it is none.
        FileError
            If its weights are not here.
        """
        del download
        raise ParameterError(
            f"network must be one of two towers, such as CLIP; got {type(self).__name__}"
        )

    @property
    def recipe(self) -> Recipe | None:
        """The recipe by which training goes on from its weights; None for the method's own."""
        return None

    @property
    def weights_digest(self) -> str:
        """Hash of the weights that it is built with; empty for random ones."""
        return ""

    def preparation(self, rows: Sequence[Rows]) -> Preparation | None:
        """Return the network's own preparation for the rows of all domains, unfitted.

        None leaves the choice to the method.

        Raises
        ------
        DataError
            If the network is not for such rows.
        """
        del rows
        return None


def as_body(module: nn.Module, shape: tuple[int, ...]) -> Body:
    """Make a Body of any module; its width is found with one empty row of a shape.

    Its output is flattened to (B, width).

    Raises
    ------
    DataError
        If the module does not take rows of this shape, or returns no tensor.
    """
    if isinstance(module, Body):
        return module
    mode = module.training
    try:
        with torch.no_grad():  # lazy layers create their weights here and are trained later
            out = module.eval()(torch.zeros(1, *shape))
    except (RuntimeError, ValueError, TypeError, IndexError, AssertionError) as error:
        first = (str(error) or type(error).__name__).splitlines()[0]
        raise DataError(f"the network must take rows of shape {shape}; got: {first}") from error
    finally:
        module.train(mode)
    if not isinstance(out, Tensor):
        parts = f" with {', '.join(map(str, list(out)[:4]))}" if isinstance(out, Mapping) else ""
        raise DataError(
            "the network must return one tensor, (B, features); got a "
            f"{type(out).__name__}{parts}: wrap it in a module that returns one of its parts"
        )
    flat = {"flatten": nn.Flatten()} if out.ndim > 2 else {}
    return Body({"network": module, **flat}, int(out[0].numel()), "network")


def reset_copy(network: nn.Module) -> nn.Module:
    """Return a copy of a network with fresh random weights, each layer's by its own rule.

    Weights outside of layers, such as a class token, are drawn with a standard deviation of .02.
    """
    fresh = copy.deepcopy(network)
    for part in fresh.modules():
        own = [p for p in part.parameters(recurse=False) if p.is_floating_point()]
        if own and "reset_parameters" in dir(part):
            layer: Any = part
            layer.reset_parameters()
        else:
            for parameter in own:
                nn.init.normal_(parameter, std=0.02)
    return fresh


def stages(body: nn.Module) -> dict[str, nn.Module]:
    """Name the parts of a network that have weights or statistics, from input to output.

    These are the network's children; of a network with a single child, that child's children.
    Weights of a module outside its children, such as a transformer's class token, come first.

    Examples
    --------
    >>> list(stages(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))))
    ['0', '2']
    """
    found = {name: part for name, part in body.named_children() if _learns(part)}
    if len(found) != 1:
        return found if isinstance(body, Body) else _with_blocks(found)
    ((name, only),) = found.items()
    if not list(only.children()):
        return found
    inner = {f"{name}.{deeper}": part for deeper, part in stages(only).items()}
    own = list(only.parameters(recurse=False))
    return {name: nn.ParameterList(own), **inner} if own else inner


def _with_blocks(found: Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    """Put the blocks of a network in place of the list that holds them."""
    opened: dict[str, nn.Module] = {}
    for name, part in found.items():
        inner = {k: v for k, v in part.named_children() if _learns(v)}
        blocks = isinstance(part, (nn.Sequential, nn.ModuleList)) and name in BLOCKS
        opened |= {f"{name}.{k}": v for k, v in inner.items()} if blocks else {name: part}
    return opened


def _learns(part: nn.Module) -> bool:
    """Return True for a part with weights, or with statistics that training updates."""
    if isinstance(part, InputStage):
        return False
    return any(True for _ in (*part.parameters(), *part.buffers()))
