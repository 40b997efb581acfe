"""Multi-task learning: several tasks that all matter share layers."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Final, Literal, NamedTuple, Self, final

import torch
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from torch import Tensor, nn

from fourfold import networks
from fourfold.core.parameters import PositiveInt
from fourfold.data.domain import apart
from fourfold.errors import DataError, ParameterError
from fourfold.methods.multitask._groups import Group, grouped
from fourfold.methods.multitask._joint import JointNetworkEstimator
from fourfold.methods.multitask._member import Member
from fourfold.networks.stem import Stem
from fourfold.preparation.choose import default_preparation
from fourfold.training.balances import Aggregated, Equal, Uncertainty
from fourfold.training.loop import minimize
from fourfold.training.phases import History, Part, Phase
from fourfold.training.recipe import Recipe

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourfold.data.domain import Domain
    from fourfold.estimators.problem import Job, Model
    from fourfold.networks.builder import Builder
    from fourfold.preparation.choose import Preparation
    from fourfold.training.balances import Balance
    from fourfold.training.batches import Batch

__all__ = ["MultiTask"]

BALANCE_RATE: Final = 25.0
"""How much faster than weights s is learnt: it has to come from 0 to log L in a short training."""


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
        How the losses L (K,) become one step. ``"equal"``: their mean. ``"uncertainty"``:
        ½·Σ(e^{−s}L + s), s learnt. The others, by torchjd: the shared layers follow one gradient
        that is made of the tasks' own, each head its own task's.
    width, middle
        Of ``"middle"``: the width that is projected to, and the units of the shared MLP's layers.

    Attributes
    ----------
    findings_
        With ``"uncertainty"``, what each task's loss weighs at the end.

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

    default_recipe: ClassVar[Recipe] = Recipe(epochs=10)

    @classmethod
    def candidates(cls, tasks: Mapping[str, Domain]) -> list[Self]:
        """Return what is worth trying where nobody says more: a balance of each kind."""
        method = cls(share="middle" if apart(tasks) else "input")
        balances = ["uncertainty", *(["pcgrad"] if find_spec("torchjd") else [])]
        others = balances if len(tasks) > 1 else []
        return [method, *(clone(method).set_params(balance=balance) for balance in others)]

    def _members(self, tasks: Mapping[str, Domain]) -> dict[str, Member]:
        _BALANCE[self.balance](len(tasks))  # what it lacks is said before anything is trained
        return _MEMBERS[self.share](self, tasks)

    def _learn(self, jobs: Mapping[str, Job]) -> tuple[dict[str, Model], History]:
        recipe = self.recipe or self.default_recipe
        models, groups, stems, shared = _NETWORKS[self.share](jobs)
        names = [name for group in groups for name in group.names]
        heads = nn.ModuleList(models[name].head for name in names)
        balance = _BALANCE[self.balance](len(names))
        tasks = [jobs[name].task for name in names]

        def losses(_t: float, *batches: Batch) -> Tensor:
            below = [stem(batch.x) for stem, batch in zip(stems, batches, strict=True)]
            sizes = [len(part) for part in below]
            features = torch.split(shared(torch.cat(below)), sizes)  # (B, d) each
            each = [
                (part, y)
                for group, part, batch in zip(groups, features, batches, strict=True)
                for y in group.labels(batch.y)
            ]
            parts = zip(tasks, heads, each, strict=True)
            return torch.stack([task.loss(head(h), y) for task, head, (h, y) in parts])  # (K,)

        def backward(each: Tensor, _nets: nn.Module) -> None:
            balance.backward(each, shared, nn.ModuleList([stems, heads]))

        parts = {"stems": stems, "shared": shared, "heads": heads, "balance": balance}
        nets = nn.ModuleDict(parts)
        weights = Part(balance, rate=BALANCE_RATE, weight_decay=0.0)
        phase = Phase(losses, [weights, Part(nets)], backward=backward)
        train, validate = _held_out(groups, losses, nets, recipe)
        tables = [group.data.table() for group in train]
        history = minimize(nets, phase, *tables, recipe=recipe, validate=validate)
        self.findings_ += balance.findings(names)
        return models, history


# --- what is shared ------------------------------------------------------------------------------


class _Networks(NamedTuple):
    """What is trained: a model for each task, and the same layers in the order they are used."""

    models: dict[str, Model]
    groups: list[Group]
    stems: nn.ModuleList
    shared: nn.Module


def _on_one_network(jobs: Mapping[str, Job]) -> _Networks:
    """Put all heads on one network."""
    body = next(iter(jobs.values())).body()
    models = {name: job.model(body) for name, job in jobs.items()}
    groups = grouped(jobs)
    return _Networks(models, groups, nn.ModuleList(nn.Identity() for _ in groups), body)


def _through_one_middle(jobs: Mapping[str, Job]) -> _Networks:
    """Give each task a network of its own, and all of them the first one's last layers."""
    models = {name: job.model(job.body()) for name, job in jobs.items()}
    shared = next(iter(models.values())).body.get_submodule("middle")
    stems = nn.ModuleList()
    for model in models.values():
        stems.append(nn.Sequential(*list(model.body.children())[:-1]))
        model.body.add_module("middle", shared)
    return _Networks(models, [Group.of({name: job}) for name, job in jobs.items()], stems, shared)


