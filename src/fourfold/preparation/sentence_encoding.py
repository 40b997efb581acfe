"""SentenceEncoding: texts as vectors by a frozen sentence encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

from fourfold.core.parameters import PositiveInt  # noqa: TC001  read from the annotations
from fourfold.errors import BundleError, FileError, ParameterError
from fourfold.preparation.texts import MINILM, TextPreparation

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.data.rows import Rows

__all__ = ["SentenceEncoding"]


@final
class SentenceEncoding(TextPreparation):
    """Encode texts as vectors of length 1 by a frozen sentence encoder.

    The encoder was trained on a billion pairs of sentences, so that *cheap* lies near
    *inexpensive*: often the better choice for texts that are short or few, or for domains with
    different vocabularies. It needs the extra ``text`` and, once, a download of the model; it
    encodes about 100 sentences a second and core. Vectors are cached in the store.

    Parameters
    ----------
    model
        The name of a sentence-transformers model, or its folder; ``"english"`` is the default's
        weights in a package (extra ``english``), and ``"multilingual"`` multilingual-e5-small
        (extra ``multilingual``): texts of a hundred languages, without a hub. Another name that is
        not in the Hugging Face cache is downloaded by ``fit``, unless ``HF_HUB_OFFLINE=1``. Only
        weights in safetensors and settings in JSON are read: no code of the model runs, and one
        that needs code of its own or a pickle is refused.
    max_tokens
        Longer texts are truncated; a token is a word or a part of one. The model's own limit, 256
        for the default, also holds.

    Attributes
    ----------
    encoder_
        Hash of the encoder's weights and tokenizer: 32 hex digits.

    Notes
    -----
    A saved model holds the encoder's name and this hash, but not its weights (91 MB for the
    default): loading needs the same encoder on the same machine, contacts nobody to get it, and
    refuses one with other weights.

    References
    ----------
    .. [1] N. Reimers, I. Gurevych, "Sentence-BERT: sentence embeddings using Siamese
       BERT-networks", EMNLP 2019.
    """

    model: str = MINILM
    max_tokens: PositiveInt = 256

    def _learn_texts(self, texts: list[Rows]) -> int:
        from fourfold.preparation.sentences import load_encoder

        del texts  # nothing is fitted to them
        encoder = load_encoder(self.model, download=True)
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
        del folder  # only a name and a hash were fitted

    def _read(self, config: dict[str, Any], folder: Path) -> None:
        from fourfold.preparation.sentences import load_encoder

        del folder
        self.encoder_, self.columns_ = config["encoder"], config["columns"]
        try:
            found = load_encoder(self.model).digest
        except (FileError, ParameterError) as error:
            raise BundleError(f"a saved model needs its encoder: {error}") from error
        if found != self.encoder_:
            raise BundleError(
                f"the sentence encoder {self.model!r:.60} must be the one that the model was "
                f"trained with ({self.encoder_!s:.32}); got other weights or another tokenizer "
                f"({found})"
            )
