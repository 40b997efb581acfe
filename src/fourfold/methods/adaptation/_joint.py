"""Training with the source's labels and a loss of both domains, for several methods."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, TypeAlias, final

import numpy as np
import torch
from scipy.special import entr
from torch import nn

from fourfold.algorithms.alignment import a_distance
from fourfold.core.findings import FAILURE
from fourfold.core.tasks.base import count_everywhere
from fourfold.methods.adaptation._critic import Critic
from fourfold.methods.kit import (
    SPEECH,
    USUAL,
    Batch,
    Classification,
    Facts,
    Fitted,
    Model,
    Phase,
    Problem,
    Recipe,
    SourceNetwork,
    Task,
    TrainsNetwork,
    as_body,
    forward_by_domain,
    hold_out,
    information,
    label_loss,
    minimize,
    ramp,
    split,
    teacher_outputs,
    validation,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.core.findings import Finding
    from fourfold.data.rows import Rows
    from fourfold.methods.kit import Body

__all__ = [
    "ADAPTING",
    "Shares",
    "TrainsJointly",
    "Uninformed",
    "View",
    "known_loss",
    "signs",
    "source_model",
]

Shares: TypeAlias = Literal["source", "expected"]
"""Shares of the target's classes: the source's, or halfway to those that are predicted."""

ADAPTING: Final = Recipe(epochs=5, min_steps=200, max_steps=10_000)
"""Recipe of a training that starts from the source model: half as long as that of the source."""
COLLAPSED: Final = 0.1
"""Share of the source's further classes below which those in use are a collapse."""
ENOUGH: Final = 16
"""Known labels in a batch of the target that count as much as the source's."""
RATE: Final = 0.05
"""Share of a batch in the running mean of predictions."""
MOST_ROWS: Final = 1000
"""Rows of a domain on which signs are measured."""


@final
class View(NamedTuple):
    """Features (B, d) of a batch of one domain, and the model's outputs (B, k)."""

    features: Tensor
    outputs: Tensor


class TrainsJointly(TrainsNetwork, ABC):
    """A method that trains on the source's labels and on a loss of both domains.

    Training starts from the source model. The loss of both domains has a weight that grows as
    2/(1 + e^{−10p}) − 1 over the progress p. Each domain is normalized by its own batch statistics;
    predictions use the target's. Labels that the target has take part, sixteen in a batch as much
    as the source's.

    Parameters
    ----------
    pretrain
        Whether to start from the source model, which is trained once per seed and kept, and not
        from random weights.
    """

    pretrain: bool = True

    default_recipe: ClassVar[Recipe] = ADAPTING

    def _tap(self, body: Body) -> str:
        """Return the stage of the network whose outputs are the features."""
        return list(dict(body.named_children()))[-1]

    def _critic(self, width: int, problem: Problem, model: Model) -> nn.Module:
        """Build a module of the loss that is trained with the model, on features of a width."""
        del width, problem, model
        return nn.Identity()

    @abstractmethod
    def _align(self, weight: float, s: View, t: View, critic: nn.Module) -> Tensor:
        """Compute the loss of both domains, at a weight from 0 to 1."""

    @final
    def _learn(self, problem: Problem) -> Fitted:
        task, target, recipe = problem.task, problem.target, problem.recipe
        train, held = hold_out(problem.source_data.known(), recipe)
        model = source_model(self, problem) if self.pretrain else problem.model(problem.body())
        features, upper = split(model.body, self._tap(model.body))
        labels = nn.Sequential(upper, model.head)
        critic = self._critic(as_body(features, target.rows.shape).width, problem, model)
        partly = bool(target.labelled.any())

        def loss(p: float, s: Batch, t: Batch) -> Tensor:
            fs, ft = forward_by_domain(features, s.x, t.x)  # (B, d) each
            os, ot = forward_by_domain(labels, fs, ft)  # (B, k) each
            known = known_loss(task, ot, t) if partly else 0.0
            both = self._align(ramp(p), View(fs.flatten(1), os), View(ft.flatten(1), ot), critic)
            return task.loss(os, s.y, s.weight) + known + both

        nets = nn.ModuleDict({"model": model, "critic": critic})
        validate = validation(nets, label_loss(model, task), held)
        tables = train.table(), target.table()
        history = minimize(nets, Phase(loss, nets), *tables, recipe=recipe, validate=validate)
        found = signs(problem, model)
        if isinstance(critic, Critic):
            found += critic.findings()
        return Fitted(model, history, found)


