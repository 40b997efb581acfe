"""Attribute prediction (DAP): the attributes of a row, then the class that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, final

from sklearn.ensemble import ExtraTreesRegressor
from torch import nn

from fourfold.algorithms.zeroshot.attribute_posterior import Posterior, Prior
from fourfold.algorithms.zeroshot.forest import Forest, Size
from fourfold.methods.kit import (
    DataError,
    Finding,
    Fitted,
    Fraction,
    Model,
    Needs,
    PositiveInt,
    Problem,
    Recipe,
    UsesRecipe,
)
from fourfold.methods.zeroshot._attribute_heads import AttributeAnswers, PosteriorHead
from fourfold.methods.zeroshot._describes import Describes
from fourfold.methods.zeroshot._explanations import Explanation, explain_answers, explain_rows
from fourfold.methods.zeroshot._predictors import (
    AttributePredictor,
    HeldOutPredictions,
    choose_trust,
    grow_forest,
    known_rows,
    predict_attributes,
    train_network,
)
from fourfold.networks.builder import Builder
from fourfold.networks.cut import Cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.algorithms.zeroshot.signatures import Signatures
    from fourfold.methods.zeroshot._seen import SeenData

    Chosen: TypeAlias = tuple[float, list[HeldOutPredictions]]

__all__ = ["AttributePrediction"]


@final
class AttributePrediction(UsesRecipe, Describes):
    """Predict the attributes of a row, then the class that has them (DAP).

    The answer is the class z with the largest Π p(a_m|x) / p(a_m) over its attributes a_m; p(a_m)
    is their frequency among seen classes. A missing attribute of a class counts as 1, the average
    over rows. Numbers have normal distributions about the prediction.

    Predictions that are calibrated for seen classes are overconfident for others, so they are mixed
    with p(a_m); the share is chosen on held-out seen classes.

    Parameters
    ----------
    predictor
        ``"forest"``: extremely randomized trees on prepared inputs or frozen features;
        ``"network"``: a network that is trained, and a linear layer on it.
    n_estimators, min_samples_leaf, max_features
        Of the forest: number of trees, least number of rows in a leaf, and share of the features
        that a split chooses among; 0 for a single one.
    trust
        Share t of the predictions for classes without examples: t p(a|x) + (1 − t) p(a). None
        chooses on held-out seen classes.
    network
        Network below the linear layer, for ``predictor="network"``.

    Attributes
    ----------
    trust_
        The share that was used.

    References
    ----------
    Lampert, Nickisch & Harmeling, Learning to Detect Unseen Object Classes by Between-Class
    Attribute Transfer, CVPR 2009. Geurts, Ernst & Wehenkel, Extremely Randomized Trees, Machine
    Learning 2006.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from fourfold import Domain
    >>> X, y = load_digits(return_X_y=True)
    >>> pictures = np.hstack([X[:898], X[898:1796]])  # two digits side by side
    >>> names = np.array([f"{a}{b}" for a, b in zip(y[:898], y[898:1796])])
    >>> classes = {name: {"left": name[0], "right": name[1]} for name in names}
    >>> new = y[:898] == y[898:1796]  # 00, 11, ... have no examples
    >>> source = Domain(pictures[~new], names[~new], classes=classes)
    >>> target = Domain(pictures[new], classes={name: classes[name] for name in names[new]})
    >>> model = AttributePrediction(n_estimators=20).fit(target, source=source)
    >>> len(model.classes_), model.score(pictures[new], names[new]) > 0.9
    (10, True)
    """

    predictor: Literal["forest", "network"] = "forest"
    n_estimators: PositiveInt = 100
    min_samples_leaf: PositiveInt = 5
    max_features: Fraction = 0.33
    trust: Fraction | None = None
    network: nn.Module | Builder | str | None = None

    renamed: ClassVar[dict[str, str]] = {
        "trees": "n_estimators", "leaf": "min_samples_leaf", "split": "max_features",
    }  # fmt: skip
    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, target_labels=False, classes=True, described=True
    )
    default_recipe: ClassVar[Recipe] = Recipe(epochs=20)
    keeps_missing: ClassVar[bool] = True

    def idle(self) -> dict[str, str]:
        grown = ("n_estimators", "min_samples_leaf", "max_features")
        trained = ("recipe",) if isinstance(self.network, Cut) else ("recipe", "network")
        names = grown if self.predictor == "network" else trained
        return dict.fromkeys(names, f"predictor={self.predictor!r}")

    @property
    def trust_(self) -> float:
        """The share of the predictions."""
        return float(self.fitted_.state["trust_"])

    def label_head(
        self, width: int, classes: int, signatures: Signatures, state: Mapping[str, Any]
    ) -> PosteriorHead:
        groups = signatures.encoders
        forest = self.predictor == "forest"
        predictor = Forest(Size(*state["size_"])) if forest else AttributeAnswers(width, groups)
        return PosteriorHead(predictor, groups, classes)

    def _choose(self, problem: Problem, seen: SeenData) -> Chosen:
        """Choose the trust on folds of seen classes; return it, and predictions for these."""
        tested = []
        for rest, held in seen.class_folds(problem.seed, seen.n_folds):
            body, predictor, _ = self._train(problem, rest)
            tested.append(predict_attributes(body, predictor, held))
        if self.trust is not None:
            return self.trust, tested
        groups = problem.described.signatures.encoders
        prior = Prior.of(seen.signatures.numpy(), groups)
        return choose_trust(Posterior(groups), prior, tested), tested

    def _recognize(self, problem: Problem, seen: SeenData, chosen: Chosen) -> Fitted:
        trust, tested = chosen
        groups = problem.described.signatures.encoders
        body, predictor, history = self._train(problem, seen)
        head = PosteriorHead(predictor, groups, 1)
        prior = Prior.of(seen.signatures.numpy(), groups)
        known = known_rows(tested or [predict_attributes(body, predictor, seen)])
        head.posterior.calibrate(prior, trust, *known)
        size = list(predictor.size) if isinstance(predictor, Forest) else None
        return Fitted(Model(body, head), history, state={"trust_": trust, "size_": size})

    def _train(self, problem: Problem, seen: SeenData) -> AttributePredictor:
        if self.predictor == "network":
            return train_network(problem, seen)
        forest = ExtraTreesRegressor(
            self.n_estimators,
            min_samples_leaf=self.min_samples_leaf,
            max_features=self.max_features or 1,
            random_state=problem.seed,
        )
        return grow_forest(problem, seen, forest)

    def explain(self, X: Any, *, against: Any = None) -> Explanation:
        """Explain the answer for a row by its predicted attributes.

        Parameters
        ----------
        X
            One row, (1, ...) as in fit.
        against
            The class to compare the answer to; None: the runner-up.

        Returns
        -------
        Explanation
            The weights of its reasons add up to the lead of the answer.

        Raises
        ------
        DataError
            If there is not one row.
        ParameterError
            If ``against`` is no candidate class, or the answer itself.
        """
        self.check_fitted()
        rows = self.ready(X)
        if rows.n != 1:
            raise DataError(f"there must be one row to explain; got {rows.n}")
        return explain_rows(self.model_, self._classification(), rows, self.seen_, against)[0]

    def _explain(self, problem: Problem, model: Model) -> list[Finding]:
        seen = problem.described.seen
        explained = explain_answers(model, problem.task, problem.target.rows, seen)
        return [explanation.as_bars() for explanation in explained]
