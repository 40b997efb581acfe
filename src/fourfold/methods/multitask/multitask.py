"""Multi-task learning: several tasks that all matter share layers."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Final, Literal, Self, final

import torch
from sklearn.base import clone
from torch import Tensor, nn

from fourfold.core.parameters import PositiveInt
from fourfold.data.differences import input_difference
from fourfold.estimators.problem import Fitted
from fourfold.estimators.supervised import hold_out, validation
from fourfold.methods.multitask._joint import JointNetworkEstimator
from fourfold.methods.multitask._shared import (
    members_on_one_input,
    members_on_stems,
    on_one_network,
    stacked,
    through_one_middle,
)
from fourfold.training.balances import balance_of
from fourfold.training.loop import minimize
from fourfold.training.phases import Part, Phase
from fourfold.training.recipe import USUAL, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import Problem
    from fourfold.methods.multitask._joint import Member
    from fourfold.training.batches import Batch

__all__ = ["MultiTask"]

BALANCE_RATE: Final = 25.0
"""Factor of the learning rate of s, which has to come from 0 to log L in a short training."""


@final
class MultiTask(JointNetworkEstimator):
    """Learn several tasks at once on shared layers, each with a head of its own.

    Tasks may differ in rows, lack labels row by row, and mix classes, numbers and attributes. A
    step takes a batch of every task; smaller tasks start over. Tasks on the very same rows, such as
    several labels of one picture, share their batches too. All rows of a step pass the shared
    layers together, so that batch norm knows one mixture, in training as in prediction.

    Parameters
    ----------
    share
        ``"input"``: tasks with the same kind of inputs share one network, up to their heads.
        ``"middle"``: tasks with different inputs have a network of their own each, whose features,
        projected to one width, go through a shared MLP.
    balance
        Combination of the losses L (K,) into one step. ``"equal"``: their mean. ``"uncertainty"``:
        ½·Σ(e^{−s}L + s), s learnt. The others, by torchjd: the shared layers follow one gradient
        that is made of the tasks' own, each head its own task's.
    width, middle
        For ``"middle"``: width of the projection, and units of the shared MLP's layers.

    Attributes
    ----------
    findings_
        With ``"uncertainty"``, the final weight of each task's loss.

    References
    ----------
    Caruana, Multitask Learning, Machine Learning 1997. Kendall, Gal & Cipolla, Multi-Task Learning
    Using Uncertainty to Weigh Losses, CVPR 2018. Gradients: Yu et al., NeurIPS 2020 (PCGrad); Liu
    et al., NeurIPS 2021 (CAGrad); Navon et al., ICML 2022 (Nash-MTL); Quinton & Rey, 2024 (UPGrad);
    Sener & Koltun, NeurIPS 2018 (MGDA); Liu et al., ICLR 2021 (IMTL-G); Senushkin et al., CVPR 2023
    (Aligned-MTL).

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MultiTask().fit({"kind": Domain(X[::2], y[::2]), "width": Domain(X, X[:, 3])})
    >>> model.predict(X, task="kind").shape, model.score(X, X[:, 3], task="width") > 0.8
    ((150,), True)
    """

    share: Literal["input", "middle"] = "input"
    balance: Literal[
        "equal", "uncertainty", "pcgrad", "cagrad", "nashmtl", "upgrad", "mgda", "imtlg",
        "alignedmtl",
    ] = "equal"  # fmt: skip
    width: PositiveInt = 64
    middle: tuple[PositiveInt, ...] = (64,)

    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return dict.fromkeys(("width", "middle"), "share='input'") if self.share == "input" else {}

    @classmethod
    def candidates(cls, tasks: Mapping[str, Domain]) -> list[Self]:
        """Return the variants that a study tries by default: a balance of each kind."""
        method = cls(share="middle" if input_difference(tasks) else "input")
        balances = ["uncertainty", *(["pcgrad"] if find_spec("torchjd") else [])]
        others = balances if len(tasks) > 1 else []
        return [method, *(clone(method).set_params(balance=balance) for balance in others)]

    def _members(self, tasks: Mapping[str, Domain]) -> dict[str, Member]:
        balance_of(self.balance, len(tasks))  # a missing extra is said before anything is trained
        if self.share == "input":
            return members_on_one_input(self, tasks)
        return members_on_stems(self, tasks, self.width, self.middle)

    def _learn(self, problems: Mapping[str, Problem]) -> dict[str, Fitted]:
        recipe = next(iter(problems.values())).recipe
        share = on_one_network if self.share == "input" else through_one_middle
        models, groups, stems, shared = share(problems)
        names = [name for group in groups for name in group.names]
        heads = nn.ModuleList(models[name].head for name in names)
        balance = balance_of(self.balance, len(names))
        tasks = [problems[name].task for name in names]

        def losses(*batches: Batch) -> Tensor:
            below = [stem(batch.x) for stem, batch in zip(stems, batches, strict=True)]
            sizes = [len(part) for part in below]
            features = torch.split(shared(stacked(below)), sizes)  # (B, d) each
            among = zip(groups, features, batches, strict=True)
            each = [(part, *y) for group, part, batch in among for y in group.labels(batch)]
            parts = zip(tasks, heads, each, strict=True)  # (K,)
            return torch.stack([task.loss(head(h), y, w) for task, head, (h, y, w) in parts])

        def backward(each: Tensor, _nets: nn.Module) -> None:
            balance.backward(each, shared, nn.ModuleList([stems, heads]))

        parts = {"stems": stems, "shared": shared, "heads": heads, "balance": balance}
        nets = nn.ModuleDict(parts)
        weights = Part(balance, rate=BALANCE_RATE, weight_decay=0.0)
        phase = Phase(lambda _t, *b: losses(*b), [weights, Part(nets)], backward=backward)
        rows = [hold_out(group.data, recipe) for group in groups]
        history = minimize(
            nets,
            phase,
            *(train.table() for train, _ in rows),
            recipe=recipe,
            validate=validation(nets, losses, *(held for _, held in rows)),
        )
        found = balance.findings(names)
        return {name: Fitted(models[name], history, found) for name in problems}
