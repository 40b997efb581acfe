"""Frozen sentence encoders, whose vectors are cached and independent of the other texts."""

from __future__ import annotations

import json
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Final, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from fourfold.core.digests import digest_tensors
from fourfold.core.inside import inside, read_json
from fourfold.data.rows import ConvertedRows, Rows, TextRows
from fourfold.errors import BundleError, MissingExtraError, ParameterError, summary
from fourfold.frozen.frozen import Frozen
from fourfold.frozen.store import compute_once

try:
    from tokenizers import Tokenizer

    from fourfold.preparation.encoder_folders import find_encoder
    from fourfold.preparation.encoder_modules import read_network
except ImportError as error:
    raise MissingExtraError("transformers", "text") from error

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from fourfold.preparation.pretrained.multilingual import Multilingual

__all__ = ["Encoder", "encode_sentences", "encoded", "load_encoder"]

MULTILINGUAL: Final = "multilingual"
"""Name of the encoder of many languages that a package holds."""
STEP: Final = 16
"""Lengths are rounded up to a multiple of this number of tokens, to batch similar ones."""
TOKENS: Final = 256
"""Approximate number of tokens in a batch ..."""
TEXTS: Final = 8
"""... and its largest number of texts."""
PROBE: Final = ["The quick brown fox, isn't it? Größe 12,5 cm.", "数据 данные 🎉"]
"""Sentences whose tokens identify a tokenizer."""


def encode_sentences(
    texts: Sequence[str], model: str, *, download: bool = False
) -> NDArray[np.float32]:
    """Encode sentences as vectors of length 1, (n, d); their inner products are cosines.

    ``model`` is the name of a sentence-transformers model, or its folder; a name that is not in
    the Hugging Face cache is downloaded if that is asked for.

    Raises
    ------
    DataError
        If a text is missing or empty.
    FileError
        If the model is not here and cannot be downloaded.
    """
    rows = encoded(TextRows(texts), load_encoder(model, download=download))
    return np.asarray(rows.take(np.arange(rows.n)), np.float32)


def encoded(texts: Rows, encoder: Encoder | Multilingual, max_tokens: int | None = None) -> Rows:
    """Return an encoder's vectors of texts, cached: (n, d); its own limit of tokens holds, too."""
    lengths = np.concatenate([[len(text) for text in block] for block in texts.blocks()])
    order = np.argsort(lengths, kind="stable")
    found = compute_once(encoder.frozen, encoder.rows(texts.subset(order), max_tokens))
    _ = found.shape  # computed now, shortest first: a block is as long as its longest text
    return found.subset(np.argsort(order, kind="stable"))


def load_encoder(model: str, *, download: bool = False) -> Encoder | Multilingual:
    """Load a sentence encoder from safetensors and JSON, once in a process; no code of it runs.

    A name that is not in the Hugging Face cache is downloaded if that is asked for, unless
    ``HF_HUB_OFFLINE=1``; else nobody is contacted.

    Raises
    ------
    FileError
        If it is not here, or cannot be downloaded.
    ParameterError
        If it is not a sentence encoder, or one that needs code of its own or a pickle.
    """
    if model == MULTILINGUAL:
        from fourfold.preparation.pretrained.multilingual import load_multilingual  # an extra

        return load_multilingual()
    folder = find_encoder(model, download=download)
    named = f"the sentence encoder {model!r:.120}"
    try:
        return read_encoder(folder)
    except (BundleError, ParameterError) as error:
        got = f"{error!s:.90}"
        raise ParameterError(f"{named} must be of safetensors and JSON; got: {got}") from error
    except Exception as error:  # damaged or foreign files make libraries raise anything
        got = summary(error, 80)
        raise ParameterError(f"{named} must be one of sentence-transformers; got {got}") from error