@final
class Uninformed(nn.Module):
    """Loss of outputs (B, k) of the target: minus the information of rows and classes.

    Expected shares of the classes are halfway, in logarithms, between those of the source's labels
    and the running mean of the predictions: the one is right where shares stay, the other where the
    model is. As it learns, classes that the target has come back, and those that it lacks stay
    rare. A source without data counts as one with equal shares.
    """

    shares: Tensor
    seen: Tensor

    def __init__(self, problem: Problem, model: Model, of: Shares) -> None:
        super().__init__()
        self.expected = of == "expected"
        self.register_buffer("shares", source_shares(problem))
        seen = self.shares
        if self.expected:
            seen = teacher_outputs(model, _some(problem.target.rows)).softmax(1).mean(0)
        self.register_buffer("seen", seen)

    def forward(self, outputs: Tensor) -> Tensor:
        if self.expected and torch.is_grad_enabled():
            self.seen = torch.lerp(self.seen, outputs.detach().softmax(1).mean(0), RATE)
        return -information(outputs, self.wanted())

    def wanted(self) -> Tensor:
        """Return the shares (k,) that the target's classes should have."""
        if not self.expected:
            return self.shares
        return (self.shares.log() + self.seen.clamp_min(1e-6).log()).div(2).softmax(0)


def known_loss(task: Task, outputs: Tensor, t: Batch) -> Tensor:
    """Return the loss of the known labels in a batch of the target, which count less if few.

    The mean over one or two rows of a batch is noise that costs more than these labels tell.
    """
    there = ~t.y.isnan() if t.y.is_floating_point() else t.y >= 0
    rows = count_everywhere(there.reshape(len(t.y), -1).any(1))
    return (rows / ENOUGH).clamp(max=1) * task.loss(outputs, t.y, t.weight)


def source_shares(problem: Problem) -> Tensor:
    """Return the shares (k,) of the classes in the source; equal ones where it has no data."""
    shares = torch.ones(problem.task.n_outputs)
    if not isinstance(problem.source, SourceNetwork):
        known = problem.source_data.known()
        rows = torch.from_numpy(known.row_weights)
        shares = torch.zeros_like(shares).index_add(0, known.y, rows).clamp_min(1e-3)
    return shares / shares.sum()


def source_model(method: TrainsNetwork, problem: Problem) -> Model:
    """Return the source model to start from: by the method's recipe if given, or the usual one."""
    usual = SPEECH if problem.task.ragged else USUAL
    return replace(problem, recipe=method.recipe or usual).source_model


def signs(problem: Problem, model: Model) -> list[Finding]:
    """Measure the distance of the domains' features, and the classes that the target's rows get.

    The number of classes in use is the perplexity of their frequencies. Where hardly more than one
    is, the network has collapsed.
    """
    model = model.cpu().eval()
    target = _some(problem.target.rows)
    features = model.embed(target)
    values = {}
    if not isinstance(problem.source, SourceNetwork):
        source = model.embed(_some(problem.source_data.rows))
        distance = f"{a_distance(source, features):.2f} of 2"
        values["distance of the domains' features (proxy A-distance)"] = distance
    found: list[Finding] = []
    if isinstance(problem.task, Classification):
        with torch.inference_mode():
            p = model.head(torch.from_numpy(features)).softmax(1).double().numpy()
        used = _perplexity(p.mean(axis=0))
        values["uncertainty of a prediction"] = f"{entr(p).sum(axis=1).mean():.2f} nats"
        values["classes in use"] = f"{used:.1f} of {p.shape[1]}"
        if used - 1 < COLLAPSED * (_perplexity(source_shares(problem).numpy()) - 1):
            found.append(Facts(FAILURE, {"class collapse": f"{used:.1f} classes are in use"}))
    return [Facts("The target in the adapted network", values), *found]


def _some(rows: Rows) -> Rows:
    return rows.subset(rows.draw(MOST_ROWS))


def _perplexity(p: NDArray[np.float64]) -> float:
    return float(np.exp(entr(p).sum()))
