"""Layer transfer: some layers are copied from the source network, the others start fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, final

from rich.console import Console

from fourfold.methods.finetuning._layers import Layered, LayerPlan, plans_to_try, safe_plan
from fourfold.methods.kit import (
    USUAL,
    Curves,
    Facts,
    Fitted,
    Needs,
    PositiveInt,
    Problem,
    Recipe,
    TrainsNetwork,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LayerTransfer"]


@final
class LayerTransfer(TrainsNetwork):
    """Copy some layers from the source network, freeze or train them, and start the rest fresh.

    Pictures share their first layers, from edges to shapes, so these are copied and the last ones
    trained; speech shares its last, from pronunciation to words, while its first ones, from sound
    to pronunciation, belong to the speaker. ``copy="auto"`` tries both ends. What is frozen at the
    input's end is computed once.

    Parameters
    ----------
    copy
        How many layers from the input's end are copied; −n: how many from the output's end; or
        their names, as ``describe()`` prints them; ``"auto"`` tries every number from both ends on
        held-out labels. The last layer, ``"head"``, can be copied where the source has all outputs
        of the target.
    train
        ``"rest"``: layers that are copied stay frozen; ``"all"`` are trained; or the names of those
        that are, among them all that are fresh; ``"auto"`` tries both where ``copy`` is tried, and
        is ``"all"`` where it is given.
    n_splits
        Number of folds of the labels, of at most 3, on which possibilities are tried for a quarter
        of the steps: all on the first one, the better quarter on the next ones. Where fewer than
        two classes have two labels nothing can be tried: all layers are copied and trained, or with
        ``train="rest"`` all but the last are copied and frozen.

    Attributes
    ----------
    layers_
        Layer's name → whether it is ``"copied"`` or ``"fresh"``, and ``"frozen"`` or ``"trained"``.
    curve_
        Score on held-out labels against the number of copied layers, from either end, frozen and
        fine-tuned; None where nothing was tried.

    Raises
    ------
    ParameterError
        If a name matches no layer, or the numbers or names do not fit the network.

    References
    ----------
    Yosinski, Clune, Bengio & Lipson, How Transferable Are Features in Deep Neural Networks?,
    NeurIPS 2014. Lee et al., Surgical Fine-Tuning Improves Adaptation to Distribution Shifts, ICLR
    2023.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = LayerTransfer(copy=1, train="rest").fit(X[::10] + 0.1, y[::10], source=Domain(X, y))
    >>> few.describe()
    fc1   copied, frozen
    fc2   fresh, trained
    head  fresh, trained
    """

    copy: Literal["auto"] | int | tuple[str, ...] = "auto"
    train: Literal["auto", "all", "rest"] | tuple[str, ...] = "auto"
    n_splits: PositiveInt = 2

    renamed: ClassVar[dict[str, str]] = {"splits": "n_splits"}
    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, network=True, costly=True, transcripts=True
    )
    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return {} if self.copy == "auto" else {"n_splits": f"copy={self.copy!r}"}

    def _learn(self, problem: Problem) -> Fitted:
        network, known = Layered(problem), problem.target.known()
        lines = plans_to_try(network.names, network.copyable, self.copy, self.train)
        plans = list(dict.fromkeys(plan for line in lines.values() for plan in line))
        trials = network.cross_validate(plans, known, self.n_splits) if len(plans) > 1 else None
        if trials is not None:
            best, how = trials.best, f"the best of {len(plans)} on held-out labels"
        elif len(plans) > 1:
            best = safe_plan(network.names, network.copyable, self.train)
            how = "labels too few to be split to choose by, so a fixed choice and a fixed time"
        else:
            best, how = plans[0], "as asked for"
        model, history = network.train(best, known, problem.recipe)
        curves = [] if trials is None else [_curves(lines, trials.scores, problem)]
        facts = Facts(f"Layers: {how}", {name: best.of(name) for name in network.names})
        return Fitted(model, history, [*curves, facts])

    @property
    def layers_(self) -> dict[str, str]:
        """Layer's name → copied, frozen, trained or new."""
        self.check_fitted()
        return next(found.values for found in self.findings_ if isinstance(found, Facts))

    @property
    def curve_(self) -> Curves | None:
        """Score on held-out labels against the number of copied layers."""
        self.check_fitted()
        return next((found for found in self.findings_ if isinstance(found, Curves)), None)

    def describe(self) -> None:
        """Print the copied, frozen and trained layers, from the input to the output."""
        longest = max(map(len, self.layers_))
        for name, what in self.layers_.items():
            Console().print(f"{name:<{longest}}  {what}", highlight=False)


def _curves(
    lines: Mapping[str, Sequence[LayerPlan]], scores: Mapping[LayerPlan, float], problem: Problem
) -> Curves:
    return Curves(
        title="Score on held-out labels: the first or the last layers copied, frozen or tuned",
        across="copied layers",
        up=problem.task.score_name,
        x=[str(len(plan.copied)) for plan in next(iter(lines.values()))],
        lines={name: [scores[plan] for plan in plans] for name, plans in lines.items()},
    )
