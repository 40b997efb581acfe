"""Candidate classes of a model: other ones, new ones, and very many."""

from __future__ import annotations

import copy
from abc import ABC
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self, final

import numpy as np
import pandas as pd
import torch

from fourfold.algorithms.zeroshot.generalized import GeneralizedScore
from fourfold.algorithms.zeroshot.signatures import Signatures
from fourfold.data.descriptions import Descriptions
from fourfold.data.domain import Domain
from fourfold.errors import DataError
from fourfold.estimators.model import Model
from fourfold.estimators.transfer import TransferEstimator
from fourfold.frozen.blocks import in_blocks
from fourfold.methods.zeroshot._calibration import seen_penalties
from fourfold.methods.zeroshot._index import ClassIndex
from fourfold.methods.zeroshot._label_heads import InputEmbedding, head_of
from fourfold.methods.zeroshot._towers import described_later
from fourfold.preparation.texts import encode_descriptions

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from fourfold.core.tasks import Task

__all__ = ["INDEX", "KnowsCandidates"]

VERY_MANY: Final = 50_000
"""From this number of classes on, the likeliest ones are looked up in an index."""
INDEX: Final = "index"
"""Name of the index among the files of a model."""


class KnowsCandidates(TransferEstimator, ABC):
    """A method that answers among classes that are described, also ones that came after the fit.

    Parameters
    ----------
    encoder
        Sentence encoder for descriptions that are texts: its name or folder. A name that is not in
        the Hugging Face cache is downloaded by ``fit``, never by predictions.
    index
        Kind of the :class:`~fourfold.algorithms.label_index.LabelIndex` (extra ``labels``) that
        ``predict_topk`` looks classes up in; it is saved with the model and grows with
        :meth:`add_classes`. ``"auto"`` compares all classes below 50 000, and has an index from
        there.

    Attributes
    ----------
    seen_
        Names of the classes with examples in the source.
    seen_penalty_
        Penalty on the scores of seen classes.
    """

    encoder: str = "all-MiniLM-L6-v2"
    index: Literal["auto", "exact", "ivf", "hnsw"] = "auto"

    keeps_missing: ClassVar[bool] = False
    """Whether signatures keep missing attributes as NaN; else the average takes their place."""

    @property
    def seen_(self) -> list[Any]:
        """Names of the classes with examples in the source."""
        return list(self.fitted_.state["seen_"])

    @property
    def seen_penalty_(self) -> float:
        """Penalty on the scores of seen classes."""
        return float(self.fitted_.state["seen_penalty_"])

    @property
    def signatures(self) -> Signatures:
        """The fitted signatures."""
        return Signatures.restore(self.fitted_.state["signatures_"])

    def load_files(self, folder: Path, task: Task) -> dict[str, ClassIndex]:
        there = (folder / INDEX).exists()
        return {INDEX: ClassIndex.load(folder / INDEX, task.n_outputs)} if there else {}

    @final
    def outputs_described(
        self, X: Any, among: Any
    ) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        if not isinstance(among, (Mapping, Descriptions, pd.DataFrame)):
            return None
        self.check_fitted()
        described = Descriptions.of(among)
        return described.names, self._for_classes(described).outputs(self.ready(X))

    @final
    def look_up(self, X: Any, k: int) -> tuple[NDArray[Any], NDArray[np.float32]] | None:
        if not self._is_indexed(len(self.classes_)):
            return None
        if INDEX not in self.fitted_.files:  # very many only since classes were added
            self.fitted_.files[INDEX] = ClassIndex.build(self.index, self.model_)
        queries = in_blocks(InputEmbedding(self.model_), self.ready(X))
        scores, positions = self.fitted_.files[INDEX].search(queries, k)
        return self.classes_[positions], scores

    @final
    def add_classes(self, classes: Any) -> Self:
        """Add candidate classes, without training.

        Parameters
        ----------
        classes
            Their descriptions, as in ``Domain(..., classes=...)``.

        Raises
        ------
        DataError
            If one is known already, or described in another way than those of fit.
        """
        self.check_fitted()
        new = Descriptions.of(classes)
        known = set(self.classes_.tolist())
        twice = [name for name in new.names.tolist() if name in known]
        if twice:
            raise DataError(f"classes to add must be new ones; got {twice[0]!r} again")
        old, more = head_of(self.model_), head_of(self._for_classes(new))
        names = np.concatenate([self.classes_, new.names])
        order = torch.from_numpy(np.argsort(names, kind="stable"))
        if INDEX in self.fitted_.files:
            index = self.fitted_.files[INDEX]
            index.add(more.labels.numpy(), more.bias.numpy(), order.numpy())
        old.labels = torch.cat([old.labels, more.labels])[order]
        old.bias = torch.cat([old.bias, more.bias])[order]
        self._classification().classes_ = np.sort(names)
        return self

    def _for_classes(self, described: Descriptions) -> Model:
        """Return the model with a head of its own, for other candidate classes."""
        model = Model(self.model_.body, copy.deepcopy(self.model_.head)).eval()
        described = described_later(self.fitted_.state, described)
        penalties = seen_penalties(described, self.seen_, self.seen_penalty_)
        head_of(model).set_classes(self._vectors(self.signatures, described), penalties)
        return model

    @final
    def score_generalized(self, X: Any, y: Any) -> GeneralizedScore:
        """Rate rows of seen and of unseen classes among all candidate classes.

        Parameters
        ----------
        X, y
            (n, ...) and (n,), rows of seen and of unseen classes.

        Raises
        ------
        DataError
            If there is no row of seen, or none of unseen classes.
        """
        outputs = self.outputs(X)
        rows = Domain(np.zeros((len(outputs), 1)), y)
        true = self._classification().codes(rows.known)
        guess = outputs[rows.labelled].argmax(axis=1)
        if (true < 0).any():
            strange = np.unique(rows.known[true < 0]).tolist()[0]
            raise DataError(f"rows must be of candidate classes; got {strange!r}")
        return GeneralizedScore.of_rows(true, guess, np.isin(self.classes_, self.seen_))

    def _vectors(self, signatures: Signatures, descriptions: Descriptions) -> Tensor:
        """Return signatures (k, m) of described classes."""
        encoded = encode_descriptions(descriptions, self.encoder)
        made = signatures.transform if self.keeps_missing else signatures.filled
        return torch.from_numpy(np.array(made(encoded)))

    def _is_indexed(self, classes: int) -> bool:
        return self.index != "auto" or classes >= VERY_MANY
