"""The only training loop: phases of losses over tables in step, on Lightning Fabric."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, cast, final

import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

from fourfold.core.batches import Batch, Stream, Table
from fourfold.core.checkpoint import Checkpoint
from fourfold.core.process import progress_bar
from fourfold.core.recipe import Recipe
from fourfold.errors import ParameterError

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Batch", "History", "Part", "Phase", "Recipe", "Table", "minimize"]

Loss: TypeAlias = Callable[..., Tensor]
"""From the progress t in [0, 1] and a batch of each table to a scalar."""


@final
@dataclass(frozen=True)
class Part:
    """A module that is trained at a learning rate of its own.

    Parameters
    ----------
    module
        Whose parameters.
    rate
        Factor of the recipe's learning rate.
    weight_decay
        Other than the recipe's.
    """

    module: nn.Module
    rate: float = 1.0
    weight_decay: float | None = None


@final
@dataclass(frozen=True)
class Phase:
    """One loss and what it trains; a step goes through all phases in order.

    Parameters
    ----------
    loss
        ``loss(t, *batches)``, a scalar.
    module
        What this phase's optimizer trains: a module, or Parts with rates of their own.
    repeat
        Optimizer steps of this phase in one step.
    backward
        ``backward(loss, module)`` that leaves gradients, instead of ``loss.backward()``; the loss
        may then be a vector, e.g. one a task for a gradient balancer.
    """

    loss: Loss
    module: nn.Module | Sequence[Part]
    repeat: int = 1
    backward: Callable[[Tensor, nn.Module], None] | None = None

    @property
    def parts(self) -> list[Part]:
        """The modules that are trained, with their rates."""
        return [Part(self.module)] if isinstance(self.module, nn.Module) else list(self.module)


@final
@dataclass
class History:
    """What happened while training.

    Attributes
    ----------
    losses
        Each epoch's average loss of each phase.
    scores
        Each epoch's validation score, where there is one.
    steps, seconds
        How many, and how long they took.
    """

    losses: list[list[float]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0


def minimize(
    module: nn.Module,
    phases: Phase | Sequence[Phase],
    *tables: Table,
    recipe: Recipe,
    validate: Callable[[], float] | None = None,
) -> History:
    """Train: go through the tables in step, each phase's optimizer following its loss.

    Parameters
    ----------
    module
        Everything that takes part: it is put on the device and into the checkpoint. Layers that
        some phase trains are in training mode until the end; those that none trains stay in
        evaluation mode. Put several modules in an ``nn.ModuleDict``.
    phases
        Most methods have one.
    *tables
        An epoch is one pass over the one with the most batches; the others start over.
    recipe
        How.
    validate
        A score after each epoch (higher is better), for ``recipe.patience``.

    Returns
    -------
    History
        Losses and scores of each epoch.

    Raises
    ------
    DataError
        If a table has fewer rows than there are processes, or a checkpoint is damaged or of
        another training.
    ParameterError
        If a loss becomes NaN or infinite.
    """
    return _Loop(module, phases, tables, recipe, validate).run()


@final
class _Loop:
    """The state of one call of :func:`minimize`."""

    def __init__(
        self,
        module: nn.Module,
        phases: Phase | Sequence[Phase],
        tables: Sequence[Table],
        recipe: Recipe,
        validate: Callable[[], float] | None,
    ) -> None:
        self.phases = [phases] if isinstance(phases, Phase) else list(phases)
        self.recipe, self.module, self.validate = recipe, module, validate
        self.fabric = _fabric(recipe)
        self.module.to(self.fabric.device)
        self._agree()
        _lay(self.module, torch.channels_last)
        self.checkpoint = Checkpoint.of(recipe, module, self.phases, tables)
        self.optimizers = [_optimizer(phase, recipe) for phase in self.phases]
        self.parameters = [_parameters(optimizer) for optimizer in self.optimizers]
        self.streams = [Stream(table, recipe, self._seed(), self.fabric) for table in tables]
        self.steps_per_epoch = max(stream.steps for stream in self.streams)
        epochs = max(recipe.epochs, math.ceil(recipe.least_steps / self.steps_per_epoch))
        self.steps = recipe.steps or epochs * self.steps_per_epoch
        self.epochs = math.ceil(self.steps / self.steps_per_epoch)
        self.history = History()
        self.best = Best()
        self.over = False

    def run(self) -> History:
        if self.checkpoint is not None and self.checkpoint.exists():
            self.checkpoint.load(self)
        began = time.perf_counter() - self.history.seconds
        self._set_modes()
        with progress_bar(
            self.epochs, on=self.recipe.progress and self.fabric.is_global_zero
        ) as tick:
            while not self.over:
                epoch = len(self.history.losses)
                self._epoch(epoch)
                self.history.seconds = time.perf_counter() - began
                self._after(epoch)
                tick(epoch + 1)
        self.best.restore(self.module)
        _lay(self.module, torch.contiguous_format)
        self.module.eval()
        return self.history

    def _set_modes(self) -> None:
        """Put in training mode what is trained; what is frozen keeps its statistics."""
        trained = {p for parameters in self.parameters for p in parameters}
        _set_mode(self.module.train(), trained)

    def _epoch(self, epoch: int) -> None:
        first = epoch * self.steps_per_epoch
        last = min(first + self.steps_per_epoch, self.steps)
        sums = torch.zeros(len(self.phases), device=self.fabric.device)
        for step in range(first, last):
            t = step / self.steps
            self._set_rate(self.recipe.rate(t))
            batches = [stream.next() for stream in self.streams]
            for i, phase in enumerate(self.phases):
                for _ in range(phase.repeat):
                    sums[i] += self._step(i, t, batches) / phase.repeat
        self.history.steps = last
        means: list[float] = (self._mean(sums) / (last - first)).tolist()
        if not all(map(math.isfinite, means)):
            raise ParameterError(
                f"the loss must stay finite; got {means} in epoch {epoch + 1}: lower learning_rate"
            )
        self.history.losses.append(means)

    def _set_rate(self, factor: float) -> None:
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["initial_lr"] * factor

    def _step(self, i: int, t: float, batches: list[Batch]) -> Tensor:
        phase, optimizer, parameters = self.phases[i], self.optimizers[i], self.parameters[i]
        optimizer.zero_grad(set_to_none=True)
        with self.fabric.autocast():
            loss = phase.loss(t, *batches)
        if phase.backward is None:
            self.fabric.backward(loss)
        else:
            phase.backward(loss, self.module)
        self._average(parameters)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        optimizer.step()
        return loss.detach().mean()

    def _average(self, parameters: list[Tensor]) -> None:
        """Average gradients over the processes, in one message."""
        if self.fabric.world_size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self._mean(torch.cat([g.reshape(-1) for g in gradients]))
        parts = torch.split(flat, [g.numel() for g in gradients])
        for p, part in zip(parameters, parts, strict=True):
            p.grad = torch.empty_like(p).copy_(part.view_as(p))

    def _mean(self, values: Tensor) -> Tensor:
        return cast("Tensor", self.fabric.all_reduce(values, reduce_op="mean"))

    def _agree(self) -> None:
        """Start every process from the first one's weights."""
        if self.fabric.world_size > 1:
            for tensor in self.module.state_dict().values():
                dist.broadcast(tensor, 0)

    def _average_buffers(self) -> None:
        """Make one model of all processes': norms that see a share each remember other moments."""
        if self.fabric.world_size > 1:
            for buffer in self.module.buffers():
                if buffer.is_floating_point():
                    buffer.copy_(self._mean(buffer))

    def _seed(self) -> int:
        """Draw the seed of a table's order, the first process's for all."""
        return self.fabric.broadcast(int(torch.randint(2**62, ())))

    def _after(self, epoch: int) -> None:
        """Score, log and save; find out whether training is over."""
        history, recipe = self.history, self.recipe
        self._average_buffers()
        if self.validate is not None:
            self.module.eval()
            history.scores.append(float(self.validate()))
            self._set_modes()
            if recipe.patience is not None:
                self.best.see(history.scores, self.module)
        names = [f"loss_{i}" for i in range(len(self.phases))] if len(self.phases) > 1 else ["loss"]
        values = dict(zip(names, history.losses[-1], strict=True))
        if history.scores:
            values["score"] = history.scores[-1]
        self.fabric.log_dict(values, step=history.steps)
        for hook in recipe.each_epoch:
            hook(epoch, history)
        patience = recipe.patience or math.inf
        waited = len(history.scores) - 1 - self.best.epoch
        self.over = waited >= patience or epoch + 1 == self.epochs
        if self.checkpoint is not None and self.fabric.is_global_zero:
            self.checkpoint.save(self)


