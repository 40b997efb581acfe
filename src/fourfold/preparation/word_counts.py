"""WordCounts: texts as the words that occur in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, final

import numpy as np
from safetensors.numpy import load_file, save_file
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.data.rows import Rows, SparseRows
from fourfold.data.scripts import WORD, are_grouped, separated
from fourfold.errors import DataError
from fourfold.preparation.texts import TextPreparation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

__all__ = ["WordCounts", "vectorizer"]

FILE: Final = "words.safetensors"


@final
class WordCounts(TextPreparation):
    """Encode texts as TF-IDF or counts of their words.

    The vocabulary is that of all domains together. Other words of a new text are ignored;
    :class:`~fourfold.SentenceEncoding` knows more words. Features are sparse and never negative.
    Scripts without spaces between words are encoded by groups of letters: one and two of Chinese
    and Japanese, two to four of Thai, Lao, Burmese and Khmer; words beside them stay words.

    Parameters
    ----------
    weights
        ``"tf-idf"``: 1 + log of the count, times 1 + log of the inverse document frequency, then
        each text scaled to length 1. ``"counts"``: the plain counts.
    max_features
        Largest size of the vocabulary, the most frequent words.
    min_df
        Least number of texts with a word.

    Attributes
    ----------
    words_
        The vocabulary, in the order of the features.
    idf_
        (m,) the weight of each word; ones for counts.

    References
    ----------
    .. [1] K. Spärck Jones, "A statistical interpretation of term specificity and its application in
       retrieval", Journal of Documentation, 1972.

    Examples
    --------
    >>> from fourfold.data.rows import as_rows
    >>> rows = as_rows(["to be or not to be", "to do is to be"])
    >>> counts = WordCounts(weights="counts", min_df=1).fit(rows)
    >>> counts.words_
    ['be', 'do', 'is', 'not', 'or', 'to']
    >>> counts.transform(rows).sample(2)
    array([[2., 0., 0., 1., 1., 2.],
           [1., 1., 1., 0., 0., 2.]], dtype=float32)
    """

    weights: Literal["tf-idf", "counts"] = "tf-idf"
    max_features: PositiveInt = 20_000
    min_df: PositiveInt = 1

    renamed: ClassVar[dict[str, str]] = {"max_words": "max_features", "min_texts": "min_df"}

    def _learn_texts(self, texts: list[Rows]) -> int:
        every = [separated(text) for part in texts for block in part.blocks() for text in block]
        wanted = vectorizer(self.weights, max_features=self.max_features)
        wanted.min_df = min(self.min_df, len(every))
        try:
            wanted.fit(every)
        except ValueError as error:
            raise DataError(f"texts must have words to learn from; got: {error}") from error
        self.words_: list[str] = wanted.get_feature_names_out().tolist()
        known = wanted.idf_ if isinstance(wanted, TfidfVectorizer) else np.ones(len(self.words_))
        self.idf_: NDArray[np.float32] = np.asarray(known, np.float32)
        return len(self.words_)

    def _numbers(self, texts: Rows) -> Rows:
        known = vectorizer(self.weights, vocabulary=self.words_)
        if isinstance(known, TfidfVectorizer):
            known.idf_ = self.idf_
        counted = known.transform(map(separated, texts.take(np.arange(texts.n))))
        return SparseRows(counted.astype(np.float32))

    @property
    def feature_columns(self) -> Sequence[Any]:
        return self.words_

    def describe(self) -> str:
        what = "words and groups of letters" if are_grouped(self.words_) else "words"
        return f"{len(self.words_)} {what}, {self.weights}"

    def config(self) -> dict[str, Any]:
        return {"words": self.words_, "columns": self.columns_}

    def state(self) -> dict[str, NDArray[Any]]:
        return {"idf": self.idf_}

    def _write(self, folder: Path) -> None:
        save_file(self.state(), folder / FILE)

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        self.words_, self.columns_ = config["words"], config["columns"]
        self.idf_ = load_file(folder / FILE)["idf"]


def vectorizer(weights: str, **given: Any) -> CountVectorizer:
    """Build a vectorizer of the words of :func:`~fourfold.data.scripts.separated` texts.

    The parameters ``given`` are those of scikit-learn's ``CountVectorizer``.
    """
    how: dict[str, Any] = {"token_pattern": WORD, "dtype": np.float32, **given}
    return (
        CountVectorizer(**how) if weights == "counts" else TfidfVectorizer(sublinear_tf=True, **how)
    )
