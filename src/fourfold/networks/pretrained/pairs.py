"""Pairs of towers of transformers, such as CLIP: the tower of texts, and both projections."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np
from torch import Tensor, nn

from fourfold.data.rows import TextRows
from fourfold.errors import DataError, FourfoldError, MissingExtraError, summary
from fourfold.networks.pretrained.loading import network_digest, read_tower, settings_of
from fourfold.networks.towers import Towers
from fourfold.preparation.pretrained.folders import find_network, read_tokenizer
from fourfold.preparation.sentences import Encoder, encoded

try:
    from tokenizers import Tokenizer
except ImportError as error:
    raise MissingExtraError("tokenizers", "text") from error

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fourfold.networks.towers import Prompt

__all__ = ["is_pair", "load_towers"]

PAIRED: Final = frozenset({"clip"})
"""Model types whose towers are compared by the angle of their projections."""


def is_pair(name: str) -> bool:
    """Return whether a network is a pair of towers, by its settings."""
    return settings_of(name).get("model_type") in PAIRED


def load_towers(name: str, prompt: Prompt) -> Towers:
    """Load the tower of texts and both projections of a pair.

    Raises
    ------
    FileError
        If it is nowhere.
    DataError
        If its folder holds something else, or no tokenizer.
    """
    pair = _loaded(name)

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        rows = encoded(TextRows(list(texts)), pair.texts)
        return np.asarray(rows.take(np.arange(rows.n)), np.float32)

    counts = pair.texts.count_truncated
    return Towers(pair.projection, pair.scale, embed, counts, network_digest(name), prompt)


@final
class _Pair(NamedTuple):
    """The encoder of texts, the projection of pictures, and the factor of cosines."""

    texts: Encoder
    projection: Tensor
    scale: float


@final
class _TextTower(nn.Module):
    """Numbers of tokens (B, n) and their mask to vectors of texts (B, e)."""

    def __init__(self, tower: nn.Module, projection: nn.Module) -> None:
        super().__init__()
        self.tower, self.projection = tower, projection

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        pooled = self.tower(input_ids=ids, attention_mask=mask).pooler_output
        found: Tensor = self.projection(pooled)
        return found


@lru_cache(maxsize=2)
def _loaded(name: str) -> _Pair:
    try:
        model = read_tower(find_network(name), name, "pair").eval()
        read = read_tokenizer(name)
        tower = _TextTower(model.text_model, model.text_projection)
        tokenizer: Any = Tokenizer.from_str(read.tokenizer)
        titles = ["texts", str(model.config.model_type)]
        texts = Encoder(tokenizer, tower, titles, longest=read.longest, unit=False)
        projection = model.visual_projection.weight.detach().clone()
        return _Pair(texts, projection, float(model.logit_scale.detach().exp()))
    except FourfoldError:
        raise
    except Exception as error:  # damaged or foreign files make libraries raise anything
        raise DataError(
            f"{name:.80} must be a whole pair of towers; got {summary(error, 100)}"
        ) from error
