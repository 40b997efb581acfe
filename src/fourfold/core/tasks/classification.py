"""Classification."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import Fraction  # noqa: TC001  read from the annotations
from fourfold.core.tasks.base import mean_over_labels
from fourfold.core.tasks.categorical import Categorical
from fourfold.core.tasks.labels import as_classes
from fourfold.errors import DataError, ParameterError, some

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.core.tasks.base import Task
    from fourfold.data.domain import Domain

__all__ = ["Classification"]


@final
class Classification(Categorical):
    """One class for each row.

    Parameters
    ----------
    smoothing
        Label smoothing, in [0, 1].
    class_weight
        Weights of the classes in training, beside those of the rows, as in scikit-learn:
        ``"balanced"`` gives all classes of a domain the same total weight; ``{name: weight}`` the
        given ones, and other classes 1. None: all are alike.
    open_set
        Whether rows may be of none of the classes. These are predicted as ``"unknown"``, or as −1
        where classes are numbers, by a last output of their own. No label to learn from says so.

    Attributes
    ----------
    classes_
        (k,) sorted names of the classes.
    """

    smoothing: Fraction = 0.0
    class_weight: Literal["balanced"] | dict[Any, Any] | None = None
    open_set: bool = False
    kind: ClassVar[str] = "classifier"
    has_classes: ClassVar[bool] = True
    stratified: ClassVar[bool] = True
    linear_loss: ClassVar[Literal["logistic", "squared"] | None] = "logistic"
    answer_name: ClassVar[str] = "probabilities"
    score_name: ClassVar[str] = "accuracy"

    def _check_together(self) -> None:
        given = self.class_weight if isinstance(self.class_weight, dict) else {}
        for name, value in given.items():
            if not (isinstance(value, (int, float)) and 0 < value < math.inf):
                raise ParameterError(
                    f"class_weight of Classification must be above 0 for each class; got {value!r} "
                    f"for {name!r}"
                )

    def check_class_weight(self) -> None:
        """Refuse weights of classes that the task does not have.

        Raises
        ------
        ParameterError
            If there are some.
        """
        given = self.class_weight if isinstance(self.class_weight, dict) else {}
        strange = sorted({str(name) for name in given} - set(map(str, self.classes_.tolist())))
        if strange:
            raise ParameterError(
                f"class_weight must name classes of the labels, {some(self.classes_)}; got "
                f"{some(map(repr, strange))}"
            )

    def fit(self, domain: Domain) -> Self:
        y = as_classes(domain.known)
        if y.ndim != 1:
            raise DataError(f"classes must be (n,); got labels of shape {y.shape}")
        if y.dtype.kind == "f":
            raise DataError(
                "classes must be whole numbers or names; got fractions: Unknown label type "
                "(continuous), for which task=Regression() is meant"
            )
        classes = np.unique(y)
        if self.open_set and _unknown(classes) in classes.tolist():
            raise DataError(
                f"no class must be called {_unknown(classes)!r} beside open_set, where it means "
                f"rows of none of the classes; got one in {domain.name or 'the domain'}: rename it"
            )
        return self.among(classes)

    @property
    def beyond(self) -> list[Any]:
        return [_unknown(self.classes_)] if self.open_set else []

    def taught_by(self, domain: Domain) -> Self:
        """Leave outputs of classes without a label in a domain out of the loss.

        They stay what a source taught: no label speaks for these classes yet, nor against them.
        """
        known = np.unique(self.codes(domain.known))
        self.taught_ = torch.from_numpy(known[known >= 0])
        return self

    def encode(self, domain: Domain) -> Tensor:
        codes = np.full(domain.n_rows, -1, np.int64)
        if domain.y is not None and domain.labelled.any():
            known = self.codes(domain.known)
            if (known < 0).any():
                raise DataError(
                    f"labels of {domain.name or 'the domain'} must be among the "
                    f"{len(self.classes_)} classes of the task; got also "
                    f"{some(map(repr, np.unique(as_classes(domain.known)[known < 0]).tolist()))}"
                )
            codes[domain.labelled] = known
        return torch.from_numpy(codes)

    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        return np.asarray(self.classes_[y.numpy()])

    def outputs_in(self, source: Task) -> NDArray[np.int64] | None:
        if not isinstance(source, Classification):
            return super().outputs_in(source)
        codes = source.codes(self.classes_)
        return None if (codes < 0).any() else codes

    def weigh(self, domain: Domain) -> Tensor | None:
        weight = super().weigh(domain)
        if self.class_weight is None:
            return weight
        codes = self.encode(domain)
        rows = torch.ones(len(codes)) if weight is None else weight
        return torch.where(codes >= 0, rows * self._class_weights(codes, rows)[codes], rows)

    def _class_weights(self, codes: Tensor, rows: Tensor) -> Tensor:
        """Return the weight of each class, (k,), for labels of these codes and weights."""
        if isinstance(self.class_weight, dict):
            given = {str(name): value for name, value in self.class_weight.items()}
            return torch.tensor([given.get(str(name), 1.0) for name in self.classes_.tolist()])
        known = codes >= 0
        totals = torch.zeros(len(self.classes_)).index_add(0, codes[known], rows[known])
        return totals.sum() / ((totals > 0).sum() * totals)

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        if self.taught_ is not None:
            taught = self.taught_.to(y.device)
            place = y.new_full((len(self.classes_) + 1,), -1)  # the last is of missing labels
            place[taught] = torch.arange(len(taught), device=y.device)
            outputs, y = outputs[:, taught], place[y]
        losses = F.cross_entropy(
            outputs, y, ignore_index=-1, label_smoothing=self.smoothing, reduction="none"
        )
        return mean_over_labels(losses, y >= 0, weight)

    def answers(self, outputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return self.probabilities(outputs)

    def answer_module(self) -> nn.Module:
        return nn.Softmax(dim=1)

    def notes(self) -> dict[str, str]:
        return {"classes": json.dumps(self.names.tolist())}

    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[np.float32],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """Accuracy."""
        return float(np.average(self.rows_right(y, outputs), weights=weight))

    def rows_right(self, y: NDArray[Any], outputs: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(outputs.argmax(axis=1) == self.places(y), np.float64)

    def places(self, y: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of the right output for each label.

        That of a strange class is the unknown one's, or −1 where there is none.
        """
        codes = self.codes(y)
        return np.where(codes < 0, len(self.classes_), codes) if self.beyond else codes


def _unknown(classes: NDArray[Any]) -> int | str:
    """Return the answer for rows of none of the classes: −1 among numbers, or else a name."""
    return -1 if classes.dtype.kind in "iu" else "unknown"
