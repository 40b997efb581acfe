"""The only training loop: phases of losses over tables in step, on Lightning Fabric."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, cast, final

import annotated_types as at
import numpy as np
import torch
import torch.distributed as dist
from lightning_fabric import Fabric
from torch import Tensor, nn

from fourfold.core.checkpoint import Checkpoint
from fourfold.core.inference import as_tensor
from fourfold.core.parameters import Fraction, NonNegative, Parameters, Positive, PositiveInt
from fourfold.core.plain import to_plain
from fourfold.core.process import progress_bar
from fourfold.errors import DataError, ParameterError
from fourfold.rows import ArrayRows, Rows

if TYPE_CHECKING:
    from torch.optim import Optimizer

__all__ = ["Batch", "History", "Part", "Phase", "Recipe", "Table", "minimize"]

LOADED_BYTES: Final = 1 << 27
"""Rows are read into memory, and not batch by batch, up to this size."""

Loss: TypeAlias = Callable[..., Tensor]
"""From the progress t in [0, 1] and a batch of each table to a scalar."""

Sampler: TypeAlias = Callable[[torch.Generator, int], Iterator[Tensor]]
"""Yields positions of a batch for ever, from a generator and the batch size; e.g. episodes.

All that it remembers must be in the generator, so that a killed training can go on.
"""


@final
class Recipe(Parameters):
    """How a network is trained: how long, how fast, on what.

    Parameters
    ----------
    epochs
        Passes over the largest table.
    steps
        Exactly so many steps instead, if given.
    least_steps
        Few rows are gone through more often, until so many steps are made.
    batch_size
        Rows of each table in a step, over all processes together, which share them equally.
    optimizer
        ``"adamw"`` (decoupled weight decay), or ``"sgd"`` with Nesterov's momentum off.
    learning_rate
        At the start of the schedule.
    momentum
        Of SGD.
    weight_decay
        Of the optimizer, on every weight that is trained.
    schedule
        ``"constant"``; ``"cosine"`` to zero; ``"step"``: a tenth from two thirds on;
        ``"inverse"``: 1/(1 + 10p)^.75 over the progress p, as domain-adversarial training has it.
    warmup
        Share of the steps over which the learning rate first grows from zero.
    clip_norm
        Longest gradient; None for no limit.
    precision
        ``"32-true"``, or ``"bf16-mixed"`` for autocast.
    accelerator, devices
        Where, in Lightning Fabric's words. Under ``torchrun`` every process joins in.
    patience
        Stop after so many epochs without a better validation score, and go back to the best;
        needs ``validation``.
    validation
        Share of the labelled rows that are held out for it, in [0, 1).
    checkpoint
        A file that the state is kept in, after an epoch; training goes on from it.
    checkpoint_every
        Seconds between two writes of it, at the least.
    progress
        Show a bar.
    loggers
        Lightning Fabric's loggers; they get each epoch's losses.
    each_epoch
        Called with the epoch's number and the history after each epoch.
    """

    epochs: PositiveInt = 20
    steps: PositiveInt | None = None
    least_steps: PositiveInt = 200
    batch_size: PositiveInt = 64
    optimizer: Literal["adamw", "sgd"] = "adamw"
    learning_rate: Positive = 1e-3
    momentum: Fraction = 0.9
    weight_decay: NonNegative = 1e-4
    schedule: Literal["constant", "cosine", "step", "inverse"] = "cosine"
    warmup: Fraction = 0.0
    clip_norm: Positive | None = None
    precision: Literal["32-true", "bf16-mixed"] = "32-true"
    accelerator: str = "auto"
    devices: int | str = "auto"
    patience: PositiveInt | None = None
    validation: Annotated[float, at.Interval(ge=0, lt=1)] = 0.0
    checkpoint: str | None = None
    checkpoint_every: NonNegative = 30.0
    progress: bool = False
    loggers: tuple[Any, ...] = ()
    each_epoch: tuple[Any, ...] = ()

    def rate(self, t: float) -> float:
        """Factor of the learning rate at progress t in [0, 1]."""
        warm = min(1.0, t / self.warmup) if self.warmup else 1.0
        shapes = {
            "constant": 1.0,
            "cosine": 0.5 * (1 + math.cos(math.pi * t)),
            "step": 1.0 if t < 2 / 3 else 0.1,
            "inverse": (1 + 10 * t) ** -0.75,
        }
        return warm * float(shapes[self.schedule])

    def identity(self) -> str:
        """Say in JSON all that changes a result; where it is kept or shown does not."""
        passing = {"checkpoint", "checkpoint_every", "progress", "loggers", "each_epoch"}
        settings = {k: to_plain(v) for k, v in self.get_params().items() if k not in passing}
        return json.dumps(settings, sort_keys=True)

    def derived(self, part: str) -> Recipe:
        """Return the same recipe for another training of the same fit, with its own checkpoint."""
        if self.checkpoint is None:
            return self
        return Recipe(**{**self.get_params(), "checkpoint": f"{self.checkpoint}.{part}"})


@final
@dataclass
class Batch:
    """Rows of one table in one step: inputs x (B, ...), labels y (B, ...) or empty without them."""

    x: Tensor
    y: Tensor


@final
@dataclass
class Table:
    """Rows that are gone through together with those of other tables.

    Parameters
    ----------
    x
        A tensor in memory (N, ...), or Rows that are read batch by batch.
    y
        (N, ...), encoded by a task; None where there are no labels.
    batch_size
        Other than the recipe's.
    sampler
        Draws the positions of a batch instead of a shuffled pass; e.g. episodes.
    """

    x: Tensor | Rows
    y: Tensor | None = None
    batch_size: int | None = None
    sampler: Sampler | None = None

    def __post_init__(self) -> None:
        if isinstance(self.x, Rows):
            self.x = _in_memory(self.x)

    @property
    def n(self) -> int:
        """How many rows there are."""
        return self.x.n if isinstance(self.x, Rows) else len(self.x)

    def batch(self, index: Tensor, device: torch.device) -> Batch:
        """Read the rows at these positions."""
        if isinstance(self.x, Rows):
            x = as_tensor(self.x.take(index.numpy()))
        else:
            x = self.x.index_select(0, index)  # twice as fast as x[index]
        y = torch.empty(0) if self.y is None else self.y.index_select(0, index)
        return Batch(x.to(device, non_blocking=True), y.to(device, non_blocking=True))


def _in_memory(rows: Rows) -> Tensor | Rows:
    """Make a tensor of rows that lie in memory already, or are few enough to."""
    array = rows.in_memory if isinstance(rows, ArrayRows) else None
    if array is not None and array.flags.carray and array.dtype.isnative:
        return as_tensor(array)  # on the same memory
    if rows.n * rows.row_bytes > LOADED_BYTES:
        return rows
    return as_tensor(rows.take(np.arange(rows.n)))


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
        Everything that takes part: it is put in training mode, on the device, into the checkpoint,
        and back into evaluation mode at the end. Put several in an ``nn.ModuleDict``.
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
        self.checkpoint = Checkpoint.of(recipe, module, tables)
        self.optimizers = [_optimizer(phase, recipe) for phase in self.phases]
        self.parameters = [_parameters(optimizer) for optimizer in self.optimizers]
        self.streams = [_Stream(table, recipe, self._seed(), self.fabric) for table in tables]
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
        self.module.train()
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
            self.module.train()
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


@final
class _Stream:
    """Positions of one table's batches, for ever: one shuffled pass after another."""

    def __init__(self, table: Table, recipe: Recipe, seed: int, fabric: Fabric) -> None:
        self.rank, self.world, self.device = fabric.global_rank, fabric.world_size, fabric.device
        size = min(table.batch_size or recipe.batch_size, table.n)
        self.size = size - size % self.world
        if self.size == 0:
            raise DataError(
                f"a table must have a row for each of {self.world} processes; got {table.n}"
            )
        self.table = table
        self.steps = math.ceil(table.n / self.size)
        self.generator = torch.Generator().manual_seed(seed)
        self.waiting = torch.empty(0, dtype=torch.int64)
        self.drawn = None if table.sampler is None else table.sampler(self.generator, self.size)

    def next(self) -> Batch:
        """Read this process's share of the next batch."""
        index = self._shuffled() if self.drawn is None else next(self.drawn)
        return self.table.batch(index[self.rank :: self.world], self.device)

    def _shuffled(self) -> Tensor:
        while len(self.waiting) < self.size:
            fresh = torch.randperm(self.table.n, generator=self.generator)
            self.waiting = torch.cat([self.waiting, fresh])
        index, self.waiting = self.waiting[: self.size], self.waiting[self.size :]
        return index


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