def _set_mode(module: nn.Module, trained: set[Tensor]) -> None:
    """Put those layers in evaluation mode that have weights, none of which is trained.

    A layer without weights follows the one before it.
    """
    still = False
    for child in module.children():
        weights = list(child.parameters())
        still = trained.isdisjoint(weights) if weights else still
        if still:
            child.eval()
        else:
            _set_mode(child, trained)


def _lay(module: nn.Module, layout: torch.memory_format) -> None:
    """Lay the filters of convolutions out in memory; with channels last, CPUs are faster."""
    for p in module.parameters():
        if p.ndim == 4:
            p.data = p.data.to(memory_format=layout)


def _optimizer(phase: Phase, recipe: Recipe) -> Optimizer:
    """Build what trains a phase's parts, each parameter in the first part that has it."""
    groups: list[dict[str, Any]] = []
    taken: set[Tensor] = set()
    for part in phase.parts:
        fresh = [p for p in part.module.parameters() if p.requires_grad and p not in taken]
        taken.update(fresh)
        rate = recipe.learning_rate * part.rate
        decay = recipe.weight_decay if part.weight_decay is None else part.weight_decay
        if fresh:
            groups.append({"params": fresh, "lr": rate, "initial_lr": rate, "weight_decay": decay})
    if recipe.optimizer == "sgd":  # fused: one pass over the weights, also on CPUs
        return torch.optim.SGD(groups, momentum=recipe.momentum, fused=True)
    return torch.optim.AdamW(groups, fused=True)


