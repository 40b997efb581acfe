"""The training loop of all methods, on Lightning Fabric."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast, final

import torch
import torch.distributed as dist
from torch import Tensor, nn

from fourfold.core.process import progress_bar
from fourfold.errors import ParameterError
from fourfold.training.averaging import Average
from fourfold.training.batches import Stream, Table
from fourfold.training.checkpoint import Checkpoint, TrainingState, parameters_of
from fourfold.training.devices import launched
from fourfold.training.phases import History, Phase
from fourfold.training.range_test import find_rate
from fourfold.training.runtime import current

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch.optim import Optimizer

    from fourfold.training.batches import Batch
    from fourfold.training.recipe import Recipe

__all__ = ["minimize"]


def minimize(
    module: nn.Module,
    phases: Phase | Sequence[Phase],
    *tables: Table,
    recipe: Recipe,
    validate: Callable[[], float] | None = None,
) -> History:
    """Train modules: minimize the loss of each phase on batches of the tables.

    Parameters
    ----------
    module
        All modules together, for instance in an ``nn.ModuleDict``; moved to the device and saved in
        checkpoints. Layers trained by a phase are in training mode; other layers stay in evaluation
        mode.
    phases
        Losses with the modules that they train; most methods have one.
    *tables
        Rows; each step takes one batch of each table. An epoch is one pass over the table with the
        most batches; the others are repeated.
    recipe
        Length, learning rate and so on; the device and the like are settings of the
        :class:`~fourfold.training.runtime.Runtime` in use.
    validate
        Returns a validation score after each epoch (higher is better), for ``recipe.patience``.

    Returns
    -------
    History
        Losses and scores of each epoch.

    Raises
    ------
    DataError
        If a table has fewer rows than there are processes.
    ParameterError
        If the recipe asks for validation without ``validate``, or a loss becomes NaN or infinite.
    """
    return _Loop(module, phases, tables, recipe, validate).run()


@final
class _Loop:
    """One call of :func:`minimize`."""

    def __init__(
        self,
        module: nn.Module,
        phases: Phase | Sequence[Phase],
        tables: Sequence[Table],
        recipe: Recipe,
        validate: Callable[[], float] | None,
    ) -> None:
        if validate is None and (recipe.validation or recipe.patience is not None):
            raise ParameterError(
                "validate must be given if the recipe asks for validation; got None and "
                f"validation={recipe.validation}"
            )
        self.phases = [phases] if isinstance(phases, Phase) else list(phases)
        self.recipe, self.validate, self.runtime = recipe, validate, current()
        self.fabric = launched(self.runtime)
        module.to(self.fabric.device)
        if self.fabric.world_size > 1:  # the first process's weights are everybody's
            for tensor in module.state_dict().values():
                dist.broadcast(tensor, 0)
        _set_layout(module, torch.channels_last)
        self.checkpoint = Checkpoint.of(recipe, module, self.phases, tables)
        optimizers = [_optimizer(phase, recipe) for phase in self.phases]
        streams = [Stream(table, recipe, self.fabric) for table in tables]
        average = Average(module, recipe.ema) if recipe.ema else None
        self.state = TrainingState(module, optimizers, streams, average=average)
        self.parameters = [parameters_of(optimizer) for optimizer in optimizers]
        self.steps_per_epoch = max(stream.steps for stream in streams)
        epochs = max(recipe.epochs, math.ceil(recipe.min_steps / self.steps_per_epoch))
        most = recipe.max_steps or epochs * self.steps_per_epoch
        self.steps = recipe.steps or min(epochs * self.steps_per_epoch, most)
        self.epochs = math.ceil(self.steps / self.steps_per_epoch)

    def run(self) -> History:
        state = self.state
        self._set_modes()
        if self.recipe.range_test:
            self._find_rate()
        if self.checkpoint is not None:
            self.checkpoint.load(state)
        began = time.perf_counter() - state.history.seconds
        shown = self.runtime.progress and self.fabric.is_global_zero
        with progress_bar(self.epochs, on=shown) as tick:
            while not state.over:
                epoch = len(state.history.losses)
                self._epoch(epoch)
                state.history.seconds = time.perf_counter() - began
                self._after(epoch)
                tick(epoch + 1)
        if state.best_weights:
            state.module.load_state_dict(state.best_weights)
        elif state.average is not None:
            state.average.put(state.module)
        _set_layout(state.module, torch.contiguous_format)
        state.module.eval()
        return state.history

    def _set_modes(self) -> None:
        """Put trained layers in training mode; frozen layers keep their statistics."""
        trained = {p for parameters in self.parameters for p in parameters}
        _set_mode(self.state.module.train(), trained)

    def _epoch(self, epoch: int) -> None:
        first = epoch * self.steps_per_epoch
        last = min(first + self.steps_per_epoch, self.steps)
        losses: list[Tensor] = []
        for step in range(first, last):
            t = step / self.steps
            self._scale_rates(self.recipe.rate(t))
            losses += self._phases(t)
            if self.state.average is not None:
                self.state.average.update(self.state.module, step)
        self.state.history.steps = last
        each = self._mean(torch.stack(losses).reshape(last - first, -1).mean(0))
        repeats = [phase.repeat for phase in self.phases]
        means = [float(of_phase.mean()) for of_phase in torch.split(each, repeats)]
        if not all(map(math.isfinite, means)):
            raise ParameterError(
                f"the loss must stay finite; got {means} in epoch {epoch + 1}: lower learning_rate"
            )
        self.state.history.losses.append(means)

    def _phases(self, t: float) -> list[Tensor]:
        """Run all phases on the next batches, and return the losses of their steps."""
        batches = [stream.next() for stream in self.state.streams]
        return [
            self._step(i, t, batches)
            for i, phase in enumerate(self.phases)
            for _ in range(phase.repeat)
        ]

    def _find_rate(self) -> None:
        """Set the learning rate by a range test on training batches."""
        recipe, state = self.recipe, self.state

        def step(factor: float) -> float:
            self._scale_rates(factor)
            return float(self._mean(torch.stack(self._phases(0.0))).sum())

        factor = find_rate(state.module, state.streams, step)
        fresh = [
            _optimizer(phase, recipe.but(learning_rate=factor * recipe.learning_rate))
            for phase in self.phases
        ]
        state.optimizers = fresh
        self.parameters = [parameters_of(optimizer) for optimizer in fresh]
        state.history.learning_rate = factor * recipe.learning_rate

    def _scale_rates(self, factor: float) -> None:
        for group in (g for one in self.state.optimizers for g in one.param_groups):
            group["lr"] = group["initial_lr"] * factor

    def _step(self, i: int, t: float, batches: list[Batch]) -> Tensor:
        phase, optimizer = self.phases[i], self.state.optimizers[i]
        parameters = self.parameters[i]
        for p in parameters:  # as zero_grad does, without its cost in small networks
            p.grad = None
        with self.fabric.autocast():
            loss = phase.loss(t, *batches)
        if phase.backward is None:
            self.fabric.backward(loss)
        else:
            phase.backward(loss, self.state.module)
        self._average(parameters)
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(parameters, self.recipe.clip_norm)
        optimizer.step()
        return loss.detach().mean()

    def _average(self, parameters: list[Tensor]) -> None:
        """Average gradients over the processes in one message."""
        if self.fabric.world_size == 1:
            return
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        flat = self._mean(torch.cat([g.reshape(-1) for g in gradients]))
        parts = torch.split(flat, [g.numel() for g in gradients])
        for p, part in zip(parameters, parts, strict=True):
            p.grad = torch.empty_like(p).copy_(part.view_as(p))

    def _mean(self, values: Tensor) -> Tensor:
        if self.fabric.world_size == 1:
            return values
        return cast("Tensor", self.fabric.all_reduce(values, reduce_op="mean"))

    def _after(self, epoch: int) -> None:
        """Validate, log and save; decide whether the training is over."""
        state, history = self.state, self.state.history
        if self.fabric.world_size > 1:  # norms track the moments of their shares only
            for buffer in filter(torch.is_floating_point, state.module.buffers()):
                buffer.copy_(self._mean(buffer))
        if self.validate is not None:
            state.module.eval()
            with nullcontext() if state.average is None else state.average.used(state.module):
                history.scores.append(float(self.validate()))
                if self.recipe.patience is not None:
                    state.keep_best()
            self._set_modes()
        names = [f"loss_{i}" for i in range(len(self.phases))] if len(self.phases) > 1 else ["loss"]
        values = dict(zip(names, history.losses[-1], strict=True))
        if history.scores:
            values["score"] = history.scores[-1]
        for logger in self.runtime.loggers:
            logger.log_metrics(metrics=values, step=history.steps)
        for callback in self.runtime.callbacks:
            callback(epoch, history)
        patience = self.recipe.patience or math.inf
        waited = len(history.scores) - 1 - state.best_epoch
        state.over = waited >= patience or epoch + 1 == self.epochs
        if self.checkpoint is not None and self.fabric.is_global_zero:
            self.checkpoint.save(state)


def _set_mode(module: nn.Module, trained: set[Tensor]) -> None:
    """Put layers without trained weights in evaluation mode.

    A layer without any weights has the mode of the layer before it.
    """
    still = False
    for child in module.children():
        weights = list(child.parameters())
        still = trained.isdisjoint(weights) if weights else still
        if still:
            child.eval()
        else:
            _set_mode(child, trained)


def _set_layout(module: nn.Module, layout: torch.memory_format) -> None:
    """Set the memory layout of convolution filters; channels last is faster on CPUs."""
    for p in module.parameters():
        if p.ndim == 4:
            p.data = p.data.to(memory_format=layout)


def _optimizer(phase: Phase, recipe: Recipe) -> Optimizer:
    """Build the optimizer of a phase; each parameter belongs to the first part that has it."""
    groups: list[dict[str, Any]] = []
    taken: set[Tensor] = set()
    for part in phase.parts:
        fresh = [p for p in part.module.parameters() if p.requires_grad and p not in taken]
        taken.update(fresh)
        rate = recipe.learning_rate * part.rate
        decay = recipe.weight_decay if part.weight_decay is None else part.weight_decay
        if fresh:
            groups.append({"params": fresh, "lr": rate, "initial_lr": rate, "weight_decay": decay})
    if recipe.optimizer == "sgd":  # fused is faster, also on CPUs
        return torch.optim.SGD(groups, momentum=recipe.momentum, fused=True)
    return torch.optim.AdamW(groups, fused=True)
