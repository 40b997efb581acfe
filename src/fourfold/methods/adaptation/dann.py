"""Domain-adversarial training of neural networks."""

from __future__ import annotations

from typing import ClassVar, final

from torch import Tensor, nn

from fourfold.methods.kit import (
    Batch,
    Fitted,
    Needs,
    NonNegative,
    Phase,
    PositiveInt,
    Problem,
    Recipe,
    TrainsNetwork,
    as_body,
    domain_loss,
    forward_by_domain,
    hold_out,
    label_loss,
    minimize,
    ramp,
    reverse,
    split,
    validation,
)

__all__ = ["DANN"]


@final
class DANN(TrainsNetwork):
    """Learn features from which a critic cannot tell the domains apart (domain-adversarial).

    The features minimize the label loss and, through a gradient that is reversed on its way down,
    maximize the loss of a critic that guesses the domain. Each domain is normalized by its own
    batch statistics; predictions use the target's. Labels that the target has take part.

    Parameters
    ----------
    lambda_
        λ at the end of training; it grows as λ·(2/(1 + e^{−10p}) − 1) over the progress p.
    tap
        Stage of the network that the critic reads; None: the last convolution of a convnet, else
        the last stage.
    critic_width
        Units of the critic's hidden layer.

    References
    ----------
    Ganin et al., Domain-Adversarial Training of Neural Networks, JMLR 2016.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> model = DANN().fit(X[::2] + 0.1, source=Domain(X[1::2], y[1::2]))
    >>> model.score(X[::2] + 0.1, y[::2]) > 0.8
    True
    """

    lambda_: NonNegative = 1.0
    tap: str | None = None
    critic_width: PositiveInt = 100

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, same_labels=True
    )
    renamed: ClassVar[dict[str, str]] = {"strength": "lambda_"}
    default_recipe: ClassVar[Recipe] = Recipe(
        epochs=10, optimizer="sgd", learning_rate=0.01, schedule="inverse", weight_decay=0.0
    )

    def _learn(self, problem: Problem) -> Fitted:
        task, target = problem.task, problem.target
        body = problem.body()
        model = problem.model(body)
        features, upper = split(body, self.tap or body.tap)
        labels = nn.Sequential(upper, model.head)
        width = as_body(features, target.rows.shape).width
        hidden = self.critic_width
        layers = nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, 1)
        critic = nn.Sequential(nn.Flatten(), *layers)
        partly = bool(target.labelled.any())

        def loss(t: float, s: Batch, b: Batch) -> Tensor:
            weight = self.lambda_ * ramp(t)
            fs, ft = forward_by_domain(features, s.x, b.x)  # (B, d) each
            confusion = domain_loss(critic(reverse(fs, weight)), critic(reverse(ft, weight)))
            known = task.loss(labels(ft), b.y, b.weight) if partly else 0.0
            return task.loss(labels(fs), s.y, s.weight) + known + confusion

        nets = nn.ModuleDict({"model": model, "critic": critic})
        train, held = hold_out(problem.source_data.known(), problem.recipe)
        validate = validation(nets, label_loss(model, task), held)
        phase, tables, recipe = Phase(loss, nets), (train.table(), target.table()), problem.recipe
        return Fitted(model, minimize(nets, phase, *tables, recipe=recipe, validate=validate))
