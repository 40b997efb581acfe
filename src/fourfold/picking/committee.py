"""Committee: models whose votes on unlabelled rows are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, final

import numpy as np
from scipy.special import entr

from fourfold.bundle.files import is_bundle
from fourfold.core.tasks import Attributes, Classification, Regression
from fourfold.errors import DataError, FileError, ParameterError, some
from fourfold.methods import find
from fourfold.methods.saved import load_one

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain
    from fourfold.estimators.transfer import TransferEstimator
    from fourfold.picking.features import Prepare
    from fourfold.picking.pool import Codes, Floats

    Members: TypeAlias = Mapping[str, TransferEstimator]

__all__ = ["Votes", "quick_members", "saved_members", "shipped_model", "votes_of"]

ALONE: Final = ("KernelSVM", "Linear")
"""Quick models of the target's labels."""
FROM_SOURCE: Final = "FineTune"
UNSURE: Final = 1e-3
"""Weight of a small margin beside the entropy of votes."""


@final
@dataclass(frozen=True)
class Votes:
    """Votes of a committee on rows.

    Attributes
    ----------
    disagreement
        (n,) at least 0. For classes the entropy of the members' votes, and, where these are one, of
        little weight, the lack of a margin between mean probabilities; for several answers its mean
        over them; for numbers the spread over members, in units of the spread over rows.
    predicted
        (n,) codes of the classes that are likeliest on average; 0 where there are no classes.
    names
        Name of each of these codes.
    """

    disagreement: Floats
    predicted: Codes
    names: tuple[str, ...] = ("",)

    def reason(self, row: int) -> str:
        """Describe the votes on a row in a few words."""
        name = self.names[self.predicted[row]]
        predicted = f"predicted {name}, " if name else ""
        return f"{predicted}disagreement {self.disagreement[row]:.2f}"


def votes_of(members: Members, domains: Sequence[Domain]) -> Votes:
    """Let a committee vote on the rows of domains, in their order.

    Raises
    ------
    ParameterError
        If the members' tasks differ in kind, or are clusterings.
    """
    models = list(members.values())
    kinds = {type(model.task_) for model in models}
    if len(kinds) > 1 or not kinds <= {Attributes, Classification, Regression}:
        got = some(sorted(kind.__name__ for kind in kinds))
        raise ParameterError(f"models that vote must predict labels of one kind; got {got}")
    outputs = [np.concatenate([model.outputs(one) for one in domains]) for model in models]
    if kinds == {Classification}:
        classes, p = _probabilities(models, outputs)
        return Votes(_divided(p), p.mean(axis=0).argmax(axis=1), tuple(map(str, classes)))
    nothing = np.zeros(len(outputs[0]), np.intp)
    pairs = list(zip(models, outputs, strict=True))
    if kinds == {Attributes}:
        yes = np.stack([model.task_.probabilities(part) for model, part in pairs])
        answers = np.stack([1 - yes, yes], axis=-1)
        return Votes(_divided(answers).mean(axis=1), nothing)
    values = np.stack([model.task_.decode(part).reshape(len(part), -1) for model, part in pairs])
    scale = np.maximum(values.std(axis=1).mean(axis=0), 1e-12)
    return Votes((values.std(axis=0) / scale).mean(axis=1), nothing)


def _probabilities(
    models: Sequence[TransferEstimator], outputs: Sequence[NDArray[np.float32]]
) -> tuple[NDArray[np.object_], Floats]:
    """Return all classes that a member knows, and probabilities (members, n, k) of them."""
    classes = np.unique(np.concatenate([model.classes_ for model in models]))
    p = np.zeros((len(models), len(outputs[0]), len(classes)))
    for own, model, part in zip(p, models, outputs, strict=True):
        own[:, np.searchsorted(classes, model.classes_)] = model.task_.probabilities(part)
    return classes, p


def _divided(p: Floats) -> Floats:
    """Return the division (...) of members by their probabilities (members, ..., k)."""
    votes = np.eye(p.shape[-1])[p.argmax(axis=-1)].mean(axis=0)
    second, first = np.moveaxis(np.sort(p.mean(axis=0), axis=-1)[..., -2:], -1, 0)
    return np.asarray(entr(votes).sum(axis=-1) + UNSURE * (1 - (first - second)))


def saved_members(study: Path | str) -> Members:
    """Load the models of a finished study of one target.

    Raises
    ------
    FileError
        If the folder holds none.
    BundleError
        If one is damaged.
    """
    folder = Path(study) / "models"
    found = sorted(folder.iterdir()) if folder.is_dir() else []
    members = {path.name: load_one(path, None) for path in found if is_bundle(path)}
    if not members:
        raise FileError(
            f"study must be the folder of a finished study of one target; got {study}, without "
            "models in it"
        )
    return members


def shipped_model(study: Path | str) -> TransferEstimator:
    """Load the model that a finished study of one target shipped.

    Raises
    ------
    FileError, BundleError
        If there is no whole one.
    """
    return load_one(Path(study) / "best", None)


def quick_members(
    labels: Domain, source: TransferEstimator | None, prepare: Prepare, seed: int
) -> Members:
    """Fit quick models to the labels of a target, whose other rows are there, too.

    A model of the source is tuned to them, and votes itself where it knows all of their classes.
    """
    members: dict[str, TransferEstimator] = {}
    for name in ALONE:
        method = find(name).load()
        if not 0 < method.needs.most_labels < labels.n_labelled:
            members[name] = method(prepare=prepare, random_state=seed).fit(labels)
    if source is not None:
        tuned = find(FROM_SOURCE).load()(random_state=seed)
        members[FROM_SOURCE] = tuned.fit(labels, source=source)
        if _knows(source, labels):
            members[type(source).__name__] = source
    return members


def _knows(model: TransferEstimator, labels: Domain) -> bool:
    """Return whether a model can predict all labels of a domain."""
    try:
        model.task_.encode(labels)
    except DataError:
        return False
    return True