@lru_cache(maxsize=4)
def read_encoder(folder: Path) -> Encoder:
    """Read the sentence encoder in a folder."""
    texts, prompting, tokenizing = (
        read_json(folder / f"{name}.json") if (folder / f"{name}.json").exists() else {}
        for name in ("sentence_bert_config", "config_sentence_transformers", "tokenizer_config")
    )
    if "auto_map" in tokenizing:
        raise ParameterError("code of its own, where a tokenizer must be in tokenizer.json")
    network = read_network(folder)
    limits = (texts.get("max_seq_length"), tokenizing.get("model_max_length"), network.longest)
    prompts = prompting.get("prompts") or {}
    return Encoder(
        Tokenizer.from_str(json.dumps(read_json(inside(folder, "tokenizer.json")))),
        network,
        network.titles,
        longest=int(min(limit for limit in limits if limit)),
        prompt=prompts.get(prompting.get("default_prompt_name"), ""),
        lower=bool(texts.get("do_lower_case")),
    )


@final
class Encoder:
    """A frozen sentence encoder.

    Its function ``frozen`` turns :meth:`tokens` (n, m), at most ``longest`` a text, into vectors
    (n, width); ``digest`` is a hash of its weights and its tokenizer, 32 hex digits.

    Parameters
    ----------
    tokenizer, network
        Of texts, and of their tokens: numbers (B, m) and their mask to vectors (B, width).
    titles
        Names of the parts of the network.
    longest
        Largest number of tokens.
    prompt
        Put before each text.
    lower
        Whether texts are read in lower case.
    unit
        Whether vectors have length 1.
    """

    def __init__(
        self,
        tokenizer: Tokenizer,
        network: nn.Module,
        titles: Sequence[str],
        *,
        longest: int,
        prompt: str = "",
        lower: bool = False,
        unit: bool = True,
    ) -> None:
        tokenizer.no_padding()
        self.tokenizer, self.longest = tokenizer, longest
        self.prompt, self.lower = prompt, lower
        sentences = _Sentences(network.eval(), unit=unit)
        self.frozen = Frozen(sentences, engine="torch", dtype=torch.int32)
        self.width: int = sentences.width
        self.digest: str = self._digest(network, titles)

    def rows(self, texts: Rows, max_tokens: int | None) -> Rows:
        """Return texts as the encoder's function takes them."""
        most = min(max_tokens or self.longest, self.longest)
        convert = partial(self.tokens, max_tokens=most)
        return ConvertedRows(texts, convert, (most,), np.int32, f"{self.digest} {most}")

    def tokens(self, texts: Sequence[str], max_tokens: int) -> NDArray[np.int32]:
        """Tokenize texts: 1 + the number of each token, then zeros, (n, max_tokens)."""
        asked = [self.prompt + text for text in texts]
        self.tokenizer.enable_truncation(max_tokens)
        read = self.tokenizer.encode_batch(
            [text.lower() for text in asked] if self.lower else asked
        )
        written = np.zeros((len(asked), max_tokens), np.int32)
        for row, text in zip(written, read, strict=True):
            row[: len(text.ids)] = np.asarray(text.ids) + 1
        return written

    def count_truncated(self, texts: Sequence[str]) -> int:
        """Return the number of texts of more tokens than are read."""
        self.tokenizer.no_truncation()
        return sum(len(read.ids) > self.longest for read in self.tokenizer.encode_batch([*texts]))

    def _digest(self, network: nn.Module, titles: Sequence[str]) -> str:
        vocabulary = sorted(self.tokenizer.get_vocab().items())
        about = [vocabulary, self.tokens(PROBE, 64).tolist(), [*titles], self.prompt]
        return digest_tensors(network.state_dict(), json.dumps(about))


@final
class _Sentences(nn.Module):
    """Encode tokens (B, m) as vectors (B, d), of length 1 if ``unit``.

    Texts are encoded in groups of one size and one length, both given by the text's own length, so
    that no bit of a vector depends on the other texts.
    """

    def __init__(self, encoder: nn.Module, *, unit: bool) -> None:
        super().__init__()
        self.encoder, self.unit = encoder, unit
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
        found: Tensor = self.encoder((full - 1).clamp(min=0).long(), read.long())[: len(tokens)]
        return normalize(found, dim=1) if self.unit else found


def _size(length: int) -> int:
    """Return the number of texts of a length in a group."""
    return max(1, min(TEXTS, TOKENS // length))