def _parameters(optimizer: Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


@final
@dataclass
class Best:
    """The weights of the epoch with the best validation score so far."""

    epoch: int = 0
    weights: dict[str, Tensor] = field(default_factory=dict)

    def see(self, scores: list[float], module: nn.Module) -> None:
        """Remember the module if its score is the best."""
        if len(scores) == 1 or scores[-1] > scores[self.epoch]:
            self.epoch = len(scores) - 1
            self.weights = {k: v.detach().clone() for k, v in module.state_dict().items()}

    def restore(self, module: nn.Module) -> None:
        """Put the best weights back, if there are any."""
        if self.weights:
            module.load_state_dict(self.weights)


def _fabric(recipe: Recipe) -> Fabric:
    """Set up devices; under torchrun, join the other processes."""
    devices: Any = recipe.devices
    strategy = "auto"
    if "TORCHELASTIC_RUN_ID" in os.environ and int(os.environ["WORLD_SIZE"]) > 1:
        devices, strategy = int(os.environ["LOCAL_WORLD_SIZE"]), "ddp"
    elif devices == "auto":
        devices = 1
    nodes = int(os.environ.get("GROUP_WORLD_SIZE", "1")) if strategy == "ddp" else 1
    fabric = Fabric(
        accelerator=recipe.accelerator,
        devices=devices,
        num_nodes=nodes,
        strategy=strategy,
        precision=recipe.precision,
        loggers=list(recipe.loggers),
    )
    fabric.launch()
    return fabric
