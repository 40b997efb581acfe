"""CLAP: a linear probe that starts from the texts of the classes, and stays near them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, final

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.algorithms.class_adaptive import choose_alpha, class_adaptive, class_penalties
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.data.descriptions import Descriptions
from fourfold.estimators.posing import fit_task
from fourfold.estimators.problem import ClassDescriptions
from fourfold.methods.finetuning._means import class_means
from fourfold.methods.kit import (
    USUAL,
    Classification,
    Facts,
    Fitted,
    Model,
    Needs,
    NonNegative,
    Problem,
    Recipe,
    Task,
    TrainsNetwork,
    teacher_outputs,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourfold.estimators.problem import Given

__all__ = ["CLAP"]

SCALE: Final = 10.0
"""Factor of cosines where no pair of towers tells its own."""
TITLE: Final = "Probability of the right class before training"
SHOWN: Final = 20
"""Classes of which it is listed, the least likely ones."""
STATE: Final = "cosines_"
"""Name in the fitted state of the head's settings."""


@final
class CLAP(TrainsNetwork):
    """Fit class vectors that start from the texts of the classes, each as near as it deserves.

    A network of two towers, such as CLIP, places pictures f(x) and texts t_c of the classes in one
    space. Class vectors w_c start at t_c, and minimize the mean cross-entropy of
    softmax(τ cos(f(x), w_c)) plus alpha · mean of λ_c ‖w_c − t_c‖². The multiplier λ_c is the mean
    probability that the texts alone give labelled rows of class c: where they are right, the class
    stays.

    Classes are those of the target's labels; their texts are descriptions of the target, or else
    their names. Beside any other source t_c are its features' mean directions of the classes.

    Parameters
    ----------
    vectors
        ``"zero-shot"`` leaves class vectors at the texts: the network as it is, without a look at
        labels.
    alpha
        Factor of the penalty; 1 is the paper's, 0 a probe that only starts from the texts. None
        chooses by cross-validation on the target's labels, or is 1 where none can be held out.

    References
    ----------
    Silva-Rodríguez et al., A Closer Look at the Few-Shot Adaptation of Large Vision-Language
    Models, CVPR 2024.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fourfold import Domain
    >>> X, y = load_iris(return_X_y=True)
    >>> few = CLAP().fit(X[::30] + 0.1, y[::30], source=Domain(X, y))
    >>> few.score(X, y) > 0.8
    True
    """

    vectors: Literal["adapted", "zero-shot"] = "adapted"
    alpha: NonNegative | None = None

    needs: ClassVar[Needs] = Needs(
        source=True, source_labels=True, classes=True, network=True, towers=True
    )
    variants: ClassVar[dict[str, tuple[str, ...]]] = {"vectors": ("adapted", "zero-shot")}
    from_trained: ClassVar[tuple[str, ...]] = ("prepare", "network", "recipe")
    default_recipe: ClassVar[Recipe] = USUAL

    def idle(self) -> dict[str, str]:
        return {"alpha": "vectors='zero-shot'"} if self.vectors == "zero-shot" else {}

    def describe_classes(self, given: Given) -> ClassDescriptions | None:
        """Return vectors of the classes' texts, where the source is a network of two towers."""
        pair = given.pair
        task = fit_task(self.task, given.target)
        if pair is None or not isinstance(task, Classification):
            return None
        names = task.classes_.tolist()
        texts = Descriptions(names, [str(name) for name in names])
        known = pair.towers().describe(given.target.classes or texts).subset(names)
        return ClassDescriptions(names, known, known, Signatures.fit(known))

    def restore_head(self, task: Task, width: int, state: Mapping[str, Any]) -> _Cosines:
        return _Cosines(task.n_outputs, width, **state[STATE])

    def _learn(self, problem: Problem) -> Fitted:
        body, known = problem.source_model.body, problem.target.known()
        if (pair := problem.pair) is None:
            head = _Cosines(problem.task.n_outputs, body.width, size=0, scale=SCALE)
            start = class_means(body, problem, F.normalize)
        else:
            towers = pair.towers()
            head = _Cosines(problem.task.n_outputs, body.width, towers.width, towers.scale)
            head.projection.load_state_dict({"weight": towers.projection})
            start = torch.from_numpy(problem.described.known.matrix)
        features = head.embed_inputs(teacher_outputs(body, known.rows))
        rows, prototypes = known.sample(features.detach().numpy()), start.double().numpy()
        penalties, alpha = class_penalties(rows, prototypes, head.scale), self.alpha
        if self.vectors == "adapted":
            alpha = choose_alpha(rows, prototypes, head.scale) if alpha is None else alpha
            prototypes = class_adaptive(rows, prototypes, head.scale, alpha * penalties)
        head.weight.data.copy_(torch.from_numpy(prototypes))
        least = sorted(zip(penalties, problem.task.names.tolist(), strict=True))[:SHOWN]
        found = Facts(TITLE, {str(name): f"{share:.2f}" for share, name in least})
        return Fitted(Model(body, head, fixed=True), findings=[found], state={STATE: head.settings})


@final
class _Cosines(nn.Module):
    """Logits scale · cos(P f, w_k) of features (B, d); P projects to a size, unless that is 0."""

    def __init__(self, classes: int, width: int, size: int, scale: float) -> None:
        super().__init__()
        self.projection = nn.Linear(width, size, bias=False) if size else nn.Identity()
        self.weight = nn.Parameter(torch.ones(classes, size or width))
        self.scale, self.settings = scale, {"size": size, "scale": scale}

    def embed_inputs(self, features: Tensor) -> Tensor:
        return F.normalize(self.projection(features))

    def forward(self, features: Tensor) -> Tensor:
        return self.scale * self.embed_inputs(features) @ F.normalize(self.weight).T  # (B, k)
