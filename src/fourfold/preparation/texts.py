"""Texts as numbers: by the words that occur in them, or by a frozen sentence encoder."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Final, Literal, final

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.utils.validation import check_is_fitted

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import Rows, SparseRows, TextRows
from fourfold.errors import BundleError, DataError, FileError, ParameterError
from fourfold.preparation.base import Preparation
from fourfold.preparation.table_columns import has_spaces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["MINILM", "SentenceEncoding", "TextPreparation", "WordCounts", "vectorizer"]

MINILM: Final = "all-MiniLM-L6-v2"
"""23 million weights, 384 numbers a text, 256 tokens at most; 91 MB, Apache-2.0."""
FILE: Final = "words.safetensors"


class TextPreparation(Preparation, ABC):
    """A preparation of texts, which may also come as a column of a table.

    Attributes
    ----------
    columns_
        What the columns were called that the texts came from, if they came from tables.
    """

    @final
    def _learn(self, rows: tuple[Rows, ...]) -> tuple[int, ...]:
        self.columns_: list[str] = _columns(rows)
        texts = [self._texts(part, type(self).__name__) for part in rows]
        self.columns_ = _columns([*rows, *texts])
        return (self._learn_texts(texts),)

    @abstractmethod
    def _learn_texts(self, texts: list[Rows]) -> int:
        """Learn from texts and return how many numbers each becomes."""

    @abstractmethod
    def _numbers(self, texts: Rows) -> Rows:
        """Prepare rows of kind ``"texts"``."""

    @final
    def transform(self, rows: Rows, who: str = "") -> Rows:
        check_is_fitted(self)
        return self._numbers(self._texts(rows, who or type(self).__name__))

    @final
    def check_rows(self, rows: Rows, who: str = "") -> None:
        check_is_fitted(self)
        self._texts(rows, who or type(self).__name__)

    def _texts(self, rows: Rows, who: str) -> Rows:
        """Return texts as they are, or the column of a table that holds them."""
        if rows.kind == "texts":
            return rows
        if rows.kind != "table":
            raise DataError(
                f"{who} must be given texts, a list or a column of strings; got rows of kind "
                f"{rows.kind}"
            )
        frame = rows.take(np.arange(rows.n))
        there = [name for name in self.columns_ if name in frame.columns]
        names = there[:1] or list(frame.columns)
        if len(names) != 1:
            wanted = f"the column {self.columns_[0]!r}" if self.columns_ else "one column, of texts"
            raise DataError(
                f"a table for {who} must have {wanted}; got {', '.join(map(str, frame.columns))}"
            )
        return TextRows(frame[names[0]].tolist(), str(names[0]))


@final
class WordCounts(TextPreparation):
    """Describe a text by its words: how often each occurs in it, weighted by how rare it is.

    The words are those of all domains together. What a new text says in other words is not seen;
    :class:`SentenceEncoding` knows such words from elsewhere. Numbers are never negative and mostly
    zero, and are kept sparse. Texts that do not separate their words (Chinese, Japanese) are
    described by their letters and pairs of letters.

    Parameters
    ----------
    weights
        ``"tf-idf"``: 1 + the logarithm of the count, times 1 + the logarithm of 1 / the share of
        texts that have the word, then each text scaled to length 1. ``"counts"``: the counts as
        they are.
    max_words
        At most so many words, the most frequent ones.
    min_texts
        Words that fewer texts have are left out.

    Attributes
    ----------
    words_
        The words, in the order of the features.
    idf_
        (m,) the weight of each; ones where counts are wanted.

    References
    ----------
    .. [1] K. Spärck Jones, "A statistical interpretation of term specificity and its application in
       retrieval", Journal of Documentation, 1972.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows(["to be or not to be", "to do is to be"])
    >>> counts = WordCounts(weights="counts", min_texts=1).fit(rows)
    >>> counts.words_
    ['be', 'do', 'is', 'not', 'or', 'to']
    >>> counts.transform(rows).sample(2)
    array([[2., 0., 0., 1., 1., 2.],
           [1., 1., 1., 0., 0., 2.]], dtype=float32)
    """

    weights: Literal["tf-idf", "counts"] = "tf-idf"
    max_words: PositiveInt = 20_000
    min_texts: PositiveInt = 1

    def _learn_texts(self, texts: list[Rows]) -> int:
        every = [text for part in texts for block in part.blocks() for text in block]
        self.spaced_ = has_spaces(every)
        wanted = vectorizer(self.weights, spaced=self.spaced_, max_features=self.max_words)
        wanted.min_df = min(self.min_texts, len(every))
        try:
            wanted.fit(every)
        except ValueError as error:
            raise DataError(f"texts must have words to learn from; got: {error}") from error
        self.words_: list[str] = wanted.get_feature_names_out().tolist()
        known = wanted.idf_ if isinstance(wanted, TfidfVectorizer) else np.ones(len(self.words_))
        self.idf_: NDArray[np.float32] = np.asarray(known, np.float32)
        return len(self.words_)

    def _numbers(self, texts: Rows) -> Rows:
        known = vectorizer(self.weights, spaced=self.spaced_, vocabulary=self.words_)
        if isinstance(known, TfidfVectorizer):
            known.idf_ = self.idf_
        counted = known.transform(texts.take(np.arange(texts.n)))
        return SparseRows(counted.astype(np.float32))

    def describe(self) -> str:
        what = "words" if self.spaced_ else "letters and pairs of letters"
        return f"{len(self.words_)} {what}, {self.weights}"

    def config(self) -> dict[str, Any]:
        return {"words": self.words_, "spaced": self.spaced_, "columns": self.columns_}

    def state(self) -> dict[str, NDArray[Any]]:
        return {"idf": self.idf_}

    def _write(self, folder: Path) -> None:
        save_file(self.state(), folder / FILE)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        self.words_, self.spaced_ = config["words"], config["spaced"]
        self.columns_, self.idf_ = config["columns"], load_file(folder / FILE)["idf"]


@final
class SentenceEncoding(TextPreparation):
    """Describe a text by what it means: a vector of length 1 by a frozen sentence encoder.

    The encoder was trained on a billion pairs of sentences, so that *cheap* lies near
    *inexpensive*: often the better choice where texts are short, few, or of two domains that say
    the same in other words. It needs the extra ``text`` and, once, a download of the model; about
    100 sentences a second and core. Vectors are computed once, through the store.

    Parameters
    ----------
    model
        The name of a sentence-transformers model, or a folder that holds one. A name that is not
        in the Hugging Face cache is downloaded, unless ``HF_HUB_OFFLINE=1``.
    max_tokens
        Of longer texts only the beginning is read; a token is a word or a part of one. No model
        reads more than it was made for, 256 for the default.

    Attributes
    ----------
    encoder_
        One name for the encoder's weights and tokenizer: 32 hex digits.

    Notes
    -----
    A saved model holds the encoder's name and this digest, not its weights (91 MB for the
    default): whoever loads it must have the encoder too, and one with other weights is refused.

    References
    ----------
    .. [1] N. Reimers, I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese
       BERT-networks", EMNLP 2019.
    """

    model: str = MINILM
    max_tokens: PositiveInt = 256

    def _learn_texts(self, texts: list[Rows]) -> int:
        from fourfold.preparation.sentences import load_encoder

        del texts  # nothing is learnt from them
        encoder = load_encoder(self.model)
        self.encoder_ = encoder.digest
        return encoder.width

    def _numbers(self, texts: Rows) -> Rows:
        from fourfold.preparation.sentences import encoded, load_encoder

        return encoded(texts, load_encoder(self.model), self.max_tokens)

    def describe(self) -> str:
        return f"sentence vectors by {self.model}, {self.shape_[0]} features"

    def config(self) -> dict[str, Any]:
        return {"encoder": self.encoder_, "columns": self.columns_}

    def state(self) -> dict[str, NDArray[Any]]:
        return {}

    def _write(self, folder: Path) -> None:
        del folder  # name and digest are all there is

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        from fourfold.preparation.sentences import load_encoder

        del folder
        self.encoder_, self.columns_ = config["encoder"], config["columns"]
        try:
            found = load_encoder(self.model).digest
        except (FileError, ParameterError) as error:
            raise BundleError(
                f"a model saved without its sentence encoder must find it; {error}"
            ) from error
        if found != self.encoder_:
            raise BundleError(
                f"the sentence encoder {self.model!r} must be the one that the model was trained "
                f"with ({self.encoder_}); got other weights or another tokenizer ({found})"
            )


def _columns(rows: Sequence[Rows]) -> list[str]:
    """Return what the columns were called that texts came from."""
    names = {part.column for part in rows if isinstance(part, TextRows)}
    return sorted(name for name in names if name is not None)


def vectorizer(weights: str, *, spaced: bool, **given: Any) -> CountVectorizer:
    """Build what counts words; letters and pairs of letters where words are not apart.

    Parameters
    ----------
    weights
        ``"tf-idf"`` or ``"counts"``.
    spaced
        Whether words are apart.
    **given
        Of scikit-learn's ``CountVectorizer``.
    """
    how: dict[str, Any] = {
        "analyzer": "word" if spaced else "char",
        "token_pattern": r"(?u)\b\w+\b" if spaced else None,
        "ngram_range": (1, 1) if spaced else (1, 2),
        "dtype": np.float32,
        **given,
    }
    return (
        CountVectorizer(**how) if weights == "counts" else TfidfVectorizer(sublinear_tf=True, **how)
    )
