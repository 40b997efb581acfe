"""Transcription."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self, final

import annotated_types as at
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  its name in the field

from fourfold.core.parameters import NonNegative, PositiveInt  # noqa: TC001  read at run time
from fourfold.core.tasks.base import Task, mean_over_labels, weighted
from fourfold.core.transcripts.decoding import Word, beam_search, greedy, words
from fourfold.core.transcripts.ngram import CharacterNgram
from fourfold.core.transcripts.symbols import MISSING, encode_texts, normalized, spelled, symbols_of
from fourfold.errors import DataError, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from fourfold.data.domain import Domain

__all__ = ["FrameHead", "Transcription"]

IMPOSSIBLE: Final = -1e4
"""Log-probability of symbols behind the end of an utterance."""


@final
class Transcription(Task):
    """The text of each row, whose symbols follow each other along the row's frames.

    Outputs are log-probabilities (T, k) of each frame, of a blank and of the symbols; rows differ
    in T. Behind the end of an utterance a frame is blank for certain, which changes no probability
    of a text, so that padded rows need no lengths beside them.

    Parameters
    ----------
    beam
        Texts that are followed from frame to frame; 1 takes the best output of each frame.
    ngram
        Longest n-gram of characters, counted in the transcripts to learn from; 0 for none. It takes
        part where ``beam`` is above 1.
    ngram_weight
        Weight of the n-gram's log-probability for each symbol.
    plain
        Whether texts are compared in lower case and without punctuation.

    Attributes
    ----------
    symbols_
        (k − 1,) sorted characters of the transcripts, in NFC, the space among them.

    References
    ----------
    Graves, Fernández, Gomez & Schmidhuber, Connectionist Temporal Classification, ICML 2006.
    """

    beam: PositiveInt = 1
    ngram: Annotated[int, at.Interval(ge=0, le=8)] = 0
    ngram_weight: NonNegative = 0.5
    plain: bool = True

    kind: ClassVar[str] = "transcriber"
    ragged: ClassVar[bool] = True
    answer_name: ClassVar[str] = "log_probabilities"
    score_name: ClassVar[str] = "1 − character error rate"

    @property
    def n_outputs(self) -> int:
        return 1 + len(self.symbols_)

    def fit(self, domain: Domain) -> Self:
        texts = self.texts(domain.known)
        pairs = zip(domain.known.tolist(), texts, strict=True)
        empty = [raw for raw, text in pairs if not text]
        if empty:
            raise DataError(
                f"transcripts of {domain.name or 'the domain'} must have letters; got "
                f"{len(empty)} without, {some(map(repr, empty), 3)}: leave their cells empty"
            )
        self.symbols_ = symbols_of(texts)
        counted = CharacterNgram.of(texts if self.ngram else (), self.ngram, len(self.symbols_))
        self.counts_ = counted.counts
        return self

    def joined(self, other: Task) -> Task:
        """Return the task with another one's symbols beside its own."""
        if not isinstance(other, Transcription):
            return self
        wider = Transcription(**self.get_params())
        wider.symbols_ = sorted({*self.symbols_, *other.symbols_})
        wider.counts_ = self.counts_
        return wider

    def texts(self, y: NDArray[Any]) -> list[str]:
        """Return transcripts (n,) as they are compared.

        Raises
        ------
        DataError
            If they are no texts.
        """
        strange = [text for text in y.ravel().tolist() if not isinstance(text, str)]
        if strange or y.ndim != 1:
            raise DataError(f"transcripts must be texts, (n,); got {some(map(repr, strange), 3)}")
        return [normalized(text, plain=self.plain) for text in y.tolist()]

    def encode(self, domain: Domain) -> Tensor:
        texts: list[str | None] = [None] * domain.n_rows
        if domain.y is not None and domain.labelled.any():
            known = self.texts(domain.known)
            self._check_symbols(known, domain.name)
            for row, text in zip(np.flatnonzero(domain.labelled), known, strict=True):
                texts[row] = text
        return torch.from_numpy(encode_texts(texts, self.symbols_))

    def _check_symbols(self, texts: list[str], name: str) -> None:
        strange = Counter(c for text in texts for c in {*text}.difference(self.symbols_))
        if strange:
            n = sum(not {*text} <= {*self.symbols_} for text in texts)
            raise DataError(
                f"transcripts of {name or 'the domain'} must be of the {len(self.symbols_)} "
                f"symbols that are learnt; got also {some(map(repr, sorted(strange)))} in {n} of "
                f"{len(texts)}"
            )

    def decode_labels(self, y: Tensor) -> NDArray[Any]:
        return _texts(spelled(row, self.symbols_) for row in y.tolist())

    def outputs_in(self, source: Task) -> NDArray[np.int64] | None:
        """Return the source's output for each of these, −1 for symbols that it lacks."""
        if not isinstance(source, Transcription):
            return None
        codes = {symbol: code for code, symbol in enumerate(source.symbols_, start=1)}
        return np.array([0, *(codes.get(symbol, -1) for symbol in self.symbols_)], np.int64)

    def loss(self, outputs: Tensor, y: Tensor, weight: Tensor | None = None) -> Tensor:
        """Average −log p(text), in nats a symbol, over rows with a transcript."""
        lengths = (y != MISSING).sum(1)
        known = lengths > 0
        frames = (outputs[..., 0] < 0).sum(1).clamp(min=1)  # behind them nothing changes
        losses = F.ctc_loss(  # (B,)
            outputs.transpose(0, 1).float(),
            y.clamp(min=0) + 1,
            frames,
            lengths,
            reduction="none",
            zero_infinity=True,
        )
        each = torch.where(known, losses / lengths.clamp(min=1), 0.0)
        return mean_over_labels(each, known, weight)

    def distillation_loss(
        self,
        outputs: Tensor,
        teacher: Tensor,
        temperature: float = 1.0,
        weight: Tensor | None = None,
    ) -> Tensor:
        """Average KL(teacher ‖ outputs) over the frames of each row, and over the rows."""
        wanted = (teacher[:, : outputs.shape[1]] / temperature).log_softmax(2)
        ours = (outputs / temperature).log_softmax(2)
        real = teacher[:, : outputs.shape[1], 0] < 0  # behind the end the blank is certain
        each = torch.where(real, (wanted.exp() * (wanted - ours)).sum(2), 0.0)  # (B, T)
        rows = each.sum(1) / real.sum(1).clamp(min=1)
        return temperature**2 * weighted(rows, weight).mean()

    def fisher_roots(self, outputs: Tensor) -> Tensor:
        return (outputs.detach().exp().sqrt() * outputs).flatten(1)

    def decode(self, outputs: NDArray[Any]) -> NDArray[Any]:
        if self.beam == 1:
            return _texts(_tidy(greedy(frames, self.symbols_)) for frames in outputs)
        given = (self.beam, self._ngram, self.ngram_weight)
        return _texts(_tidy(beam_search(frames, self.symbols_, *given)) for frames in outputs)

    def guesses(self, outputs: NDArray[Any]) -> tuple[Tensor, NDArray[np.float64]]:
        """Decode outputs to encoded transcripts (n, m), and the confidence of each, (n,).

        It is the mean of its words'; 0 for a transcript without any.
        """
        found = self.words(outputs)
        texts = [" ".join(word.text for word in of) or None for of in found]
        sure = [float(np.mean([word.confidence for word in of])) if of else 0.0 for of in found]
        return torch.from_numpy(encode_texts(texts, self.symbols_)), np.array(sure)

    def words(self, outputs: NDArray[Any]) -> list[list[Word]]:
        """Decode outputs greedily to the words of each row, with their confidences."""
        return [words(frames, self.symbols_) for frames in outputs]

    @property
    def _ngram(self) -> CharacterNgram | None:
        if not self.ngram:
            return None
        return CharacterNgram(self.ngram, self.counts_, len(self.symbols_))

    def answers(self, outputs: NDArray[Any]) -> NDArray[Any]:
        return outputs

    def answer_module(self) -> nn.Module:
        return nn.Identity()

    def notes(self) -> dict[str, str]:
        return {"symbols": json.dumps(self.symbols_)}

    def score(
        self,
        y: NDArray[Any],
        outputs: NDArray[Any],
        weight: NDArray[np.floating[Any]] | None = None,
    ) -> float:
        """1 − the character error rate, of all rows together; it may be below 0."""
        from fourfold.core.transcripts.edits import count_edits  # an extra

        found = count_edits(self.texts(y), self.decode(outputs).tolist())
        rows = np.ones(len(y)) if weight is None else weight
        return 1 - float(rows @ found.edits / (rows @ found.lengths))

    def rows_right(self, y: NDArray[Any], outputs: NDArray[Any]) -> None:
        del y, outputs

    def state(self) -> dict[str, Any]:
        counts = {context: dict(followers) for context, followers in self.counts_.items()}
        return {"symbols": self.symbols_, **({"counts": counts} if counts else {})}

    def restore(self, state: Mapping[str, Any]) -> Self:
        self.symbols_, self.counts_ = list(state["symbols"]), state.get("counts", {})
        return self

    def head(self, width: int) -> nn.Module:
        return FrameHead(width, self.n_outputs)


@final
class FrameHead(nn.Linear):
    """A linear layer on each frame: features (B, width, T) to log-probabilities (B, T, k).

    Frames of zeros lie behind the end of an utterance: they are blank for certain.
    """

    def forward(self, x: Tensor) -> Tensor:
        real = (x != 0).any(1)[..., None]  # (B, T, 1)
        outputs = super().forward(x.transpose(1, 2)).log_softmax(2)
        padding = torch.full_like(self.bias, IMPOSSIBLE)
        padding[0] = 0.0
        return torch.where(real, outputs, padding)


def _texts(texts: Any) -> NDArray[Any]:
    listed = list(texts)
    found = np.empty(len(listed), object)
    found[:] = listed
    return found


def _tidy(text: str) -> str:
    return " ".join(text.split())