def _alike(method: MultiTask, tasks: Mapping[str, Domain]) -> dict[str, Member]:
    """Prepare the inputs of all tasks together."""
    if difference := apart(tasks):
        raise DataError(
            f"tasks that share the input must have inputs of one kind; got {difference}: "
            "share='middle' takes different ones"
        )
    prepare, rows = method.prepare, [domain.rows for domain in tasks.values()]
    if not isinstance(prepare, FrozenEstimator):
        brought = isinstance(method.network, nn.Module)
        chosen = prepare or default_preparation(*rows, user_network=brought)
        prepare = FrozenEstimator(clone(chosen).fit(*rows))
    return {name: _member(method, method.network, prepare) for name in tasks}


def _each(method: MultiTask, tasks: Mapping[str, Domain]) -> dict[str, Member]:
    """Prepare the inputs of each task by themselves."""
    network = method.network
    if isinstance(network, nn.Module):
        raise ParameterError(
            "network must be a name, a Builder or None where each task has one of its own "
            f"(share='middle'); got a module, {type(network).__name__}"
        )
    below = networks.named(network) if isinstance(network, str) else network
    stem = Stem(network=below, width=method.width, middle=method.middle)
    return {name: _member(method, stem, method.prepare) for name in tasks}


def _member(
    method: MultiTask,
    network: nn.Module | Builder | str | None,
    prepare: Preparation | FrozenEstimator | None,
) -> Member:
    recipe = method.recipe or method.default_recipe
    return Member(network=network, prepare=prepare, recipe=recipe, random_state=method.random_state)


_MEMBERS: Final = {"input": _alike, "middle": _each}
_NETWORKS: Final = {"input": _on_one_network, "middle": _through_one_middle}


_GRADIENTS: Final = ("pcgrad", "cagrad", "nashmtl", "upgrad", "mgda", "imtlg", "alignedmtl")
_BALANCE: Final[Mapping[str, Callable[[int], Balance]]] = {
    "equal": Equal,
    "uncertainty": Uncertainty,
    **{name: partial(Aggregated, name) for name in _GRADIENTS},
}


def _held_out(
    groups: list[Group], losses: Callable[..., Tensor], nets: nn.Module, recipe: Recipe
) -> tuple[list[Group], Callable[[], float] | None]:
    """Split each group's rows as the recipe says, and rate the rest by the tasks' mean loss."""
    if not recipe.validation:
        return groups, None
    pairs = [group.hold_out(recipe.validation) for group in groups]
    tables = [rest.data.table() for _, rest in pairs]

    def score() -> float:
        with torch.inference_mode():
            device = next(nets.parameters()).device
            batches = [table.batch(torch.arange(table.n), device) for table in tables]
            return -float(losses(1.0, *batches).mean())

    return [train for train, _ in pairs], score
