"""Frozen sentence encoders, whose vectors are cached and independent of the other texts."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from fourfold.core.digests import digest_tensors
from fourfold.data.rows import Rows, TextRows, hash_contents
from fourfold.errors import FileError, MissingExtraError, ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import compute_once

try:
    import sentence_transformers
    from transformers.utils import logging
except ImportError as error:
    raise MissingExtraError("sentence_transformers", "text") from error

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["Encoder", "encode_sentences", "encoded", "load_encoder"]

STEP: Final = 16
"""Lengths are rounded up to a multiple of this number of tokens, to batch similar ones."""
TOKENS: Final = 256
"""Approximate number of tokens in a batch ..."""
TEXTS: Final = 8
"""... and its largest number of texts."""
PROBE: Final = ["The quick brown fox, isn't it? Größe 12,5 cm.", "数据 данные 🎉"]
"""Sentences whose tokens identify a tokenizer."""


def encode_sentences(texts: Sequence[str], model: str) -> NDArray[np.float32]:
    """Encode sentences as vectors of length 1, (n, d); their inner products are cosines.

    ``model`` is the name of a sentence-transformers model, or its folder.

    Raises
    ------
    DataError
        If a text is missing or empty.
    FileError
        If the model is not here and cannot be downloaded.
    """
    rows = encoded(TextRows(texts), load_encoder(model))
    return np.asarray(rows.take(np.arange(rows.n)), np.float32)


def encoded(texts: Rows, encoder: Encoder, max_tokens: int | None = None) -> Rows:
    """Return an encoder's vectors of texts, cached: (n, d); its own limit of tokens holds, too."""
    lengths = np.concatenate([[len(text) for text in block] for block in texts.blocks()])
    order = np.argsort(lengths, kind="stable")
    found = compute_once(encoder.frozen, _TokenRows(texts.subset(order), encoder, max_tokens))
    _ = found.shape  # computed now, shortest first: a block is as long as its longest text
    return found.subset(np.argsort(order, kind="stable"))


@lru_cache(maxsize=4)
def load_encoder(model: str) -> Encoder:
    """Load a sentence encoder, once in a process.

    A name that is not in the Hugging Face cache is downloaded, unless ``HF_HUB_OFFLINE=1``.

    Raises
    ------
    FileError
        If it is not here and cannot be downloaded.
    ParameterError
        If it is not a sentence encoder.
    """
    try:
        with _quiet():
            loaded = sentence_transformers.SentenceTransformer(
                model,
                device="cpu",
                # others use different kernels, with different bits, for batches without padding
                model_kwargs={"attn_implementation": "eager"},
            )
    except OSError as error:
        why = str(error).strip().splitlines()[0]
        raise FileError(
            f"the sentence encoder {model!r} must be a folder that holds one, or the name of one "
            f"that is in the Hugging Face cache or can be downloaded; got: {why}"
        ) from error
    except Exception as error:  # damaged or foreign folders make the library raise anything
        raise ParameterError(
            f"the sentence encoder {model!r} must be one of sentence-transformers; got: {error}"
        ) from error
    return Encoder(loaded)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide the progress bars of the library."""
    bars: Any = logging
    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()


@final
class Encoder:
    """A frozen sentence encoder, from a ``SentenceTransformer`` of texts.

    Its function ``frozen`` turns :meth:`tokens` (n, m), at most ``longest`` a text, into vectors
    (n, width) of length 1; ``digest`` is a hash of its weights and its tokenizer, 32 hex digits.
    """

    def __init__(self, loaded: Any) -> None:
        self.tokenizer = loaded.tokenizer
        self.longest = int(loaded.max_seq_length or self.tokenizer.model_max_length)
        self.prompt = loaded.prompts.get(loaded.default_prompt_name or "", "")
        sentences = _Sentences(loaded.eval())
        self.frozen = Frozen(sentences, engine="torch", dtype=torch.int32)
        self.width: int = sentences.width
        self.digest: str = self._digest(loaded)

    def tokens(self, texts: Sequence[str], max_tokens: int) -> NDArray[np.int32]:
        """Tokenize texts: 1 + the number of each token, then zeros, (n, max_tokens)."""
        asked = [self.prompt + text for text in texts]
        numbers = self.tokenizer(asked, truncation=True, max_length=max_tokens)["input_ids"]
        written = np.zeros((len(asked), max_tokens), np.int32)
        for row, ids in zip(written, numbers, strict=True):
            row[: len(ids)] = np.asarray(ids) + 1
        return written

    def _digest(self, loaded: Any) -> str:
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        parts = [type(part).__name__ for part in loaded]
        about = [vocabulary, self.tokens(PROBE, 64).tolist(), parts, self.prompt]
        return digest_tensors(loaded.state_dict(), json.dumps(about))


@final
class _TokenRows(Rows):
    """Texts as tokens, tokenized when they are read; their keys are those of the texts."""

    dtype = np.dtype(np.int32)

    def __init__(self, texts: Rows, encoder: Encoder, max_tokens: int | None) -> None:
        self.texts, self.encoder = texts, encoder
        self.max_tokens = min(max_tokens or encoder.longest, encoder.longest)
        self.n, self.shape = texts.n, (self.max_tokens,)

    def take(self, index: Index) -> NDArray[np.int32]:
        return self.encoder.tokens(self.texts.take(index), self.max_tokens)

    def subset(self, index: Index) -> _TokenRows:
        return _TokenRows(self.texts.subset(index), self.encoder, self.max_tokens)

    def _hash(self) -> Keys:
        salt = f"{self.encoder.digest} {self.max_tokens}".encode()
        return hash_contents(key.tobytes() + salt for key in self.texts.keys)


@final
class _Sentences(nn.Module):
    """Encode tokens (B, m) as vectors (B, d) of length 1.

    Texts are encoded in groups of one size and one length, both given by the text's own length, so
    that no bit of a vector depends on the other texts.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = len(self._group(torch.ones(1, 1, dtype=torch.int32), STEP)[0])

    def forward(self, x: Tensor) -> Tensor:
        vectors = torch.zeros(len(x), self.width)  # also of rows that pad a block
        lengths = (x > 0).sum(dim=1)
        rounded = ((lengths + STEP - 1) // STEP * STEP).clamp(max=x.shape[1])
        for length in torch.unique(rounded[lengths > 0]).tolist():
            alike = torch.nonzero(rounded == length).flatten()
            for group in torch.split(alike, _size(length)):
                vectors[group] = self._group(x[group, :length], length)
        return vectors

    @torch.no_grad()
    def _group(self, tokens: Tensor, length: int) -> Tensor:
        """Encode at most a group of texts: (b, ≤ length) to (b, d)."""
        full = tokens.new_zeros(_size(length), length)
        full[: len(tokens), : tokens.shape[1]] = tokens
        read = full > 0
        read[len(tokens) :, 0] = True  # padding must not be empty
        given = {"input_ids": (full - 1).clamp(min=0).long(), "attention_mask": read.long()}
        found: Tensor = self.encoder(given)["sentence_embedding"][: len(tokens)]
        return normalize(found.float(), dim=1)


def _size(length: int) -> int:
    """Return the number of texts of a length in a group."""
    return max(1, min(TEXTS, TOKENS // length))
