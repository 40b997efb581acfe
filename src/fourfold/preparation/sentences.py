"""Sentences as vectors, by a frozen sentence encoder: computed once, each by itself."""

from __future__ import annotations

import json
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize
from xxhash import xxh3_128, xxh3_128_digest

from fourfold.data.rows import KEY, Rows, TextRows
from fourfold.errors import FileError, MissingExtraError, ParameterError
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import compute_once
from fourfold.preparation.texts import MINILM

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
"""Lengths are rounded up to so many tokens, so that texts of about one length go together."""
TOKENS: Final = 256
"""About so many tokens are computed at a time ..."""
TEXTS: Final = 8
"""... and at most so many texts."""
PROBE: Final = ["The quick brown fox, isn't it? Größe 12,5 cm.", "数据 данные 🎉"]
"""Sentences by which a tokenizer is known."""


def encode_sentences(texts: Sequence[str], model: str = MINILM) -> NDArray[np.float32]:
    """Encode sentences as vectors of length 1, each by itself, computed once.

    Parameters
    ----------
    texts
        (n,) strings.
    model
        The name of a sentence-transformers model, or a folder that holds one.

    Returns
    -------
    (n, d) of float32; the product of two is their cosine.

    Raises
    ------
    DataError
        If a text is missing or empty.
    FileError
        If there is no such model here, and it cannot be had.
    """
    rows = encoded(TextRows(texts), load_encoder(model))
    return np.asarray(rows.take(np.arange(rows.n)), np.float32)


def encoded(texts: Rows, encoder: Encoder, most: int | None = None) -> Rows:
    """Return what an encoder makes of texts, computed at most once: (n, d).

    Parameters
    ----------
    texts
        Rows of kind ``"texts"``.
    encoder
        The encoder.
    most
        Of longer texts only so many tokens are read; by default as many as the encoder was made
        for.
    """
    lengths = np.concatenate([[len(text) for text in block] for block in texts.blocks()])
    order = np.argsort(lengths, kind="stable")
    found = compute_once(encoder.frozen, _TokenRows(texts.subset(order), encoder, most))
    if not found.shape:  # computed now, the shortest first: a block is as long as its longest
        raise AssertionError
    return found.subset(np.argsort(order, kind="stable"))


@lru_cache(maxsize=4)
def load_encoder(model: str) -> Encoder:
    """Load a sentence encoder; once in a process.

    A name that is not in the Hugging Face cache is downloaded, unless ``HF_HUB_OFFLINE=1``.

    Raises
    ------
    FileError
        If it cannot be had.
    ParameterError
        If it is no encoder of sentences.
    """
    try:
        with _quiet():
            loaded = sentence_transformers.SentenceTransformer(
                model,
                device="cpu",
                # other kernels are taken where no text of a batch is padded: other bits
                model_kwargs={"attn_implementation": "eager"},
            )
    except OSError as error:
        why = str(error).strip().splitlines()[0]
        raise FileError(
            f"the sentence encoder {model!r} must be a folder that holds one, or the name of one "
            f"that is in the Hugging Face cache or can be downloaded; got: {why}"
        ) from error
    except Exception as error:  # what a damaged or foreign folder makes the library raise
        raise ParameterError(
            f"the sentence encoder {model!r} must be one of sentence-transformers; got: {error}"
        ) from error
    return Encoder(loaded)


@contextmanager
def _quiet() -> Iterator[None]:
    """Load without a bar for each file."""
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
    """A sentence encoder that never trains.

    Parameters
    ----------
    loaded
        A ``SentenceTransformer`` of texts.

    Attributes
    ----------
    frozen
        From tokens (n, m), as :meth:`tokens` writes them, to vectors (n, d) of length 1.
    longest
        How many tokens of a text it was made to read.
    width
        How many numbers a vector has, d.
    digest
        One name for its weights and its tokenizer: 32 hex digits.
    """

    def __init__(self, loaded: Any) -> None:
        self.tokenizer = loaded.tokenizer
        self.longest = int(loaded.max_seq_length or self.tokenizer.model_max_length)
        self.prompt = loaded.prompts.get(loaded.default_prompt_name or "", "")
        sentences = _Sentences(loaded.eval())
        self.frozen = Frozen(sentences, engine="torch", dtype=torch.int32)
        self.width: int = sentences.width
        self.digest: str = self._digest(loaded)

    def tokens(self, texts: Sequence[str], most: int) -> NDArray[np.int32]:
        """Write texts as numbers of words and parts of words, (n, most): 1 + each, then zeros."""
        asked = [self.prompt + text for text in texts]
        numbers = self.tokenizer(asked, truncation=True, max_length=most)["input_ids"]
        written = np.zeros((len(asked), most), np.int32)
        for row, ids in zip(written, numbers, strict=True):
            row[: len(ids)] = np.asarray(ids) + 1
        return written

    def _digest(self, loaded: Any) -> str:
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        parts = [type(part).__name__ for part in loaded]
        about = [vocabulary, self.tokens(PROBE, 64).tolist(), parts, self.prompt]
        hashed = xxh3_128(json.dumps(about).encode())
        for name, tensor in sorted(loaded.state_dict().items()):
            hashed.update(f"{name}{tensor.dtype}{tuple(tensor.shape)}".encode())
            hashed.update(tensor.detach().contiguous().view(-1).view(torch.uint8).numpy().data)
        return hashed.hexdigest()


@final
class _TokenRows(Rows):
    """Texts as tokens, written when they are read; known by the texts."""

    kind = "array"

    def __init__(self, texts: Rows, encoder: Encoder, most: int | None) -> None:
        self.texts, self.encoder = texts, encoder
        self.most = min(most or encoder.longest, encoder.longest)

    @property
    def n(self) -> int:
        return self.texts.n

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.most,)

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(np.int32)

    def take(self, index: Index) -> NDArray[np.int32]:
        return self.encoder.tokens(self.texts.take(index), self.most)

    def subset(self, index: Index) -> _TokenRows:
        return _TokenRows(self.texts.subset(index), self.encoder, self.most)

    def _hash(self) -> Keys:
        salt = f"{self.encoder.digest} {self.most}".encode()
        keys = np.empty(self.n, KEY)
        for i, key in enumerate(self.texts.keys):
            keys[i] = np.void(xxh3_128_digest(key.tobytes() + salt))
        return keys


@final
class _Sentences(nn.Module):
    """From tokens to vectors, (B, m) to (B, d) of length 1.

    Texts go through the encoder in groups of one size and one length, both of which follow from
    the text's own length, so that no bit of its vector depends on the texts beside it.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.width = len(self._group(torch.ones(1, 1, dtype=torch.int32), STEP)[0])

    def forward(self, x: Tensor) -> Tensor:
        vectors = torch.zeros(len(x), self.width)  # of rows that only fill up a block
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
        read[len(tokens) :, 0] = True  # something, where there is no text
        given = {"input_ids": (full - 1).clamp(min=0).long(), "attention_mask": read.long()}
        found: Tensor = self.encoder(given)["sentence_embedding"][: len(tokens)]
        return normalize(found.float(), dim=1)


def _size(length: int) -> int:
    """Return how many texts of a length are computed at a time."""
    return max(1, min(TEXTS, TOKENS // length))
