"""Tokens: texts as the numbers of their tokens, for a network that is trained on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, final

import numpy as np

from fourfold.core.inside import inside
from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import ConvertedRows, Rows
from fourfold.errors import MissingExtraError, counted
from fourfold.preparation.texts import TextPreparation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["Tokens"]

FILE: Final = "tokenizer.json"
DRAWN: Final = 24
"""Length of the sequences that prove an export."""


@final
class Tokens(TextPreparation):
    """Encode texts as 1 + the number of each token, int32, then zeros: (n, max_tokens).

    Sequences are computed as far as they go, those of a like length together. The tokenizer is
    part of a saved model, so that this predicts from texts without a hub.

    Parameters
    ----------
    network
        Name or folder of a pretrained network of texts.
    max_tokens
        Longer texts are truncated; special tokens count. The network's own limit also holds.

    Attributes
    ----------
    tokenizer_
        Its tokenizer, as ``tokenizer.json`` holds it.
    truncated_, n_texts_
        Fitted texts that are truncated, and all of them.
    """

    network: str = "st:english"
    max_tokens: PositiveInt = 256

    def _learn_texts(self, texts: list[Rows]) -> int:
        from fourfold.preparation.pretrained.folders import read_tokenizer

        read = read_tokenizer(self.network)
        self.tokenizer_, self._prompt, self._lower = read.tokenizer, read.prompt, read.lower
        self._most = min(self.max_tokens, read.longest or self.max_tokens)
        self._start()
        self.n_texts_ = sum(part.n for part in texts)
        self.truncated_ = sum(
            int((np.array([len(ids) for ids in self._ids(block, None)]) > self._most).sum())
            for part in texts
            for block in part.blocks(1024)
        )
        return self._most

    def _start(self) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise MissingExtraError("tokenizers", "text") from error
        self._tokenizer = Tokenizer.from_str(self.tokenizer_)
        self._tokenizer.no_padding()

    def _ids(self, texts: NDArray[Any], most: int | None) -> list[list[int]]:
        """Tokenize texts, to at most so many tokens; None for no limit."""
        if most is None:
            self._tokenizer.no_truncation()
        else:
            self._tokenizer.enable_truncation(most)
        asked = [self._prompt + text for text in texts]
        read = self._tokenizer.encode_batch([t.lower() for t in asked] if self._lower else asked)
        return [text.ids for text in read]

    def tokens(self, texts: NDArray[Any]) -> NDArray[np.int32]:
        """Tokenize texts: (n, max_tokens)."""
        written = np.zeros((len(texts), self._most), np.int32)
        for row, ids in zip(written, self._ids(texts, self._most), strict=True):
            row[: len(ids)] = np.asarray(ids) + 1
        return written

    def _numbers(self, texts: Rows) -> Rows:
        return ConvertedRows(texts, self.tokens, self.shape_, np.int32, self.digest, padded=True)

    def notes(self) -> list[str]:
        if not self.truncated_:
            return []
        said = (
            f"{self.truncated_:,} of {counted(self.n_texts_, 'text')} are longer than the "
            f"{self._most} tokens that the network reads, and are truncated."
        )
        return [said]

    def example(self, n: int) -> NDArray[Any]:
        length = min(DRAWN, self._most)
        drawn = np.random.default_rng(0).integers(1, self._tokenizer.get_vocab_size(), (n, length))
        return np.asarray(drawn, np.int32)

    def beside_export(self) -> dict[str, str]:
        return {f".{FILE}": self.tokenizer_}

    def describe(self) -> str:
        return f"1 + the number of each token, then zeros; at most {self._most} tokens"

    def config(self) -> dict[str, Any]:
        how = {"prompt": self._prompt, "lower": self._lower, "most": self._most}
        return {
            "columns": self.columns_,
            "truncated": self.truncated_,
            "texts": self.n_texts_,
            **how,
        }

    def state(self) -> dict[str, NDArray[Any]]:
        return {"tokenizer": np.frombuffer(self.tokenizer_.encode(), np.uint8)}

    def _write(self, folder: Path) -> None:
        folder.joinpath(FILE).write_text(self.tokenizer_, "utf-8")

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        self.columns_ = config["columns"]
        self.truncated_, self.n_texts_ = config["truncated"], config["texts"]
        self._prompt, self._lower, self._most = (
            str(config["prompt"]),
            bool(config["lower"]),
            int(config["most"]),
        )
        self.tokenizer_ = inside(folder, FILE).read_text("utf-8")
        self._start()
